//! Which of an operation's kernels a plan takes, where that was measured.

use std::collections::BTreeMap;

use crate::op::Op;
use crate::tensor::TensorType;

/// The candidates that were the fastest, by operation and the types of its inputs. What is not in it takes the first candidate
/// for its class of adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<String, String>);

impl Choices {
    /// What an operation on inputs of these types is called here.
    pub fn key(op: &dyn Op, inputs: &[TensorType]) -> String {
        let inputs: Vec<String> = inputs.iter().map(TensorType::to_string).collect();
        format!("{op:?} of {}", inputs.join(" "))
    }

    /// Has plans take a candidate for an operation on inputs of these types.
    pub fn set(&mut self, op: &dyn Op, inputs: &[TensorType], candidate: &str) {
        self.0.insert(Self::key(op, inputs), candidate.to_owned());
    }

    /// The candidate to take, if one was chosen.
    pub fn candidate(&self, op: &dyn Op, inputs: &[TensorType]) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&Self::key(op, inputs)).map(String::as_str)
    }

    /// All keys and candidates.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, candidate)| (key.as_str(), candidate.as_str()))
    }
}

impl FromIterator<(String, String)> for Choices {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(choices: T) -> Self {
        Self(choices.into_iter().collect())
    }
}
