//! A network 2-4-1 that learns XOR, with its forward and backward pass written out by hand from tensor operations, from
//! twenty starts at once. The curves of one start that fails and of one that does not are in
//! `target/pictures/xor_by_hand.png`.
//!
//! With weights 0.01 times normal the loss stays at 0.25; 17 of 20 starts with standard normal weights are solved. The
//! gradients are the engine's to 2e-8. It takes 7 seconds on two cores with software Vulkan.

use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

const EPOCHS: u32 = 1000;
const STARTS: usize = 20;
const SHOWN: usize = 0; // the start whose curve is drawn
const LEARNING_RATE: f32 = 0.5; // tutorials leave out the factor 2 of the squared error's derivative, and call this 1.0

/// A step from all starts: its losses, the largest difference between gradients by hand and by the engine, its outputs, and
/// how many starts are solved.
fn step(graph: &Trace, deviation: f32) -> Result<[Var; 4], Error> {
    let x = graph.constant([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let target = graph.constant([[0.0], [1.0], [1.0], [0.0]]);
    let (normal, zeros) = (Initial::Normal { deviation }, Initial::Constant(0.0));
    let (w1, b1) = (graph.parameter("w1", [STARTS, 2, 4], normal)?, graph.parameter("b1", [STARTS, 1, 4], zeros)?);
    let (w2, b2) = (graph.parameter("w2", [STARTS, 4, 1], normal)?, graph.parameter("b2", [STARTS, 1, 1], zeros)?);

    let hidden = (x.matmul(&w1) + &b1).sigmoid();
    let output = (hidden.matmul(&w2) + &b2).sigmoid();
    let loss = (&output - &target).square().mean_axes(&[1, 2], false);
    let solved = (&output - 0.5).step().equal(&target).mean_axes(&[1, 2], false).equal(&graph.scalar(1.0)).sum();

    let delta2 = 2.0 / 4.0 * (&output - &target) * &output * (1.0 - &output);
    let delta1 = delta2.matmul(&w2.transpose(1, 2)) * &hidden * (1.0 - &hidden);
    let (dw2, db2) = (hidden.transpose(1, 2).matmul(&delta2), delta2.sum_axes(&[1], true));
    let (dw1, db1) = (x.t().matmul(&delta1), delta1.sum_axes(&[1], true));

    let by_engine = loss.sum().gradients(&[&w1, &b1, &w2, &b2]);
    let mut difference = graph.scalar(0.0);
    for ((parameter, by_hand), by_engine) in [(w1, dw1), (b1, db1), (w2, dw2), (b2, db2)].into_iter().zip(by_engine) {
        difference = difference.maximum(&(&by_hand - by_engine).abs().max_axes(&[0, 1, 2], false));
        parameter.set(&(&parameter - LEARNING_RATE * by_hand));
    }
    Ok([loss, difference, output, solved])
}

fn main() -> anyhow::Result<()> {
    let mut panel = Panel::new("Mean squared error");
    for (name, deviation) in [("weights 0.01 times normal", 0.01), ("standard normal weights", 1.0)] {
        println!("{name}");
        let mut session = Session::new(&Device::auto()?);
        let program = session.compile("step", |graph| step(graph, deviation))?;
        let (mut curve, mut worst) = (Vec::new(), 0.0_f32);
        for epoch in (20..=EPOCHS).step_by(20) {
            session.run(&program, 20)?;
            let [loss, difference, ..] = session.outputs(&program)?.map(|tensor| tensor.to_vec());
            worst = worst.max(difference[0]);
            curve.push((epoch, loss[SHOWN]));
            if epoch % 100 == 0 {
                println!("  epoch {epoch}: loss {:.4}", loss[SHOWN]);
            }
        }
        let [_, _, output, solved] = session.outputs(&program)?.map(|tensor| tensor.to_vec());
        println!("  predictions for 00, 01, 10, 11: {:.3?}", &output[4 * SHOWN..][..4]);
        println!("  solved from {} of {STARTS} starts; gradients differ from the engine's by {worst:.1e} at most", solved[0]);
        panel = panel.series(name, curve);
    }
    Ok(curves("target/pictures/xor_by_hand.png", "XOR from scratch", "Epoch", &[panel])?)
}
