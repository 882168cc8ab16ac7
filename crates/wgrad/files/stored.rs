//! A tensor as a file holds it.

use std::borrow::Cow;
use std::fmt::Debug;

use half::{bf16, f16};
use safetensors::{Dtype, View};
use wgrad_core::HostTensor;

use crate::tensor::Tensor;

/// A tensor's type, shape and bytes, lowest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes.as_slice().into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

impl From<&Tensor> for Stored {
    /// Integers become PyTorch's usual ones, of 64 bits.
    fn from(tensor: &Tensor) -> Self {
        let (dtype, bytes) = match &**tensor.host() {
            HostTensor::F32(_, elements) => (Dtype::F32, elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
            HostTensor::F16(_, elements) => (Dtype::F16, elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
            HostTensor::U32(_, elements) => {
                (Dtype::I64, elements.iter().flat_map(|&element| i64::from(element).to_le_bytes()).collect())
            }
            HostTensor::U8(_, elements) => (Dtype::U8, elements.clone()),
        };
        Self { dtype, shape: tensor.shape().dims().to_vec(), bytes }
    }
}

impl Stored {
    /// The tensor that this was made of; as text, what it is instead.
    pub fn tensor(&self) -> Result<Tensor, String> {
        let shape = self.shape.clone();
        let tensor = match self.dtype {
            Dtype::F32 => Tensor::f32(shape, self.elements(f32::from_le_bytes)),
            Dtype::F16 => HostTensor::F16(shape.into(), self.elements(f16::from_le_bytes)).try_into(),
            Dtype::U8 => Tensor::u8(shape, self.bytes.clone()),
            Dtype::I64 => {
                let elements = self.elements(i64::from_le_bytes).into_iter();
                Tensor::u32(shape, elements.map(|element| self.held(element, element.try_into().ok())).collect::<Result<_, _>>()?)
            }
            _ => return Err(self.kind()),
        };
        tensor.map_err(|error| error.to_string())
    }

    /// Any floats, and whole numbers that f32 holds, as f32; as text, what the tensor is instead.
    pub fn floats(&self) -> Result<Tensor, String> {
        let elements: Vec<f32> = match self.dtype {
            Dtype::F32 => self.elements(f32::from_le_bytes),
            Dtype::F16 => self.elements(|bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => self.elements(|bytes| bf16::from_le_bytes(bytes).to_f32()),
            Dtype::F64 => self.each(f64::from_le_bytes, narrow)?,
            Dtype::I32 => self.each(i32::from_le_bytes, |element| whole(element.into()))?,
            Dtype::I64 => self.each(i64::from_le_bytes, whole)?,
            _ => return Err(self.kind()),
        };
        Tensor::f32(self.shape.clone(), elements).map_err(|error| error.to_string())
    }

    /// Type and shape, such as `BOOL[2, 3]`.
    fn kind(&self) -> String {
        format!("{:?}{:?}", self.dtype, self.shape)
    }

    fn elements<T, const N: usize>(&self, read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (elements, _) = self.bytes.as_chunks::<N>();
        elements.iter().map(|element| read(*element)).collect()
    }

    fn each<T: Copy + Debug, const N: usize>(
        &self,
        read: impl Fn([u8; N]) -> T,
        convert: impl Fn(T) -> Option<f32>,
    ) -> Result<Vec<f32>, String> {
        let elements = self.elements(read).into_iter();
        elements.map(|element| self.held(element, convert(element))).collect()
    }

    /// What an element became; as text, that it cannot be held.
    fn held<T: Debug, U>(&self, element: T, held: Option<U>) -> Result<U, String> {
        held.ok_or_else(|| format!("{} with the element {element:?}", self.kind()))
    }
}

/// The nearest f32, unless only infinity is near.
fn narrow(element: f64) -> Option<f32> {
    let narrowed = element as f32;
    (narrowed.is_finite() || !element.is_finite()).then_some(narrowed)
}

/// The same number.
fn whole(element: i64) -> Option<f32> {
    let float = element as f32;
    // Compared as i128, since the nearest float of the largest numbers is beyond i64.
    (float as i128 == i128::from(element)).then_some(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(dtype: Dtype, shape: &[usize], bytes: impl IntoIterator<Item = u8>) -> Stored {
        Stored { dtype, shape: shape.to_vec(), bytes: bytes.into_iter().collect() }
    }

    fn floats(dtype: Dtype, bytes: impl IntoIterator<Item = u8>) -> Result<Vec<f32>, String> {
        let bytes: Vec<u8> = bytes.into_iter().collect();
        let elements = bytes.len() * 8 / dtype.bitsize();
        stored(dtype, &[elements], bytes).floats().map(|tensor| tensor.to_vec())
    }

    #[test]
    fn a_tensor_comes_back_bit_by_bit() {
        let nan = f32::from_bits(0x7fc0_1234);
        let tensors = [
            Tensor::f32([2, 2], vec![-0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY, 1.5]).unwrap(),
            Tensor::u32([], vec![u32::MAX]).unwrap(),
            Tensor::u8([3], vec![0, 1, 255]).unwrap(),
            Tensor::f32([0, 7], Vec::new()).unwrap(),
        ];
        for tensor in &tensors {
            assert_eq!(&Stored::from(tensor).tensor().unwrap(), tensor);
        }
        let got = Stored::from(&Tensor::from([nan])).tensor().unwrap().to_vec()[0];
        assert_eq!(got.to_bits(), nan.to_bits());
    }

    #[test]
    fn all_floats_are_read() {
        assert_eq!(floats(Dtype::F16, [0x00, 0x3e, 0x00, 0xc0]).unwrap(), [1.5, -2.0]);
        assert_eq!(floats(Dtype::BF16, [0xc0, 0x3f, 0x00, 0xc0]).unwrap(), [1.5, -2.0]);
        let doubles = [0.1, -1e-60, f64::INFINITY].map(f64::to_le_bytes).concat();
        assert_eq!(floats(Dtype::F64, doubles).unwrap(), [0.1, 0.0, f32::INFINITY]);
        assert_eq!(floats(Dtype::F64, 1e39_f64.to_le_bytes()).unwrap_err(), "F64[1] with the element 1e39");
    }

    #[test]
    fn integers_are_read_where_f32_holds_them() {
        assert_eq!(floats(Dtype::I32, (-7_i32).to_le_bytes()).unwrap(), [-7.0]);
        assert_eq!(floats(Dtype::I64, (1_i64 << 40).to_le_bytes()).unwrap(), [(1_u64 << 40) as f32]);
        for odd in [(1 << 24) + 1, i64::MAX] {
            assert_eq!(floats(Dtype::I64, odd.to_le_bytes()).unwrap_err(), format!("I64[1] with the element {odd}"));
        }
        assert_eq!(floats(Dtype::BOOL, [1, 0]).unwrap_err(), "BOOL[2]");
        let negative = stored(Dtype::I64, &[1], (-1_i64).to_le_bytes());
        assert_eq!(negative.tensor().unwrap_err(), "I64[1] with the element -1");
    }
}
