//! What the program is asked for.

use std::path::PathBuf;

use clap::Parser;

use crate::settings::{Activation, Data, MOST_LAYERS, MOST_UNITS, Settings};

/// A small network learns to part the points of a plane, while its decision surface is drawn.
///
/// Without options a window opens. With --frames the same is drawn without a window, on the software adapter where there
/// is one, and the loss and the accuracy are printed.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Draw so many frames without a window, and end.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub frames: Option<u32>,
    /// Write the last of these frames to this file, as PNG.
    #[arg(long, requires = "frames")]
    pub screenshot: Option<PathBuf>,
    /// The steps of training in each of these frames.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000), requires = "frames")]
    pub steps: u32,
    /// Pixels of each of these frames, across and down.
    #[arg(long, default_value = "1280x800", value_parser = size, requires = "frames")]
    pub size: [u32; 2],
    /// What is learned.
    #[arg(long, default_value = "circles", ignore_case = true)]
    pub data: Data,
    /// The deviation of the points from where they belong: 0 to 0.3.
    #[arg(long, default_value_t = Settings::default().noise, value_parser = |text: &str| within(text, 0.0, 0.3))]
    pub noise: f64,
    /// The units of each hidden layer: one to four layers of one to eight units.
    #[arg(long, default_value = "6,4", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=MOST_UNITS as i64))]
    pub hidden: Vec<u8>,
    /// The function of the hidden units.
    #[arg(long, default_value = "tanh", ignore_case = true)]
    pub activation: Activation,
    /// How far a step goes: 0.0001 to 1.
    #[arg(long, default_value_t = Settings::default().learning_rate, value_parser = |text: &str| within(text, 1e-4, 1.0))]
    pub learning_rate: f64,
    /// How fast weights decay by themselves: 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = |text: &str| within(text, 0.0, 1.0))]
    pub weight_decay: f64,
    /// The share of hidden units that a step leaves out: 0 to 0.8.
    #[arg(long, default_value_t = 0.0, value_parser = |text: &str| within(text, 0.0, 0.8))]
    pub dropout: f64,
    /// What the points and the first weights depend on.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
}

impl Arguments {
    /// Those of the command line.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for.
    pub fn of_command_line() -> Result<Self, clap::Error> {
        let arguments = Self::try_parse()?;
        if arguments.hidden.len() > MOST_LAYERS {
            let message = format!("--hidden: at most {MOST_LAYERS} layers\n");
            return Err(clap::Error::raw(clap::error::ErrorKind::ValueValidation, message));
        }
        Ok(arguments)
    }

    /// What the training begins with.
    pub fn settings(&self) -> Settings {
        Settings {
            data: self.data,
            noise: self.noise,
            hidden: self.hidden.iter().map(|&units| units.into()).collect(),
            activation: self.activation,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            dropout: self.dropout as f32,
            seed: self.seed,
        }
    }
}

/// An error of clap in one line.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    said.collect::<Vec<_>>().join(" ")
}

fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("wanted a number from {least} to {most}")),
    }
}

/// The least pixels across and down, and the most of a side.
const LEAST: [u32; 2] = [1120, 680];
const MOST: u32 = 8192;

fn size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once('x').and_then(|(width, height)| Some([width.parse().ok()?, height.parse().ok()?]));
    match sides {
        Some(sides) if sides.iter().zip(LEAST).all(|(side, least)| (least..=MOST).contains(side)) => Ok(sides),
        _ => Err(format!("wanted {}x{} at least, such as 1280x800, and no side over {MOST}", LEAST[0], LEAST[1])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(arguments: &[&str]) -> String {
        let all = ["playground"].iter().chain(arguments);
        one_line(&Arguments::try_parse_from(all).unwrap_err())
    }

    #[test]
    fn arguments_begin_as_the_window_does() {
        let arguments = Arguments::try_parse_from(["playground"]).unwrap();
        assert_eq!(arguments.settings(), Settings::default());
    }

    #[test]
    fn errors_are_one_line_that_says_what_is_possible() {
        let error = error_of(&["--data", "rings"]);
        assert!(error.starts_with("error: invalid value 'rings'") && error.contains("circles"), "{error}");
        let errors = [
            error_of(&["--frames", "0"]),
            error_of(&["--frames", "1", "--size", "9x9"]),
            error_of(&["--noise", "2"]),
            error_of(&["--hidden", "9"]),
            error_of(&["--screenshot", "out.png"]),
        ];
        for error in errors {
            assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
        }
    }
}
