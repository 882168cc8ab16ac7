//! The learning rates that PyTorch's schedules give.

use std::path::Path;

use safetensors::SafeTensors;
use wgrad::losses::Losses;
use wgrad::prelude::*;
use wgrad::schedules::{CosineAnnealingLR, ExponentialLR, LinearLR, OneCycleLR, Schedule, StepLR};
use wgrad::{Loss, Var};

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
        "one_cycle_0.01_200" => Box::new(OneCycleLR::new(0.01, 200)),
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
        for (time, &wanted) in rates.iter().enumerate().take(25) {
            trainer.set_parameters(&[("weight".into(), [[0.0]].into()), ("bias".into(), [0.0].into())]).unwrap();
            trainer.step(&batch).unwrap();
            let bias = trainer.parameters().unwrap()[1].1.to_vec()[0];
            assert_rate(&name, time, (-bias).into(), wanted);
        }
    }
}
