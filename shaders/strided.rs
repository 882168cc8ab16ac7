//! Copies along strides: how views of a tensor are computed on the CPU.

use wgrad_core::{HostTensor, Shape};

/// Fills `output` with the elements of `input` at `offset` plus the product of index and stride along each axis. Says
/// whether their types agree.
pub(crate) fn copy_strided(input: &HostTensor, output: &mut HostTensor, offset: usize, strides: &[usize]) -> bool {
    match (input, output) {
        (HostTensor::F32(_, from), HostTensor::F32(shape, to)) => copy(from, to, shape, offset, strides),
        (HostTensor::F16(_, from), HostTensor::F16(shape, to)) => copy(from, to, shape, offset, strides),
        (HostTensor::U32(_, from), HostTensor::U32(shape, to)) => copy(from, to, shape, offset, strides),
        (HostTensor::U8(_, from), HostTensor::U8(shape, to)) => copy(from, to, shape, offset, strides),
        _ => return false,
    }
    true
}

fn copy<T: Copy>(from: &[T], to: &mut [T], shape: &Shape, offset: usize, strides: &[usize]) {
    let Some((&stride, leading)) = strides.split_last() else { return to.copy_from_slice(&from[offset..offset + 1]) };
    let (columns, own) = (shape.columns(), shape.strides());
    for (row, to) in to.chunks_exact_mut(columns.max(1)).enumerate() {
        let axes = own.iter().zip(shape.dims()).zip(leading);
        let start: usize = offset + axes.map(|((own, extent), stride)| row * columns / own % extent * stride).sum::<usize>();
        if stride == 1 {
            to.copy_from_slice(&from[start..start + columns]);
        } else {
            to.iter_mut().enumerate().for_each(|(column, element)| *element = from[start + column * stride]);
        }
    }
}
