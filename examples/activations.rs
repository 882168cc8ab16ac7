//! Activation functions and their derivatives from -5 to 5, which the engine finds: a table, and a picture of all in
//! `target/pictures/activations.png`.
//!
//! At x = 1 the derivatives are 0 (step), 0.1966 (sigmoid), 0.4200 (tanh), 1 (ReLU and leaky ReLU) and 0.2442 (softmax of
//! x, 0 and 0). It takes a second on two cores with software Vulkan.

use std::iter::zip;

use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

/// The probability of the first of three classes, whose logits are x, 0 and 0.
fn softmax(x: &Var) -> Var {
    let first = x.trace().constant([1.0, 0.0, 0.0]);
    (x.reshape([201, 1]) * first).softmax(1).pick(1, 0)
}

type Function = fn(&Var) -> Var;

const ACTIVATIONS: [([&str; 4], Function); 6] = [
    (["step", "1 if x >= 0, else 0", "0 or 1", "perceptrons; no gradient to learn from"], Var::step),
    (["sigmoid", "1 / (1 + e^-x)", "0 to 1", "the probability of one class; gates"], Var::sigmoid),
    (["tanh", "(e^x - e^-x) / (e^x + e^-x)", "-1 to 1", "recurrent networks"], Var::tanh),
    (["ReLU", "max(x, 0)", "from 0", "hidden layers"], Var::relu),
    (["leaky ReLU", "x if x > 0, else 0.01 x", "all numbers", "hidden layers whose units must not die"], |x| x.leaky_relu(0.01)),
    (["softmax of (x, 0, 0)", "e^x / sum of all e^x", "0 to 1, sum 1", "the probabilities of several classes"], softmax),
];
const ONE: usize = 120; // the point at x = 1

fn main() -> anyhow::Result<()> {
    let graph = Trace::on(&Device::auto()?);
    let x = graph.constant(Tensor::linspace(-5.0, 5.0, 201));
    let mut panels = Vec::new();
    println!("{:<21} {:<28} {:<14} {:<39} {:>7} {:>7}", "activation", "formula", "range", "use", "f(1)", "f'(1)");
    for ([name, formula, range, usage], function) in ACTIVATIONS {
        let y = function(&x);
        let [x, y, dy] = graph.evaluate([&x, &y, &y.sum().gradient(&x)])?.map(|tensor| tensor.to_vec());
        println!("{name:<21} {formula:<28} {range:<14} {usage:<39} {:7.4} {:7.4}", y[ONE], dy[ONE]);
        panels.push(Panel::new(format!("y = {name}")).series("function", zip(x.clone(), y)).series("derivative", zip(x, dy)));
    }
    Ok(curves("target/pictures/activations.png", "Activations and their derivatives", "x", &panels)?)
}
