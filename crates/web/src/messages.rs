//! What the page and its worker send each other, in JSON.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::browser::{Failure, Result};

/// What the page wants of the worker.
#[derive(Debug, Deserialize, Serialize)]
pub enum Order {
    /// A new network, which takes the old one's place and does not learn yet; the seed decides how it begins.
    Make { seed: u32 },
    /// Whether the network is to learn.
    Train(bool),
    /// The image to read next.
    Read(Image),
}

/// What the network sees of a drawing.
#[derive(Debug, Deserialize, Serialize)]
pub struct Image {
    /// Which drawing it is of.
    pub number: u32,
    /// Row by row, from 0 for paper to 1 for ink.
    pub pixels: Vec<f32>,
}

/// What the worker has to tell.
#[derive(Debug, Deserialize, Serialize)]
pub enum News {
    /// It cannot go on; the sentence is for the reader.
    Failed(String),
    /// What it is doing, for the reader.
    Doing(String),
    /// It has a device and the digits, and obeys from now on.
    Ready { device: String, is_software: bool, examples: usize },
    /// The network that was asked for is there.
    Made,
    /// The mean loss of the steps up to this one, at which all examples were seen so many times.
    Trained { step: u64, epochs: f64, loss: f32 },
    /// The share of test digits that are read right after this step.
    Tested { step: u64, accuracy: f32 },
    /// How likely each digit is, for the drawing of this number.
    Read { number: u32, shares: Vec<f32> },
}

/// A message as it is sent.
pub fn packed(message: &impl Serialize) -> Result<JsValue> {
    Ok(serde_json::to_string(message).map_err(Failure::new)?.into())
}

/// A message that has come.
pub fn unpacked<T: DeserializeOwned>(data: &JsValue) -> Result<T> {
    let text = data.as_string().ok_or_else(|| Failure::new(format!("{data:?} is no message")))?;
    serde_json::from_str(&text).map_err(|error| Failure::new(format!("the message {text:?} is wrong: {error}")))
}
