//! Tensors as the user holds them.

mod print;

use std::fmt;
use std::sync::Arc;

use wgrad_core::{DType, HostTensor, Shape, TensorType};
use wgrad_data::Random;

use crate::error::Error;

/// A row-major tensor on the host, printed as PyTorch prints its own. A clone shares the elements.
///
/// ```
/// # use wgrad::Tensor;
/// let scores = Tensor::from([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]);
/// assert_eq!(scores.argmax(), [1, 0]);
/// assert_eq!(scores.to_string(), "tensor([[0.1000, 0.7000, 0.2000],\n        [0.5000, 0.3000, 0.2000]])");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    host: Arc<HostTensor>,
}

impl Tensor {
    /// A tensor of 32-bit floats.
    ///
    /// # Errors
    /// Where there are more or fewer elements than the shape has.
    pub fn f32(shape: impl Into<Shape>, elements: Vec<f32>) -> Result<Self, Error> {
        HostTensor::F32(shape.into(), elements).try_into()
    }

    /// A tensor of 32-bit unsigned integers, such as labels.
    ///
    /// # Errors
    /// Where there are more or fewer elements than the shape has.
    pub fn u32(shape: impl Into<Shape>, elements: Vec<u32>) -> Result<Self, Error> {
        HostTensor::U32(shape.into(), elements).try_into()
    }

    /// A tensor of bytes, such as the pixels of images.
    ///
    /// # Errors
    /// Where there are more or fewer elements than the shape has.
    pub fn u8(shape: impl Into<Shape>, elements: Vec<u8>) -> Result<Self, Error> {
        HostTensor::U8(shape.into(), elements).try_into()
    }

    /// A tensor of floats that are 0.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self { host: HostTensor::zeros(&TensorType::f32(shape)).into() }
    }

    /// A tensor of normally distributed floats around 0, of this standard deviation: `deviation * randn` in PyTorch. The
    /// next tensor from the same generator is another one.
    ///
    /// ```
    /// # use wgrad::{Tensor, data::Random};
    /// let mut random = Random::new(1, 0);
    /// let weights = [Tensor::normal([2, 4], 0.01, &mut random), Tensor::normal([2, 4], 0.01, &mut random)];
    /// assert_ne!(weights[0], weights[1]);
    /// assert!(weights[0].to_vec().iter().all(|weight| weight.abs() < 0.05));
    /// ```
    pub fn normal(shape: impl Into<Shape>, deviation: f64, random: &mut Random) -> Self {
        let shape = shape.into();
        let elements = (0..shape.elements()).map(|_| (deviation * random.normal()) as f32).collect();
        Self { host: HostTensor::F32(shape, elements).into() }
    }

    /// A vector of so many floats from `start` to `end`, both included, at equal distances, as PyTorch's `linspace`.
    ///
    /// ```
    /// # use wgrad::Tensor;
    /// assert_eq!(Tensor::linspace(-1.0, 1.0, 5).to_vec(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    /// ```
    pub fn linspace(start: f32, end: f32, count: usize) -> Self {
        let [first, last] = [start, end].map(f64::from);
        let step = (last - first) / count.saturating_sub(1).max(1) as f64;
        (0..count).map(|index| (first + step * index as f64) as f32).collect::<Vec<f32>>().into()
    }

    /// A tensor that the engine has made.
    pub(crate) fn from_host(host: Arc<HostTensor>) -> Self {
        Self { host }
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        self.host.shape()
    }

    /// Shape and element type.
    pub fn kind(&self) -> TensorType {
        self.host.kind()
    }

    /// The extent of the first axis: how many examples there are. A scalar has one.
    pub fn rows(&self) -> usize {
        self.shape().dims().first().copied().unwrap_or(1)
    }

    /// The elements, converted to floats.
    pub fn to_vec(&self) -> Vec<f32> {
        match &*self.host {
            HostTensor::F32(_, elements) => elements.clone(),
            HostTensor::F16(_, elements) => elements.iter().map(|&element| element.into()).collect(),
            HostTensor::U32(_, elements) => elements.iter().map(|&element| element as f32).collect(),
            HostTensor::U8(_, elements) => elements.iter().map(|&element| f32::from(element)).collect(),
        }
    }

    /// The only element, as a float.
    ///
    /// # Errors
    /// Where there are none, or several.
    ///
    /// ```
    /// # use wgrad::Tensor;
    /// assert_eq!(Tensor::from([[0.25]]).item()?, 0.25);
    /// assert_eq!(Tensor::from([1.0, 2.0]).item().unwrap_err().to_string(), "tensor: wanted a single element, got f32[2]");
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn item(&self) -> Result<f32, Error> {
        match self.to_vec()[..] {
            [element] => Ok(element),
            _ => Err(Error::mismatch("tensor", "a single element", self.kind())),
        }
    }

    /// The elements as the pixels of images: bytes as they are, other numbers, from 0 to 1, times 255 and rounded. What lies
    /// outside becomes 0 or 255.
    pub fn to_pixels(&self) -> Vec<u8> {
        match &*self.host {
            HostTensor::U8(_, elements) => elements.clone(),
            _ => self.to_vec().into_iter().map(|element| (255.0 * element).round() as u8).collect(),
        }
    }

    /// The elements as the engine takes them.
    pub fn host(&self) -> &Arc<HostTensor> {
        &self.host
    }

    /// The same elements, row major, in another shape.
    ///
    /// # Errors
    /// Where that shape has more or fewer elements.
    pub fn reshaped(self, shape: impl Into<Shape>) -> Result<Self, Error> {
        let shape = shape.into();
        match Arc::unwrap_or_clone(self.host) {
            HostTensor::F32(_, elements) => HostTensor::F32(shape, elements),
            HostTensor::F16(_, elements) => HostTensor::F16(shape, elements),
            HostTensor::U32(_, elements) => HostTensor::U32(shape, elements),
            HostTensor::U8(_, elements) => HostTensor::U8(shape, elements),
        }
        .try_into()
    }

    /// For each row of the last axis, the index of its (first) largest element; a NaN counts as the largest, as in
    /// PyTorch's `argmax(dim=-1)`.
    pub fn argmax(&self) -> Vec<usize> {
        self.to_vec().chunks(self.shape().columns().max(1)).map(largest).collect()
    }

    /// The rows along the first axis that `indices` name, in that order.
    ///
    /// # Errors
    /// Where an index is not below [`Tensor::rows`], or the tensor is a scalar.
    pub fn select(&self, indices: &[usize]) -> Result<Self, Error> {
        if self.shape().rank() == 0 {
            return Err(Error::mismatch("rows", "a tensor with an axis at least", self.kind()));
        }
        match indices.iter().find(|&&index| index >= self.rows()) {
            Some(index) => Err(Error::mismatch("row", format!("an index below {}", self.rows()), index)),
            None => Ok(self.pick(indices)),
        }
    }

    /// As [`Tensor::select`], for indices that are known to be there.
    pub(crate) fn pick(&self, indices: &[usize]) -> Self {
        let row = self.shape().dims().get(1..).unwrap_or_default();
        let shape = Shape::from([&[indices.len()], row].concat());
        let columns = row.iter().product();
        let host = match &*self.host {
            HostTensor::F32(_, elements) => HostTensor::F32(shape, pick(elements, columns, indices)),
            HostTensor::F16(_, elements) => HostTensor::F16(shape, pick(elements, columns, indices)),
            HostTensor::U32(_, elements) => HostTensor::U32(shape, pick(elements, columns, indices)),
            HostTensor::U8(_, elements) => HostTensor::U8(shape, pick(elements, columns, indices)),
        };
        Self { host: host.into() }
    }
}

