//! Training against PyTorch's: what `tests/golden` holds, compared with what wgrad computes on a device.

#[path = "golden_networks.rs"]
mod golden_networks;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::{Dtype, SafeTensors};
use wgrad::core::TensorType;
use wgrad::losses::{BCELoss, CrossEntropyLoss, MSELoss};
use wgrad::optimizers::{Adam, AdamW, SGD};
use wgrad::schedules::{CosineAnnealingLR, OneCycleLR, StepLR};
use wgrad::{Dataset, Device, Layer, Loss, Optimizer, Optimizers, Options, Schedule, Tensor, Trainer};

/// All cases, each a file.
pub const CASES: [&str; 14] = [
    "xor_sigmoid_mse_sgd",
    "xor_tanh_bce_momentum",
    "xor_relu_bce_adam",
    "iris_relu_ce_adam",
    "iris_leaky_nesterov_decay",
    "binary_20_10_1_bce",
    "mnist_mlp_adam",
    "mnist_mlp_batchnorm_adamw_clip",
    "autoencoder_mse",
    "cnn_batchnorm_onecycle",
    "rnn_two_layers",
    "lstm_two_layers",
    "gru_one_layer",
    "transformer_encoder",
];

/// How far output, loss and gradients may be from PyTorch's, relative to the largest entry of each tensor.
const BACKWARD: f32 = 1e-5;
/// How far each loss of the sequence may be, relative to the largest.
const LOSSES: f32 = 1e-4;
/// How far the norm of the gradients before each update may be, relative to the largest.
const NORMS: f32 = 1e-5;
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

    fn model(&self) -> Result<Box<dyn Layer>> {
        let takes_images = self.tensor("input")?.shape().rank() > 2;
        golden_networks::network(self.text("case")?, self.text("network")?, takes_images)
    }

    /// The schedule that a text such as `cosine T_max=15` describes; none where the learning rate stays.
    fn schedule(&self) -> Result<Option<Box<dyn Schedule>>> {
        let Some(text) = self.metadata.get("scheduler") else { return Ok(None) };
        let number = |key: &str| -> Result<f64> {
            let value = text.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            Ok(value.with_context(|| format!("{text}: no {key}"))?.parse()?)
        };
        Ok(Some(match text.split(' ').next() {
            Some("step_lr") => Box::new(StepLR::new(number("step_size")? as u64, number("gamma")?).per_step()),
            Some("cosine") => Box::new(CosineAnnealingLR::new(number("T_max")? as u64).per_step()),
            Some("one_cycle") => Box::new(OneCycleLR::new(number("max_lr")?, number("total_steps")? as u64)),
            _ => bail!("unknown schedule {text}"),
        }))
    }

    /// The loss that the case names.
    pub fn loss(&self) -> Result<Box<dyn Loss>> {
        Ok(match self.text("loss")? {
            "mse" => Box::new(MSELoss),
            "bce" => Box::new(BCELoss),
            "cross_entropy" => Box::new(CrossEntropyLoss),
            other => bail!("unknown loss {other}"),
        })
    }

    /// The optimizer that a text such as `sgd lr=0.5 momentum=0.9` describes.
    fn optimizer(&self) -> Result<Box<dyn Optimizer>> {
        self.optimizer_with(1e-8)
    }

    fn optimizer_with(&self, epsilon: f64) -> Result<Box<dyn Optimizer>> {
        let text = self.text("optimizer")?;
        let number = |key: &str| -> Result<Option<f64>> {
            let value = text.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            Ok(value.map(str::parse).transpose()?)
        };
        let rate = number("lr")?.context("no learning rate")?;
        let (momentum, decay) = (number("momentum")?, number("weight_decay")?);
        let sgd = SGD::new(rate).momentum(momentum.unwrap_or(0.0)).weight_decay(decay.unwrap_or(0.0));
        Ok(match (text.split(' ').next(), momentum) {
            (Some("adam"), None) => Box::new(Adam::new(rate).epsilon(epsilon).weight_decay(decay.unwrap_or(0.0))),
            (Some("adamw"), None) => Box::new(AdamW::new(rate).epsilon(epsilon).weight_decay(decay.context("no weight decay")?)),
            (Some("sgd"), _) if text.split(' ').any(|word| word == "nesterov") => Box::new(sgd.nesterov()),
            (Some("sgd"), _) => Box::new(sgd),
            _ => bail!("unknown optimizer {text}"),
        })
    }

    /// Trains with this loss, and compares everything on the way.
    pub fn check(&self, device: &Device, fuse: bool, loss: &dyn Fn() -> Result<Box<dyn Loss>>) -> Result<()> {
        let batch = self.batch()?;
        self.check_backward(&mut self.trainer(device, fuse, loss()?, Optimizers::new(self.optimizer()?), &batch)?, &batch)?;
        // What batch normalisation takes away again has no gradient but rounding errors, which Adam with its small epsilon
        // would magnify to whole steps. In the double precision of the golden files they are too small for that.
        let mut optimizers = Optimizers::new(self.optimizer()?);
        for name in self.without_gradient() {
            optimizers = optimizers.group(name, self.optimizer_with(1.0)?);
        }
        let mut trainer = self.trainer(device, fuse, loss()?, optimizers, &batch)?;
        self.check_steps(&mut trainer, &batch)?;
        self.check_final(trainer.state_dict()?)?;
        trainer.load_state_dict(&self.named("final."))?;
        compare("output after training", &trainer.predict(batch.inputs())?, self.tensor("eval_output")?, BACKWARD)
    }

    fn trainer(
        &self,
        device: &Device,
        fuse: bool,
        loss: impl Loss + 'static,
        optimizers: Optimizers,
        batch: &Dataset,
    ) -> Result<Trainer> {
        let clip_norm = self.metadata.get("clip_norm").map(|norm| norm.parse()).transpose()?;
        let options = Options { batch_size: batch.len(), fuse, clip_norm, ..Options::default() };
        let mut trainer = Trainer::new(device, self.model()?, loss, optimizers, options)?;
        if let Some(schedule) = self.schedule()? {
            trainer.set_schedule(schedule)?;
        }
        let input = batch.inputs().tensor().shape().dims()[1..].to_vec();
        trainer.build(TensorType::new(batch.inputs().dtype(), input))?;
        trainer.load_state_dict(&self.named("init."))?;
        Ok(trainer)
    }

    /// Compares what is left of training. Elements whose gradient is less than ten times the error that it may have, such as
    /// weights of inputs that are the same in all examples, before a batch normalisation, are left out, since Adam divides
    /// by that gradient; and so are the running means that they shift.
    fn check_final(&self, got: Vec<(String, Tensor)>) -> Result<()> {
        let most = self.named("grad.").iter().map(|(_, gradient)| largest(gradient)).fold(0.0, f32::max);
        let mut means_shift = false;
        let [mut got, mut wanted] = [got, self.named("final.")];
        for (name, gradient) in self.named("grad.") {
            if self.without_gradient().contains(&name) {
                continue;
            }
            let still: Vec<bool> = gradient.to_vec().iter().map(|element| element.abs() < 10.0 * BACKWARD * most).collect();
            means_shift |= still.contains(&true);
            for (_, tensor) in got.iter_mut().chain(&mut wanted).filter(|(known, _)| *known == name) {
                let kept = tensor.to_vec().into_iter().zip(&still).map(|(element, still)| if *still { 0.0 } else { element });
                *tensor = Tensor::f32(tensor.shape().clone(), kept.collect())?;
            }
        }
        if means_shift {
            got.retain(|(name, _)| !name.ends_with("running_mean"));
            wanted.retain(|(name, _)| !name.ends_with("running_mean"));
        }
        compare_named("final state", &got, &wanted, FINAL)
    }

    /// Parameters whose gradient is nothing but PyTorch's own rounding errors.
    fn without_gradient(&self) -> Vec<String> {
        let gradients = self.named("grad.");
        let most = gradients.iter().map(|(_, gradient)| largest(gradient)).fold(0.0, f32::max);
        gradients.into_iter().filter(|(_, gradient)| largest(gradient) < 1e-9 * most).map(|(name, _)| name).collect()
    }

    fn check_backward(&self, trainer: &mut Trainer, batch: &Dataset) -> Result<()> {
        let backward = trainer.gradients(batch)?;
        compare("output", &backward.output, self.tensor("output")?, BACKWARD)?;
        compare("loss", &Tensor::from([backward.loss]), self.tensor("loss")?, BACKWARD)?;
        let (mut got, mut wanted) = (backward.gradients, self.named("grad."));
        let most = wanted.iter().map(|(_, gradient)| largest(gradient)).fold(0.0, f32::max);
        for name in self.without_gradient() {
            let gradient = &got.iter().find(|(known, _)| *known == name).with_context(|| format!("no gradient {name}"))?.1;
            ensure!(largest(gradient) <= BACKWARD * most, "gradient {name}: wanted 0, got {gradient}");
            got.retain(|(known, _)| *known != name);
            wanted.retain(|(known, _)| *known != name);
        }
        compare_named("gradient", &got, &wanted, BACKWARD)
    }

    fn check_steps(&self, trainer: &mut Trainer, batch: &Dataset) -> Result<()> {
        let wanted = self.tensor("losses")?;
        let steps: usize = self.text("steps")?.parse()?;
        ensure!(steps == wanted.rows() && steps > 0, "{steps} steps, but {} losses", wanted.rows());
        let rates = self.tensor("learning_rates")?.to_vec();
        let clips = self.metadata.contains_key("clip_norm");
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for (step, rate) in rates.into_iter().enumerate() {
            let got = trainer.learning_rate() as f32;
            ensure!((got - rate).abs() <= 1e-6 * rate, "learning rate {step}: wanted {rate}, got {got}");
            if clips {
                norms.push(trainer.gradients(batch)?.norm);
            }
            losses.push(trainer.step(batch)?);
        }
        compare("losses", &Tensor::f32([steps], losses)?, wanted, LOSSES)?;
        match clips {
            true => compare("norms before clipping", &Tensor::f32([steps], norms)?, self.tensor("grad_norms")?, NORMS),
            false => Ok(()),
        }
    }
}

