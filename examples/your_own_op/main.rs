//! An operation of one's own, softsign, with its gradient: checked, and used in a network that learns XOR.
//!
//! `cargo run --example your_own_op`

mod check;
mod softsign;

use std::sync::Arc;

use anyhow::{Result, ensure};
use softsign::Softsign;
use wgrad::core::Op;
use wgrad::ops::{Unary, UnaryGradient};
use wgrad::prelude::*;

fn main() -> Result<()> {
    let device = Device::auto()?;
    println!("device: {device}");
    check_operations(&device)?;

    let examples = Dataset::new([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]])?;
    let model = Sequential::new().add(Linear::new(2, 8)).add(Softsign).add(Linear::new(8, 1)).add(Sigmoid);
    let options = Options { batch_size: 4, seed: 1, ..Options::default() };
    let mut trainer = Trainer::new(&device, model, BCELoss, Adam::new(0.1), options)?;
    trainer.fit(&examples, 300, None, |_| Control::Continue)?;

    println!("{}", trainer.predict(examples.inputs())?);
    let score = trainer.evaluate(&examples)?;
    ensure!(score.loss < 0.1, "XOR was not learned: {score}");
    println!("XOR is learned: {score}");
    Ok(())
}

fn check_operations(device: &Device) -> Result<()> {
    let operations: [Arc<dyn Op>; 2] = [Arc::new(Unary(Softsign)), Arc::new(UnaryGradient(Softsign))];
    for operation in &operations {
        match device {
            Device::Adapter(device) => {
                check::parity(device, operation)?;
                println!("{}: the WGSL agrees with the reference", operation.name());
            }
            Device::Cpu => println!("{}: no WGSL runs on the CPU, so it is not checked", operation.name()),
        }
    }
    let compared = check::gradient(&operations[0])?;
    println!("softsign: {compared} elements of its gradient agree with finite differences");
    Ok(())
}
