//! Training against PyTorch's: what `tests/golden` holds, compared with what wgrad computes on a device.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::{Dtype, SafeTensors};
use wgrad::layers::{Flatten, LeakyRelu, Linear, Relu, Sigmoid, Tanh};
use wgrad::losses::{BceLoss, CrossEntropyLoss, MseLoss};
use wgrad::optimizers::{Adam, AdamW, Sgd};
use wgrad::{Dataset, Device, Layer, Loss, Optimizer, Options, Sequential, Tensor, Trainer};

/// All cases, each a file.
pub const CASES: [&str; 7] = [
    "xor_sigmoid_mse_sgd",
    "xor_tanh_bce_momentum",
    "xor_relu_bce_adam",
    "iris_relu_ce_adam",
    "iris_leaky_nesterov_decay",
    "binary_20_10_1_bce",
    "mnist_mlp_adam",
];

/// How far output, loss and gradients may be from PyTorch's, relative to the largest entry of each tensor.
const BACKWARD: f32 = 1e-5;
/// How far each loss of the sequence may be, relative to the largest.
const LOSSES: f32 = 1e-4;
/// How far final parameters, and outputs after training, may be, relative to the largest entry of each tensor. Adam
/// divides by the root of small squares, so that rounding errors grow from step to step more than in the losses.
const FINAL: f32 = 1e-4;

/// A case: what PyTorch computed in double precision.
pub struct Golden {
    metadata: HashMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
}

impl Golden {
    pub fn load(case: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{case}.safetensors"));
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (_, header) = SafeTensors::read_metadata(&bytes)?;
        let metadata = header.metadata().clone().with_context(|| format!("{case} has no metadata"))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(&bytes)?.iter() {
            tensors.insert(name.to_owned(), tensor(view.dtype(), view.shape(), view.data())?);
        }
        Ok(Self { metadata, tensors })
    }

    fn text(&self, key: &str) -> Result<&str> {
        self.metadata.get(key).map(String::as_str).with_context(|| format!("the metadata have no {key}"))
    }

    fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).with_context(|| format!("there is no tensor {name}"))
    }

    /// The tensors whose names begin with `prefix`, by the rest of their names.
    fn named(&self, prefix: &str) -> Vec<(String, Tensor)> {
        let named =
            self.tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
        named.collect()
    }

    fn batch(&self) -> Result<Dataset> {
        Ok(Dataset::new(self.tensor("input")?, self.tensor("target")?)?)
    }

    /// The network that a text such as `2-8-1 relu, sigmoid` describes: sizes, hidden activation, output activation. Where
    /// there is one activation, a sigmoid also ends the network, a ReLU does not.
    fn model(&self) -> Result<Sequential> {
        let (sizes, activations) = self.text("network")?.split_once(' ').context("no activation")?;
        let sizes = sizes.split('-').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        let (hidden, output) = match activations.split_once(", ") {
            Some((hidden, output)) => (hidden, Some(output)),
            None => (activations, Some(activations).filter(|&name| name == "sigmoid")),
        };
        let mut model = Sequential::new();
        if self.tensor("input")?.shape().rank() > 2 {
            model = model.add(Flatten);
        }
        for (index, pair) in sizes.windows(2).enumerate() {
            model = model.add(Linear::new(pair[0], pair[1]));
            let is_last = index + 2 == sizes.len();
            if let Some(name) = if is_last { output } else { Some(hidden) } {
                model = model.add(activation(name)?);
            }
        }
        Ok(model)
    }

    /// The loss that the case names.
    pub fn loss(&self) -> Result<Box<dyn Loss>> {
        Ok(match self.text("loss")? {
            "mse" => Box::new(MseLoss),
            "bce" => Box::new(BceLoss),
            "cross_entropy" => Box::new(CrossEntropyLoss),
            other => bail!("unknown loss {other}"),
        })
    }

    /// The optimizer that a text such as `sgd lr=0.5 momentum=0.9` describes.
    fn optimizer(&self) -> Result<Box<dyn Optimizer>> {
        let text = self.text("optimizer")?;
        let number = |key: &str| -> Result<Option<f64>> {
            let value = text.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            Ok(value.map(str::parse).transpose()?)
        };
        let rate = number("lr")?.context("no learning rate")?;
        let (momentum, decay) = (number("momentum")?, number("weight_decay")?);
        let sgd = Sgd::new(rate).momentum(momentum.unwrap_or(0.0)).weight_decay(decay.unwrap_or(0.0));
        Ok(match (text.split(' ').next(), momentum) {
            (Some("adam"), None) => Box::new(Adam::new(rate).weight_decay(decay.unwrap_or(0.0))),
            (Some("adamw"), None) => Box::new(AdamW::new(rate).weight_decay(decay.context("no weight decay")?)),
            (Some("sgd"), _) if text.split(' ').any(|word| word == "nesterov") => Box::new(sgd.nesterov()),
            (Some("sgd"), _) => Box::new(sgd),
            _ => bail!("unknown optimizer {text}"),
        })
    }

    /// Trains with this loss, and compares everything on the way.
    pub fn check(&self, device: &Device, fuse: bool, loss: impl Loss + 'static) -> Result<()> {
        let batch = self.batch()?;
        let options = Options { batch_size: batch.len(), fuse, ..Options::default() };
        let mut trainer = Trainer::new(device, self.model()?, loss, self.optimizer()?, options)?;
        trainer.build(&self.tensor("input")?.shape().dims()[1..])?;
        trainer.set_parameters(&self.named("init."))?;
        self.check_backward(&mut trainer, &batch)?;
        self.check_steps(&mut trainer, &batch)?;
        compare_named("final parameter", &trainer.parameters()?, &self.named("final."), FINAL)?;
        compare("output after training", &trainer.predict(batch.inputs())?, self.tensor("eval_output")?, FINAL)
    }

    /// Compares output, loss and gradients of this model with this loss.
    #[allow(dead_code, reason = "only tests of other models than those that the files describe in words")]
    pub fn check_gradients(
        &self,
        device: &Device,
        fuse: bool,
        model: impl Layer + 'static,
        loss: impl Loss + 'static,
    ) -> Result<()> {
        let batch = self.batch()?;
        let options = Options { batch_size: batch.len(), fuse, ..Options::default() };
        let mut trainer = Trainer::new(device, model, loss, self.optimizer()?, options)?;
        trainer.build(&self.tensor("input")?.shape().dims()[1..])?;
        trainer.set_parameters(&self.named("init."))?;
        self.check_backward(&mut trainer, &batch)
    }

    fn check_backward(&self, trainer: &mut Trainer, batch: &Dataset) -> Result<()> {
        let backward = trainer.gradients(batch)?;
        compare("output", &backward.output, self.tensor("output")?, BACKWARD)?;
        compare("loss", &Tensor::from([backward.loss]), self.tensor("loss")?, BACKWARD)?;
        compare_named("gradient", &backward.gradients, &self.named("grad."), BACKWARD)
    }

    fn check_steps(&self, trainer: &mut Trainer, batch: &Dataset) -> Result<()> {
        let wanted = self.tensor("losses")?;
        let steps: usize = self.text("steps")?.parse()?;
        ensure!(steps == wanted.rows() && steps > 0, "{steps} steps, but {} losses", wanted.rows());
        let losses = (0..steps).map(|_| trainer.step(batch)).collect::<Result<Vec<f32>, _>>()?;
        compare("losses", &Tensor::f32([steps], losses)?, wanted, LOSSES)
    }
}

