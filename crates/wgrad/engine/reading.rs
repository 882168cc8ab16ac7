//! Tensors that are read and written in the frames of an application.

use wgrad_executor::{Landing, TensorBuffer, wgpu};

use crate::backend::Part;
use crate::engine::training::Training;
use crate::error::Error;
use crate::tensor::Tensor;

/// Names tensors that are on their way to the host.
#[derive(Debug)]
pub struct Reading {
    landing: Landing,
}

impl Training {
    /// Overwrites a tensor for all commands that are submitted from now on: the input of a predictor that keeps it, or data.
    ///
    /// # Errors
    /// Where it is of another type; on errors of the device.
    pub fn write(&mut self, buffer: &TensorBuffer, tensor: &Tensor) -> Result<(), Error> {
        self.trainer().gpu()?.write(buffer, tensor.host())
    }

    /// Records that tensors are copied to the host as they are behind all that was recorded so far, for
    /// [`Training::try_read`]: parameters, or the outputs of its predictors. It does not submit, poll or wait.
    ///
    /// # Errors
    /// Where the device has no room. Nothing is recorded then.
    pub fn record_read(&mut self, encoder: &mut wgpu::CommandEncoder, tensors: &[TensorBuffer]) -> Result<Reading, Error> {
        Ok(Reading { landing: self.trainer().gpu()?.record(encoder, &[] as &[Part], tensors)? })
    }

    /// The tensors of a reading, in the order in which they were asked for; none as long as they have not landed. It does
    /// not wait.
    ///
    /// # Errors
    /// Where their encoder was dropped, or the device is lost.
    pub fn try_read(&self, reading: &Reading) -> Result<Option<Vec<Tensor>>, Error> {
        let landed = reading.landing.landed()?;
        Ok(landed.map(|landed| landed.tensors.into_iter().map(|tensor| Tensor::from_host(tensor.into())).collect()))
    }
}
