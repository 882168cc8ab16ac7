//! A trained model's parameters.

use std::sync::Arc;

use wgrad_core::HostTensor;

use crate::error::Error;
use crate::graphs::PARAMETERS;
use crate::tensor::Tensor;
use crate::trainer::Trainer;

impl Trainer {
    /// All parameters by name, as PyTorch's `state_dict` has them, in the order of the layers.
    ///
    /// # Errors
    /// Where the model is not built yet; on errors of the device.
    pub fn parameters(&mut self) -> Result<Vec<(String, Tensor)>, Error> {
        let packed = self.packed()?;
        Ok(self.model()?.parameters.unpack(&packed))
    }

    /// Replaces all parameters by named ones. The optimizer's state stays as it is.
    ///
    /// # Errors
    /// Where the model is not built yet; where names are missing or unknown, or shapes differ: the error lists all of
    /// them, and nothing was changed; on errors of the device.
    pub fn set_parameters(&mut self, named: &[(String, Tensor)]) -> Result<(), Error> {
        let packed = Arc::new(self.model()?.parameters.pack(named)?);
        if !self.loaded.is_empty() {
            self.backend.write_state(PARAMETERS, &packed)?;
        } else if let Some(model) = &mut self.model {
            model.initial = packed;
        }
        Ok(())
    }

    /// Sixteen hexadecimal digits that differ where any bit of any parameter does: the 64-bit FNV-1a hash of their bytes,
    /// in the order of the layers, lowest byte first.
    ///
    /// # Errors
    /// As [`Trainer::parameters`].
    pub fn weights_hash(&mut self) -> Result<String, Error> {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let elements = self.parameters()?.into_iter().flat_map(|(_, tensor)| tensor.to_vec());
        let bytes = elements.flat_map(f32::to_le_bytes);
        let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        Ok(format!("{hash:016x}"))
    }

    fn packed(&mut self) -> Result<Arc<HostTensor>, Error> {
        let initial = self.model()?.initial.clone();
        if self.loaded.is_empty() { Ok(initial) } else { self.backend.read_state(PARAMETERS) }
    }
}
