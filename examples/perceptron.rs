//! One neuron that fires where the weighted sum of its inputs reaches 0. The perceptron rule, applied example by example,
//! teaches it AND and OR, but not XOR, which no straight line parts.
//!
//! AND and OR converge at epoch 6; XOR is left at 50 % after 100 epochs. It takes a second on two cores with software Vulkan.

use wgrad::losses::{Losses, from_fn};
use wgrad::prelude::*;

/// Of this, SGD makes the perceptron rule, w += learning rate * (target - fires) * x: its derivative with respect to the
/// weighted sum z is fires - target.
fn criterion(z: &Var, target: &Var) -> Result<Losses, Error> {
    Ok(Losses { losses: (z.step() - target) * z, hits: Some(z.step().equal(target)) })
}

fn learn(gate: &str, targets: [f32; 4]) -> Result<String, Error> {
    let data = Dataset::new([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], targets.map(|target| [target]))?;
    let neuron = Linear::new(2, 1).weight(Initial::Normal { deviation: 0.01 }).bias(Initial::Constant(0.0));
    let options = Options { batch_size: 1, ..Options::default() };
    let mut trainer = Trainer::new(&Device::auto()?, neuron, from_fn(criterion), SGD::new(0.01), options)?;
    println!("{gate}");
    let mut result = String::new();
    trainer.fit(&data, 100, Some(&data), |epoch| {
        let accuracy = 100.0 * epoch.validation.and_then(|after| after.accuracy).unwrap_or(0.0);
        result = format!("{gate} {accuracy} % after {} epochs", epoch.epoch);
        if epoch.accuracy == Some(1.0) || epoch.epoch % 10 == 0 {
            println!("  epoch {}: accuracy {accuracy} %", epoch.epoch);
        }
        if epoch.accuracy == Some(1.0) { Control::Stop } else { Control::Continue }
    })?;
    let fires: Vec<bool> = trainer.predict(data.inputs())?.to_vec().iter().map(|&z| z >= 0.0).collect();
    println!("  fires for 00, 01, 10, 11: {fires:?}");
    Ok(result)
}

fn main() -> Result<(), Error> {
    let results = [learn("AND", [0.0, 0.0, 0.0, 1.0])?, learn("OR", [0.0, 1.0, 1.0, 1.0])?, learn("XOR", [0.0, 1.0, 1.0, 0.0])?];
    println!("{}", results.join(", "));
    Ok(())
}