fn activation(name: &str) -> Result<Box<dyn Layer>> {
    if let Some(slope) = name.strip_prefix("leaky_relu ") {
        return Ok(Box::new(LeakyRelu(slope.parse()?)));
    }
    Ok(match name {
        "relu" => Box::new(Relu),
        "sigmoid" => Box::new(Sigmoid),
        "tanh" => Box::new(Tanh),
        other => bail!("unknown activation {other}"),
    })
}

fn tensor(dtype: Dtype, shape: &[usize], data: &[u8]) -> Result<Tensor> {
    let words = data.chunks_exact(4).map(|word| word.try_into().map(u32::from_le_bytes));
    let words = words.collect::<Result<Vec<u32>, _>>()?;
    Ok(match dtype {
        Dtype::F32 => Tensor::f32(shape.to_vec(), words.into_iter().map(f32::from_bits).collect())?,
        Dtype::I32 => Tensor::u32(shape.to_vec(), words)?,
        other => bail!("unknown type {other:?}"),
    })
}

/// Compares tensors of one name each; `got` may lack none and have no others.
fn compare_named(what: &str, got: &[(String, Tensor)], wanted: &[(String, Tensor)], tolerance: f32) -> Result<()> {
    let names = |named: &[(String, Tensor)]| {
        let mut names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    ensure!(names(got) == names(wanted) && !got.is_empty(), "{what}s: wanted {:?}, got {:?}", names(wanted), names(got));
    for (name, wanted) in wanted {
        let found = got.iter().find(|(known, _)| known == name).with_context(|| format!("no {what} {name}"))?;
        compare(&format!("{what} {name}"), &found.1, wanted, tolerance)?;
    }
    Ok(())
}

fn compare(what: &str, got: &Tensor, wanted: &Tensor, tolerance: f32) -> Result<()> {
    ensure!(got.shape() == wanted.shape(), "{what}: wanted {}, got {}", wanted.shape(), got.shape());
    let (got, wanted) = (got.to_vec(), wanted.to_vec());
    let largest = wanted.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (index, (got, wanted)) in got.into_iter().zip(wanted).enumerate() {
        let error = (got - wanted).abs() / largest;
        // Written so that NaN fails.
        ensure!(error <= tolerance, "{what}, element {index}: wanted {wanted}, got {got}: {error:e} of the largest, {largest}");
    }
    Ok(())
}
