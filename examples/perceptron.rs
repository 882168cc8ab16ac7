//! One neuron that fires where the weighted sum of its inputs reaches 0. The perceptron rule, applied example by example,
//! teaches it AND and OR, but not XOR, which no straight line parts.
//!
//! AND converges at epoch 6, OR at epoch 3; XOR is left at 50 % after 100 epochs. It takes a second on two cores with
//! software Vulkan.

use wgrad::data::Random;
use wgrad::prelude::*;
use wgrad::{Session, Var};

const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const LEARNING_RATE: f32 = 0.01;
const EPOCHS: usize = 100;

fn neuron(x: &Var, weights: &Var, bias: &Var) -> Var {
    (x.matmul(weights) + bias).step()
}

fn learn(device: &Device, gate: &str, targets: [f32; 4]) -> Result<(), Error> {
    let initial = Tensor::normal([2, 1], 0.01, &mut Random::new(0, 0));
    let mut session = Session::new(device);
    let epoch = session.compile("epoch", |graph| {
        let (weights, bias) = (graph.state("weights", initial), graph.state("bias", [[0.0]]));
        let (mut w, mut b, mut errors) = (weights.clone(), bias.clone(), graph.scalar(0.0));
        for (input, target) in INPUTS.into_iter().zip(targets) {
            let x = graph.constant([input]);
            let error = target - neuron(&x, &w, &b);
            w = w + LEARNING_RATE * &error * x.t();
            b = b + LEARNING_RATE * &error;
            errors = errors + error.abs().sum();
        }
        weights.set(&w);
        bias.set(&b);
        let fires = neuron(&graph.constant(INPUTS), &w, &b);
        graph.output("errors", &errors);
        graph.output("accuracy", &fires.equal(&graph.constant(targets.map(|target| [target]))).mean());
        graph.output("fires", &fires);
        Ok(())
    })?;

    println!("{gate}");
    for number in 1..=EPOCHS {
        session.run(&epoch, 1)?;
        let is_converged = session.output(&epoch, "errors")?.item()? == 0.0;
        if number % 10 == 0 || is_converged {
            println!("  epoch {number}: accuracy {} %", 100.0 * session.output(&epoch, "accuracy")?.item()?);
        }
        if is_converged {
            println!("  converged at epoch {number}");
            break;
        }
    }
    for (input, fires) in INPUTS.iter().zip(session.output(&epoch, "fires")?.to_vec()) {
        println!("  {} {gate} {} = {fires}", input[0], input[1]);
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let device = Device::auto()?;
    learn(&device, "AND", [0.0, 0.0, 0.0, 1.0])?;
    learn(&device, "OR", [0.0, 1.0, 1.0, 1.0])?;
    learn(&device, "XOR", [0.0, 1.0, 1.0, 0.0])
}
