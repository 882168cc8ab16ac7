//! A trained model's parameters.

use std::sync::Arc;

use wgrad_core::{HostTensor, Shape};

use crate::arena::{Given, Role};
use crate::error::Error;
use crate::files::Digest;
use crate::initial::Initial;
use crate::tensor::Tensor;
use crate::trainer::{Model, Trainer};

impl Trainer {
    /// All parameters by name, in the order of the layers.
    ///
    /// # Errors
    /// Where the model is not built yet; on errors of the device.
    pub fn parameters(&mut self) -> Result<Vec<(String, Tensor)>, Error> {
        let mut named = self.state_dict()?;
        let parameters = &self.model()?.parameters;
        named.retain(|(name, _)| parameters.trainable().any(|known| known == name));
        Ok(named)
    }

    /// All parameters and buffers by name, as PyTorch's `state_dict` has them.
    ///
    /// # Errors
    /// Where the model is not built yet; on errors of the device.
    pub fn state_dict(&mut self) -> Result<Vec<(String, Tensor)>, Error> {
        let packed = self.packed()?;
        Ok(self.model()?.parameters.unpack(&packed))
    }

    /// Replaces all parameters by named ones. Buffers and the optimizer's state stay as they are.
    ///
    /// # Errors
    /// As [`Trainer::load_state_dict`].
    pub fn set_parameters(&mut self, named: &[(String, Tensor)]) -> Result<(), Error> {
        self.replace(&given(named), |role| role != Role::Trainable)
    }

    /// Replaces all parameters and buffers by named ones, such as PyTorch's `state_dict` holds. The optimizer's state stays
    /// as it is.
    ///
    /// # Errors
    /// Where the model is not built yet; where names are missing or unknown, or shapes differ: the error lists all of
    /// them, and nothing was changed; on errors of the device.
    pub fn load_state_dict(&mut self, named: &[(String, Tensor)]) -> Result<(), Error> {
        self.replace(&given(named), |_| false)
    }

    /// Draws parameters anew, by the trainer's seed: those for whose name and shape `initial` says how. Buffers, the
    /// optimizer's state and all others stay as they are. It is PyTorch's `model.apply(initialize)`.
    ///
    /// ```
    /// # use wgrad::Initial;
    /// # use wgrad::prelude::*;
    /// let model = Sequential::new().add(LSTM::new(28, 64).last_step()).add(Linear::new(64, 10));
    /// let mut trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, Adam::new(1e-3), Options::default())?;
    /// trainer.build(&[28, 28])?;
    /// trainer.initialize(|name, _| name.contains("weight").then_some(Initial::XavierUniform { gain: 1.0 }))?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model is not built yet; where a number is out of its range or a shape has too few axes, with the parameter's
    /// name, and nothing was changed; on errors of the device.
    pub fn initialize(&mut self, initial: impl Fn(&str, &Shape) -> Option<Initial>) -> Result<(), Error> {
        let drawn = self.model()?.parameters.redrawn(self.options.seed, initial)?;
        self.replace(&given(&drawn), |_| true)
    }

    pub(super) fn replace(&mut self, named: &[(String, Given)], may_lack: impl Fn(Role) -> bool) -> Result<(), Error> {
        let previous = self.packed()?;
        let parameters = &self.model()?.parameters;
        let packed = parameters.pack(named, &previous, |entry| may_lack(entry.role))?;
        let states: Vec<String> = parameters.arenas.iter().map(|arena| arena.state.clone()).collect();
        states.iter().zip(packed).try_for_each(|(state, vector)| self.set_state(state, vector))
    }

    /// Sixteen hexadecimal digits that differ where any bit of any parameter does: the 64-bit FNV-1a hash of their bytes,
    /// in the order of the layers, lowest byte first.
    ///
    /// # Errors
    /// As [`Trainer::parameters`].
    pub fn weights_hash(&mut self) -> Result<String, Error> {
        let elements = self.parameters()?.into_iter().flat_map(|(_, tensor)| tensor.to_vec());
        Ok(Digest::new().and(elements.flat_map(f32::to_le_bytes)).digits())
    }

    /// The vectors of all parameters and buffers.
    fn packed(&mut self) -> Result<Vec<Arc<HostTensor>>, Error> {
        let Model { parameters, initial } = self.model()?;
        let states: Vec<_> = parameters.arenas.iter().map(|arena| arena.state.clone()).zip(initial.clone()).collect();
        states.into_iter().map(|(state, initial)| Ok(self.state(&state)?.unwrap_or(initial))).collect()
    }
}

fn given(named: &[(String, Tensor)]) -> Vec<(String, Given)> {
    named.iter().map(|(name, tensor)| (name.clone(), Ok(tensor.clone()))).collect()
}
