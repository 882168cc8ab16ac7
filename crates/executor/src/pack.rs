//! Tensors as the bytes of a buffer.

use std::borrow::Cow;
use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;
use wgrad_core::{DType, HostTensor, TensorType};

use crate::error::ExecutorError;

/// Copies between buffers begin and end at multiples of this.
const COPY_ALIGNMENT: usize = 4;

/// The size of a buffer for so many bytes: a multiple of 16, and not 0, since nothing empty can be bound.
pub(crate) fn buffer_bytes(bytes: u64) -> u64 {
    bytes.max(1).next_multiple_of(16)
}

/// A tensor's bytes, with zeros up to a multiple of four.
///
/// # Errors
/// Where the data does not fill the shape.
pub(crate) fn pack<'a>(name: &str, tensor: &'a HostTensor) -> Result<Cow<'a, [u8]>, ExecutorError> {
    if tensor.len() != tensor.shape().elements() {
        return Err(ExecutorError::Data { name: name.to_owned(), kind: tensor.kind(), got: tensor.len() });
    }
    let mut bytes = Cow::Borrowed(match tensor {
        HostTensor::F32(_, data) => bytemuck::cast_slice(data),
        HostTensor::F16(_, data) => bytemuck::cast_slice(data.reinterpret_cast()),
        HostTensor::U32(_, data) => bytemuck::cast_slice(data),
        HostTensor::U8(_, data) => data.as_slice(),
    });
    if bytes.len() % COPY_ALIGNMENT != 0 {
        let padded = bytes.len().next_multiple_of(COPY_ALIGNMENT);
        bytes.to_mut().resize(padded, 0);
    }
    Ok(bytes)
}

/// The tensor whose bytes these begin with.
pub(crate) fn unpack(kind: &TensorType, bytes: &[u8]) -> HostTensor {
    let (shape, bytes) = (kind.shape.clone(), &bytes[..kind.bytes()]);
    match kind.dtype {
        DType::F32 => HostTensor::F32(shape, bytemuck::pod_collect_to_vec(bytes)),
        DType::F16 => HostTensor::F16(shape, bytemuck::pod_collect_to_vec::<u8, u16>(bytes).reinterpret_into()),
        DType::U32 => HostTensor::U32(shape, bytemuck::pod_collect_to_vec(bytes)),
        DType::U8 => HostTensor::U8(shape, bytes.to_vec()),
    }
}

/// The bytes to copy so as to get those of a tensor, which begins `offset` elements into its buffer; and how many of
/// them come before the tensor's.
pub(crate) fn copied_range(kind: &TensorType, offset: usize) -> (Range<u64>, usize) {
    let begin = offset * kind.dtype.bytes();
    let end = (begin + kind.bytes()).next_multiple_of(COPY_ALIGNMENT);
    let before = begin % COPY_ALIGNMENT;
    ((begin - before) as u64..end as u64, before)
}

#[cfg(test)]
mod tests {
    use wgrad_core::Shape;

    use super::*;

    #[test]
    fn four_bytes_lie_in_a_word_lowest_first() {
        let tensor = HostTensor::U8(Shape::from([5]), vec![1, 2, 3, 4, 5]);
        let bytes = pack("pixels", &tensor).unwrap();
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
        assert_eq!(words, [0x0403_0201, 0x0000_0005]);
        assert_eq!(unpack(&tensor.kind(), &bytes), tensor);
    }

    #[test]
    fn two_halves_lie_in_a_word_lowest_first() {
        let tensor = HostTensor::F16(Shape::from([3]), [1.0, -2.0, 0.5].map(half::f16::from_f32).to_vec());
        let bytes = pack("weights", &tensor).unwrap();
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
        assert_eq!(words, [0xc000_3c00, 0x0000_3800]);
        assert_eq!(unpack(&tensor.kind(), &bytes), tensor);
    }

    #[test]
    fn floats_and_integers_come_back() {
        for tensor in [HostTensor::scalar(-0.5), HostTensor::U32(Shape::from([2, 1]), vec![7, u32::MAX])] {
            let bytes = pack("tensor", &tensor).unwrap();
            assert!(matches!(bytes, Cow::Borrowed(_)));
            assert_eq!(unpack(&tensor.kind(), &bytes), tensor);
        }
    }

    #[test]
    fn data_that_does_not_fill_the_shape_is_an_error() {
        let error = pack("weights", &HostTensor::F32(Shape::from([2, 2]), vec![0.0; 3])).unwrap_err();
        assert_eq!(error.to_string(), "weights: a tensor of type f32[2, 2] has 4 elements, got 3");
    }

    #[test]
    fn copies_are_aligned_and_contain_the_tensor() {
        let pixels = TensorType::new(DType::U8, [3]);
        assert_eq!(copied_range(&pixels, 6), (4..12, 2));
        assert_eq!(copied_range(&pixels, 0), (0..4, 0));
        assert_eq!(copied_range(&TensorType::f32([2]), 5), (20..28, 0));
        assert_eq!(copied_range(&TensorType::f32([0]), 5), (20..20, 0));
    }

    #[test]
    fn buffers_are_never_empty() {
        assert_eq!([0, 1, 16, 17].map(buffer_bytes), [16, 16, 16, 32]);
    }
}
