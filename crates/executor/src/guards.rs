//! Guard words: memory around each tensor's that no kernel may touch.

use wgrad_core::plan::{Buffer, Role};

use crate::buffers::{self, Region, TENSOR};
use crate::device::Device;
use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::pipelines::Checks;

/// Bytes of guard words on each side: bindings begin at multiples of it.
const GUARD: u64 = 256;
const WORD: usize = size_of::<u32>();
/// A NaN that no operation computes.
const POISON: [u8; WORD] = 0x7fc0_dead_u32.to_le_bytes();

/// A region between guard words.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    label: String,
    region: Region,
}

/// Memory for a plan's buffer: zeros, or between guard words NaNs, but zeros where a plan relies on them.
///
/// # Errors
/// Where the device has no room for it.
pub(crate) async fn allocate(device: &Device, checks: Checks, buffer: &Buffer) -> Result<Region, ExecutorError> {
    let guard = if checks == Checks::Guarded { GUARD } else { 0 };
    let bytes = buffer.bytes + 2 * guard;
    let region = Region { buffer: buffers::allocate(device, &buffer.label, bytes, TENSOR).await?, guard };
    if guard > 0 {
        let mut contents = POISON.repeat((bytes as usize).div_ceil(WORD));
        if matches!(buffer.role, Role::Pack) {
            contents[guard as usize..][..buffer.bytes as usize].fill(0);
        }
        buffers::write(device, &region.buffer, &buffer.label, &contents).await?;
    }
    Ok(region)
}

impl Executor {
    /// Adds a region to those that [`Executor::check_guards`] looks at.
    pub(crate) fn watch(&mut self, label: String, region: Region) {
        if region.guard > 0 {
            self.guarded.push(Guarded { label, region });
        }
    }

    /// Checks that no kernel has written outside the buffers of this executor's plans, dropped ones too. It reads all
    /// of them back, and there are guard words only with [`Checks::Guarded`].
    ///
    /// A write is seen where it changes one of the 64 words behind a buffer, or those before it; a driver may drop it
    /// further away, and does so for negative indices on most.
    ///
    /// Natively, the future ends only when somebody polls the device.
    ///
    /// # Errors
    /// [`ExecutorError::Overrun`] for the first buffer whose guard words have changed; on errors and loss of the
    /// device.
    pub async fn check_guards(&self) -> Result<(), ExecutorError> {
        for Guarded { label, region } in &self.guarded {
            let (bytes, end) = (region.bytes(), region.guard + region.bytes());
            for start in [0, end] {
                let words = self.read_bytes(label, &region.buffer, start..start + region.guard).await?;
                if let Some(word) = words.chunks_exact(WORD).position(|word| word != POISON) {
                    let at = (start + (word * WORD) as u64) as i64 - region.guard as i64;
                    return Err(ExecutorError::Overrun { label: label.clone(), bytes, at });
                }
            }
        }
        Ok(())
    }
}
