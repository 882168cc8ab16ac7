//! The learning rates that PyTorch's schedules give.

use std::path::Path;

use safetensors::SafeTensors;
use wgrad::losses::Losses;
use wgrad::prelude::*;
use wgrad::schedules::{CosineAnnealingLR, ExponentialLR, LinearLR, OneCycleLR, Schedule, StepLR};
use wgrad::{Callback, LearningRateFinder, Loss, Var};

use super::options;

/// A schedule, and the learning rate of each time from 0.
pub struct Reference {
    pub name: String,
    pub base: f64,
    pub schedule: Box<dyn Schedule>,
    pub rates: Vec<f32>,
}

/// What PyTorch computed in double precision.
pub fn references() -> Vec<Reference> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/learning_rates.safetensors");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let base = header.metadata().as_ref().unwrap()["base_lr"].parse().unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let references = file.iter().map(|(name, tensor)| {
        let (words, _) = tensor.data().as_chunks();
        let rates = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        Reference { name: name.to_owned(), base, schedule: schedule(name), rates }
    });
    references.collect()
}

/// The schedule that a name such as `step_lr_30_0.1` tells, counting updates.
fn schedule(name: &str) -> Box<dyn Schedule> {
    match name {
        "cosine_100" => Box::new(CosineAnnealingLR::new(100).per_step()),
        "cosine_100_min_1e-3" => Box::new(CosineAnnealingLR::new(100).eta_min(1e-3).per_step()),
        "exponential_0.95" => Box::new(ExponentialLR::new(0.95).per_step()),
        "linear_warmup_0.1_20" => Box::new(LinearLR::new(0.1, 20).per_step()),
        "one_cycle_0.01_200" => Box::new(OneCycleLR::new(0.01, 200).without_momentum()),
        "step_lr_30_0.1" => Box::new(StepLR::new(30, 0.1).per_step()),
        other => panic!("unknown schedule {other}"),
    }
}

/// Panics where a learning rate is not what PyTorch's is.
pub fn assert_rate(name: &str, time: usize, got: f64, wanted: f32) {
    let wanted = f64::from(wanted);
    assert!((got - wanted).abs() <= 1e-6 * wanted, "{name}, time {time}: wanted {wanted}, got {got}");
}

/// Its gradient with respect to a bias is 1.
#[derive(Debug)]
struct Mean;

impl Loss for Mean {
    fn check(&self, _: &wgrad::core::Shape, _: &Tensor) -> Result<(), Error> {
        Ok(())
    }

    fn forward(&self, output: &Var, _: &Var) -> Result<Losses, Error> {
        Ok(Losses { losses: output.clone(), hits: None })
    }
}

/// A bias that is 0 before an update is minus the learning rate after it.
pub fn learning_rates_on_the_device_are_those_of_pytorch(device: &Device) {
    let batch = Dataset::new([[0.0]], [[0.0]]).unwrap();
    for Reference { name, base, schedule, rates } in references() {
        let mut trainer = Trainer::new(device, Linear::new(1, 1), Mean, SGD::new(base), options(1, 1)).unwrap();
        trainer.set_schedule(schedule).unwrap();
        trainer.build(&[1]).unwrap();
        for (time, &wanted) in rates.iter().enumerate() {
            trainer.set_parameters(&[("weight".into(), [[0.0]].into()), ("bias".into(), [0.0].into())]).unwrap();
            trainer.step(&batch).unwrap();
            let bias = trainer.parameters().unwrap()[1].1.to_vec()[0];
            assert_rate(&name, time, (-bias).into(), wanted);
        }
    }
}

/// SGD that was made without momentum has it from a one-cycle schedule, also after single steps and a search: `(b - 2)^2` by
/// `torch.optim.SGD([b], lr=0.3)` and `OneCycleLR(optimizer, max_lr=0.1, total_steps=8)`, from a b of 0 on.
pub fn a_schedule_gives_momentum_as_pytorch_does(device: &Device) {
    const PYTORCH: [f32; 8] = [0.016, 0.6258112, 1.5098962, 2.2309783, 2.647027, 2.8056285, 2.8337463, 2.833747];
    let batch = Dataset::new([[0.0]], [[2.0]]).unwrap();
    for is_new in [true, false] {
        let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(0.3), options(1, 1)).unwrap();
        trainer.build(&[1]).unwrap();
        let begin = [("weight".into(), [[0.0]].into()), ("bias".into(), [0.0].into())];
        if is_new {
            trainer.set_parameters(&begin).unwrap();
        } else {
            // Graphs without momentum are loaded, but no step is taken.
            trainer.find_learning_rate(&batch, LearningRateFinder::default()).unwrap();
            trainer.estimate(&batch, 1).unwrap();
            trainer.set_parameters(&begin).unwrap();
        }
        trainer.set_schedule(OneCycleLR::new(0.1, 8)).unwrap();
        for wanted in PYTORCH {
            trainer.fit(&batch, 1, None, |_| Control::Continue).unwrap();
            let got = trainer.parameters().unwrap()[1].1.to_vec()[0];
            assert!((got - wanted).abs() <= 1e-6 * wanted.max(1.0), "wanted {wanted}, got {got}");
        }
    }
}

/// While steps are being taken, their plan has no place for a momentum that was not there.
pub fn a_schedule_gives_no_momentum_within_a_training(device: &Device) {
    struct Late(OneCycleLR);
    impl Callback for Late {
        fn after_epoch(&mut self, trainer: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
            trainer.set_schedule(self.0)?;
            Ok(Control::Continue)
        }
    }
    let batch = Dataset::new([[0.0]], [[2.0]]).unwrap();
    let fit = |optimizer: SGD, schedule| {
        let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, optimizer, options(1, 1)).unwrap();
        trainer.fit_with(&batch, 1, None, Late(schedule)).map(drop)
    };
    let cycle = OneCycleLR::new(0.1, 8);
    let error = fit(SGD::new(0.3), cycle).unwrap_err().to_string();
    assert!(error.contains("wanted SGD that is made with momentum, or OneCycleLR::without_momentum"), "{error}");
    fit(SGD::new(0.3), cycle.without_momentum()).unwrap();
    fit(SGD::new(0.3).momentum(0.9), cycle).unwrap();
}
