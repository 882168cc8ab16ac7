//! A network 2-4-1 that learns XOR, with its forward and backward pass written out by hand from tensor operations.

use anyhow::Result;
use wgrad::data::Random;
use wgrad::prelude::*;
use wgrad::{Program, Session, Trace};
use wgrad_plot::{Panel, Series, curves};

const EPOCHS: u32 = 1000;
const SEEDS: u32 = 20;
/// Tutorials leave out the factor 2 of the squared error's derivative, and call this 1.0.
const LEARNING_RATE: f32 = 0.5;

fn step(graph: &Trace) -> Result<(), Error> {
    let x = graph.constant([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let target = graph.constant([[0.0], [1.0], [1.0], [0.0]]);
    let (w1, b1) = (graph.state("w1", Tensor::zeros([2, 4])), graph.state("b1", Tensor::zeros([1, 4])));
    let (w2, b2) = (graph.state("w2", Tensor::zeros([4, 1])), graph.state("b2", Tensor::zeros([1, 1])));

    let hidden = (x.matmul(&w1) + &b1).sigmoid();
    let output = (hidden.matmul(&w2) + &b2).sigmoid();
    let error = &output - &target;
    let loss = error.square().mean();

    let delta2 = 2.0 / 4.0 * &error * &output * (1.0 - &output);
    let delta1 = delta2.matmul(&w2.t()) * &hidden * (1.0 - &hidden);
    let (dw2, db2) = (hidden.t().matmul(&delta2), delta2.sum_axes(&[0], true));
    let (dw1, db1) = (x.t().matmul(&delta1), delta1.sum_axes(&[0], true));

    let worst = graph.state("difference", 0.0);
    let mut difference = worst.clone();
    let by_engine = loss.gradients(&[&w1, &b1, &w2, &b2]);
    for ((parameter, by_hand), by_engine) in [(&w1, &dw1), (&b1, &db1), (&w2, &dw2), (&b2, &db2)].into_iter().zip(by_engine) {
        parameter.set(&(parameter - LEARNING_RATE * by_hand));
        difference = difference.maximum(&(by_hand - by_engine).abs().max_axes(&[0, 1], false));
    }
    worst.set(&difference);
    graph.output("loss", &loss);
    graph.output("output", &output);
    Ok(())
}

/// Trains from new weights: the loss over the epochs, and the last predictions.
fn train(session: &mut Session, step: &Program, deviation: f64, seed: u32) -> Result<(Vec<(f64, f64)>, Vec<f32>), Error> {
    let mut random = Random::new(seed, 0);
    session.write_state("w1", Tensor::normal([2, 4], deviation, &mut random))?;
    session.write_state("b1", Tensor::zeros([1, 4]))?;
    session.write_state("w2", Tensor::normal([4, 1], deviation, &mut random))?;
    session.write_state("b2", Tensor::zeros([1, 1]))?;
    let mut losses = Vec::new();
    for epoch in (10..=EPOCHS).step_by(10) {
        session.run(step, 10)?;
        losses.push((epoch.into(), session.output(step, "loss")?.item()?.into()));
    }
    Ok((losses, session.output(step, "output")?.to_vec()))
}

fn is_solved(output: &[f32]) -> bool {
    output.iter().map(|&output| output > 0.5).eq([false, true, true, false])
}

fn main() -> Result<()> {
    let mut session = Session::new(&Device::auto()?);
    let step = session.compile("step", step)?;
    let mut shown = Vec::new();
    for (name, deviation) in [("weights 0.01 times normal", 0.01), ("standard normal weights", 1.0)] {
        let (losses, output) = train(&mut session, &step, deviation, 0)?;
        println!("{name}");
        for (epoch, loss) in losses.iter().skip(9).step_by(10) {
            println!("  epoch {epoch}: loss {loss:.4}");
        }
        println!("  predictions for 00, 01, 10, 11: {output:.3?}");
        shown.push((name, losses));
    }

    let mut solved = 0;
    for seed in 0..SEEDS {
        solved += u32::from(is_solved(&train(&mut session, &step, 1.0, seed)?.1));
    }
    println!("solved from {solved} of {SEEDS} starts with standard normal weights");
    println!("largest difference between gradients by hand and by the engine: {:.1e}", session.read("difference")?.item()?);

    let series: Vec<Series> = shown.iter().map(|(name, points)| Series { name, points }).collect();
    let panel = Panel::new("Mean squared error", &series);
    curves("target/pictures/xor_by_hand.png".as_ref(), "XOR from scratch", "Epoch", &[panel])?;
    Ok(())
}
