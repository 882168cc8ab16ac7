//! Tensors in files, in the format of [safetensors](https://huggingface.co/docs/safetensors), which PyTorch reads too.

mod digest;
mod replace;
mod stored;
mod tensor_file;

pub(crate) use digest::Digest;
pub(crate) use replace::{previous, replace};
pub(crate) use tensor_file::TensorFile;