fn tensor(dtype: Dtype, shape: &[usize], data: &[u8]) -> Result<Tensor> {
    let words = data.chunks_exact(4).map(|word| word.try_into().map(u32::from_le_bytes));
    let words = words.collect::<Result<Vec<u32>, _>>()?;
    Ok(match dtype {
        Dtype::F32 => Tensor::f32(shape.to_vec(), words.into_iter().map(f32::from_bits).collect())?,
        Dtype::I32 => Tensor::u32(shape.to_vec(), words)?,
        Dtype::I64 => Tensor::u32(shape.to_vec(), words.into_iter().step_by(2).collect())?,
        other => bail!("unknown type {other:?}"),
    })
}

fn largest(tensor: &Tensor) -> f32 {
    tensor.to_vec().iter().fold(0.0, |largest, value| largest.max(value.abs()))
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
    let largest = wanted.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    for (index, (got, wanted)) in got.into_iter().zip(wanted).enumerate() {
        let error = (got - wanted).abs() / largest;
        // Written so that NaN fails.
        ensure!(error <= tolerance, "{what}, element {index}: wanted {wanted}, got {got}: {error:e} of the largest, {largest}");
    }
    Ok(())
}

/// Trains all cases, and lists those that are not PyTorch's.
pub fn every_case_agrees(device: &Device, fuse: bool) -> Result<()> {
    let mut failures = Vec::new();
    for case in CASES {
        let golden = Golden::load(case)?;
        if let Err(error) = golden.check(device, fuse, &|| golden.loss()) {
            failures.push(format!("{case}: {error:#}"));
        }
    }
    ensure!(failures.is_empty(), "on {device}:\n{}", failures.join("\n"));
    Ok(())
}
