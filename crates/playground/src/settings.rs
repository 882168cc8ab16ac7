//! What is learned, by what network, and how.

use wgrad::Sequential;
use wgrad::layers::{Dropout, Linear, ReLU, SiLU, Sigmoid, Tanh};
use wgrad::optimizers::AdamW;

/// The most hidden layers.
pub const MOST_LAYERS: usize = 4;
/// The most units of a hidden layer.
pub const MOST_UNITS: usize = 8;

/// Points of the plane, of two classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Data {
    /// A circle around another.
    Circles,
    /// Two arms that turn around each other.
    Spirals,
    /// Quadrants, of which opposite ones are a class.
    Xor,
    /// Two half circles that reach into each other.
    Moons,
}

/// The function of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Activation {
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `x / (1 + e^-x)`.
    Silu,
}

/// All that a training depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What is learned.
    pub data: Data,
    /// The deviation of the points from where they belong, 0 to 0.3.
    pub noise: f64,
    /// The units of each hidden layer.
    pub hidden: Vec<usize>,
    /// The function of all hidden units.
    pub activation: Activation,
    /// How far a step goes.
    pub learning_rate: f64,
    /// How fast weights decay by themselves.
    pub weight_decay: f64,
    /// The share of hidden units that a step leaves out.
    pub dropout: f32,
    /// What the points and the initial weights depend on.
    pub seed: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: Data::Circles,
            noise: 0.08,
            hidden: vec![6, 4],
            activation: Activation::Tanh,
            learning_rate: 0.01,
            weight_decay: 0.0,
            dropout: 0.0,
            seed: 0,
        }
    }
}

impl Data {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Circles, Self::Xor, Self::Moons, Self::Spirals];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Circles => "Circles",
            Self::Spirals => "Spirals",
            Self::Xor => "Xor",
            Self::Moons => "Moons",
        }
    }
}

impl Activation {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Tanh, Self::Relu, Self::Sigmoid, Self::Silu];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "Tanh",
            Self::Relu => "ReLU",
            Self::Sigmoid => "Sigmoid",
            Self::Silu => "SiLU",
        }
    }

    fn add_to(self, model: Sequential) -> Sequential {
        match self {
            Self::Tanh => model.add(Tanh),
            Self::Relu => model.add(ReLU),
            Self::Sigmoid => model.add(Sigmoid),
            Self::Silu => model.add(SiLU),
        }
    }
}

/// The names of a model's layers in PyTorch's `state_dict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The layers whose outputs are those of the hidden units.
    pub hidden: Vec<String>,
    /// The weights into each hidden layer, and into the output.
    pub weights: Vec<String>,
}

impl Settings {
    /// The network, from two coordinates to the logit of class 1, and the names of its layers.
    pub fn model(&self) -> (Sequential, Names) {
        let (mut model, mut names) = (Sequential::new(), Names { hidden: Vec::new(), weights: Vec::new() });
        let (mut place, mut inputs) = (0, 2);
        for &units in &self.hidden {
            model = self.activation.add_to(model.add(Linear::new(inputs, units)));
            names.weights.push(format!("{place}.weight"));
            names.hidden.push((place + 1).to_string());
            (place, inputs) = (place + 2, units);
            if self.dropout > 0.0 {
                model = model.add(Dropout::new(self.dropout));
                place += 1;
            }
        }
        names.weights.push(format!("{place}.weight"));
        (model.add(Linear::new(inputs, 1)), names)
    }

    /// What takes the steps.
    pub fn optimizer(&self) -> AdamW {
        AdamW::new(self.learning_rate).weight_decay(self.weight_decay)
    }

    /// Whether another network has to be made where these take the place of `other`: not for the learning rate alone.
    pub fn need_another(&self, other: &Self) -> bool {
        *self != Self { learning_rate: self.learning_rate, ..other.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_by_their_places() {
        let settings = Settings { hidden: vec![3, 2], ..Settings::default() };
        let (_, names) = settings.model();
        assert_eq!(names.hidden, ["1", "3"]);
        assert_eq!(names.weights, ["0.weight", "2.weight", "4.weight"]);
        let (_, names) = Settings { dropout: 0.1, ..settings }.model();
        assert_eq!(names.hidden, ["1", "4"]);
        assert_eq!(names.weights, ["0.weight", "3.weight", "6.weight"]);
    }

    #[test]
    fn only_the_learning_rate_changes_in_place() {
        let settings = Settings::default();
        assert!(!settings.need_another(&Settings { learning_rate: 0.5, ..settings.clone() }));
        assert!(settings.need_another(&Settings { dropout: 0.5, ..settings.clone() }));
        assert!(settings.need_another(&Settings { hidden: vec![1], ..settings.clone() }));
    }
}
