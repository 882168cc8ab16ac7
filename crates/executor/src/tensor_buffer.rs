//! Tensors in the device's memory, for an application that draws from them or fills them.

use wgrad_core::TensorType;

use crate::buffers::Region;

/// Where a tensor lies: a buffer, a place in it, and the tensor's type. Its elements are packed row after row; bytes lie
/// four to a word, lowest first. Clones are the same memory, which lives as long as one of them does.
///
/// Buffers can be bound as storage, drawn from as vertices, and copied from and to. Whoever writes one while steps are recorded
/// that read it must order both in the same queue.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorBuffer {
    buffer: wgpu::Buffer,
    offset: u64,
    kind: TensorType,
}

impl TensorBuffer {
    /// The tensor that begins so many elements into a region.
    pub(crate) fn new(region: &Region, elements: usize, kind: TensorType) -> Self {
        let offset = region.guard + (elements * kind.dtype.bytes()) as u64;
        Self { buffer: region.buffer.clone(), offset, kind }
    }

    /// The buffer that it lies in, perhaps with others.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Where it begins in the buffer, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.kind.bytes() as u64
    }

    /// Its shape and element type.
    pub fn kind(&self) -> &TensorType {
        &self.kind
    }

    /// The part of it that begins so many elements after its beginning, as a tensor of another type.
    ///
    /// None where it is not as large, or where the part begins within a word, as only those of bytes and halves can: no copy
    /// begins there.
    pub fn part(&self, elements: usize, kind: TensorType) -> Option<Self> {
        let begin = (elements as u64).checked_mul(self.kind.dtype.bytes() as u64)?;
        let is_inside = begin.checked_add(kind.bytes() as u64)? <= self.bytes();
        let offset = self.offset.checked_add(begin)?;
        let is_aligned = offset.is_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        (is_inside && is_aligned).then(|| Self { buffer: self.buffer.clone(), offset, kind })
    }

    /// The whole buffer as a binding of a shader's storage. A shader finds the tensor [`TensorBuffer::offset`] bytes into
    /// it, since few places in a buffer are aligned as a binding's beginning must be.
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        self.buffer.as_entire_binding()
    }
}