fn pick<T: Copy>(elements: &[T], columns: usize, indices: &[usize]) -> Vec<T> {
    indices.iter().flat_map(|&index| &elements[index * columns..(index + 1) * columns]).copied().collect()
}

fn largest(row: &[f32]) -> usize {
    let is_larger = |value: f32, best: f32| value > best || (value.is_nan() && !best.is_nan());
    (1..row.len()).fold(0, |best, index| if is_larger(row[index], row[best]) { index } else { best })
}

impl TryFrom<HostTensor> for Tensor {
    type Error = Error;

    fn try_from(host: HostTensor) -> Result<Self, Error> {
        let wanted = host.shape().dims().iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent));
        if wanted != Some(host.len()) {
            let [wanted, got] = [wanted, Some(host.len())].map(|count| match count {
                Some(count) => format!("{count} elements"),
                None => "more elements than can be counted".to_owned(),
            });
            return Err(Error::mismatch(format!("a tensor of shape {}", host.shape()), wanted, got));
        }
        Ok(Self { host: host.into() })
    }
}

impl From<f32> for Tensor {
    fn from(element: f32) -> Self {
        Self { host: HostTensor::scalar(element).into() }
    }
}

impl<const N: usize> From<[f32; N]> for Tensor {
    fn from(elements: [f32; N]) -> Self {
        Self { host: HostTensor::F32([N].into(), elements.to_vec()).into() }
    }
}

impl From<Vec<f32>> for Tensor {
    fn from(elements: Vec<f32>) -> Self {
        Self { host: HostTensor::F32([elements.len()].into(), elements).into() }
    }
}

impl<const ROWS: usize, const COLUMNS: usize> From<[[f32; COLUMNS]; ROWS]> for Tensor {
    fn from(rows: [[f32; COLUMNS]; ROWS]) -> Self {
        Self { host: HostTensor::F32([ROWS, COLUMNS].into(), rows.concat()).into() }
    }
}

impl<const N: usize> From<[u32; N]> for Tensor {
    fn from(labels: [u32; N]) -> Self {
        labels.to_vec().into()
    }
}

impl From<Vec<u32>> for Tensor {
    fn from(labels: Vec<u32>) -> Self {
        Self { host: HostTensor::U32([labels.len()].into(), labels).into() }
    }
}

impl From<&Tensor> for Tensor {
    fn from(tensor: &Tensor) -> Self {
        tensor.clone()
    }
}

impl fmt::Display for Tensor {
    /// `tensor([...])` with four decimals, or in scientific notation where magnitudes differ much; beyond 1,000
    /// elements only the first and last three along each axis; of no elements the shape, unless it has one axis.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let TensorType { shape, dtype } = self.kind();
        let elements = match &*self.host {
            HostTensor::U32(_, elements) => elements.iter().map(|&element| element.into()).collect(),
            _ => self.to_vec().into_iter().map(f64::from).collect::<Vec<_>>(),
        };
        let printed = print::print(shape.dims(), &elements, matches!(dtype, DType::F32 | DType::F16));
        write!(formatter, "tensor({printed}")?;
        if elements.is_empty() && shape.rank() != 1 {
            let extents: Vec<String> = shape.dims().iter().map(usize::to_string).collect();
            write!(formatter, ", size=({})", extents.join(", "))?;
        }
        match dtype {
            DType::F32 => write!(formatter, ")"),
            dtype => write!(formatter, ", dtype={dtype})"),
        }
    }
}
