//! Guard words: memory around each tensor's that no kernel may touch.

use wgrad_core::plan::{Buffer, Role};

use crate::buffers::{self, Region, TENSOR};
use crate::device::Device;
use crate::error::ExecutorError;
use crate::executor::Executor;

/// Bytes of guard words on each side: bindings begin at multiples of it.
const GUARD: u64 = 256;
const WORD: usize = size_of::<u32>();
/// The first of the NaNs that guard words are. They are signalling: arithmetic makes a quiet NaN of them, which shows
/// when it is written over a guard word.
const FIRST_NAN: u32 = 0x7fa0_0000;
/// How many NaNs there are from there on, each with its own bits, that are signalling too.
const NANS: u32 = 0x0020_0000;

/// A region between guard words.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    pub(crate) region: Region,
    label: String,
    /// Each region has its own, so that a guard word which a kernel copies from one to another shows.
    word: [u8; WORD],
}

impl Guarded {
    /// Memory for a plan's buffer, the `index`th between guard words. It is full of them itself, but where a plan
    /// relies on zeros.
    ///
    /// # Errors
    /// Where the device has no room for it.
    pub(crate) async fn allocate(device: &Device, buffer: &Buffer, index: u32) -> Result<Self, ExecutorError> {
        let bytes = buffer.bytes + 2 * GUARD;
        let created = buffers::allocate(device, &buffer.label, bytes, TENSOR).await?;
        let word = (FIRST_NAN + index % NANS).to_le_bytes();
        let mut contents = word.repeat(bytes as usize / WORD);
        if matches!(buffer.role, Role::Pack) {
            contents[GUARD as usize..][..buffer.bytes as usize].fill(0);
        }
        buffers::write(device, &created, &buffer.label, &contents)?;
        Ok(Self { region: Region { buffer: created, guard: GUARD }, label: buffer.label.clone(), word })
    }

    /// The first byte outside the region that was overwritten, given the guard words from `start` in its buffer.
    fn overwritten(&self, start: u64, words: &[u8]) -> Option<i64> {
        let word = words.chunks_exact(WORD).position(|word| word != self.word)?;
        Some((start + (word * WORD) as u64) as i64 - GUARD as i64)
    }
}

impl Executor {
    /// Checks that no kernel has written outside of the buffers of all plans that were loaded so far, be they dropped.
    /// Only with [`Checks::Guarded`](crate::Checks::Guarded) are there guard words, which it reads back.
    ///
    /// A write is seen in the 256 bytes behind a buffer. Before a buffer, or further away, most drivers drop it.
    ///
    /// Natively, the future ends only when somebody polls the device.
    ///
    /// # Errors
    /// [`ExecutorError::Overrun`] for the first buffer whose guard words have changed; on errors and loss of the
    /// device.
    pub async fn check_guards(&self) -> Result<(), ExecutorError> {
        for guarded in &self.guarded {
            let (label, region) = (&guarded.label, &guarded.region);
            let bytes = region.bytes();
            for start in [0, GUARD + bytes] {
                let words = self.read_bytes(label, &region.buffer, start..start + GUARD).await?;
                if let Some(at) = guarded.overwritten(start, &words) {
                    return Err(ExecutorError::Overrun { label: label.clone(), bytes, at });
                }
            }
        }
        Ok(())
    }
}
