//! XOR by networks 2-4-1 with ReLU, sigmoid and binary cross-entropy: a hundred starts at once, since many of them fail.
//!
//! 61 are solved with He's initial weights and SGD, 62 with PyTorch's and Adam. It takes 9 seconds on two cores with software
//! Vulkan.

use wgrad::prelude::*;

const STARTS: usize = 100;
const HIDDEN: usize = 4;

/// The second layers of all networks, each of which reads the hidden units of its own network only: with initial weights
/// and biases.
#[derive(Debug)]
struct SecondLayers([Initial; 2]);

impl Layer for SecondLayers {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let weight = input.trace().parameter("weight", [STARTS, HIDDEN], self.0[0])?;
        let bias = input.trace().parameter("bias", [STARTS], self.0[1])?;
        let hidden = input.reshape([input.shape().rows(), STARTS, HIDDEN]);
        Ok((hidden * weight).sum_axes(&[2], false) + bias)
    }
}

/// All networks as one, with the initial weights and biases of both layers.
fn networks([first, second]: [[Initial; 2]; 2]) -> Sequential {
    let first = Linear::new(2, STARTS * HIDDEN).weight(first[0]).bias(first[1]);
    Sequential::new().add(first).add(ReLU).add(SecondLayers(second)).add(Sigmoid)
}

fn train(name: &str, model: Sequential, optimizer: impl Optimizer + 'static, epochs: usize) -> Result<usize, Error> {
    let xor = wgrad::data::xor();
    let targets = xor.targets().to_vec().into_iter().flat_map(|target| [target; STARTS]).collect();
    let data = Dataset::new(xor.inputs().tensor(), Tensor::f32([4, STARTS], targets)?)?;
    let options = Options { batch_size: 4, ..Options::default() };
    let mut trainer = Trainer::new(&Device::auto()?, model, BCELoss, optimizer, options)?;
    println!("{name}");
    trainer.fit(&data, epochs, None, |epoch| {
        if epoch.epoch % (epochs / 5) == 0 {
            println!("  {epoch}");
        }
        Control::Continue
    })?;

    let output = trainer.predict(data.inputs())?.to_vec();
    let is_right = |row: usize, start: usize| (output[row * STARTS + start] > 0.5) == [false, true, true, false][row];
    let solved = (0..STARTS).filter(|&start| (0..4).all(|row| is_right(row, start))).count();
    println!("  solved from {solved} of {STARTS} starts");
    Ok(solved)
}

fn main() -> Result<(), Error> {
    let he = networks([[Initial::HE, Initial::Constant(0.0)]; 2]);
    // The loss is the mean over all networks, so that each has a hundredth of its own gradient.
    let he = train("He's initial weights, SGD with learning rate 0.5", he, SGD::new(0.5 * STARTS as f64), 5000)?;

    let defaults = networks([2, HIDDEN].map(|inputs| [Initial::linear(inputs); 2]));
    let defaults = train("PyTorch's initial weights, Adam with learning rate 0.1", defaults, Adam::new(0.1), 1000)?;
    println!("{STARTS} starts each: {he} solved with He's initial weights, {defaults} with PyTorch's");
    Ok(())
}
