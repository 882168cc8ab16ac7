//! Shapes, element types and the tensors of the host.

use std::fmt;

/// What one element of a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// 32-bit unsigned integer.
    U32,
    /// A byte. Four lie in each 32-bit word, the first in the lowest bits; kernels see it widened to 32 bits.
    U8,
}

impl DType {
    /// The size of one element, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            DType::F32 | DType::U32 => 4,
            DType::U8 => 1,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            DType::F32 => "f32",
            DType::U32 => "u32",
            DType::U8 => "u8",
        })
    }
}

/// The extent of each axis, slowest first. A scalar has no axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The extents, slowest axis first.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements: 1 for a scalar, `usize::MAX` where there are more than that.
    pub fn elements(&self) -> usize {
        product(&self.0)
    }

    /// The extent of the last, contiguous axis: 1 for a scalar.
    pub fn columns(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// The product of all extents but the last: 1 for a scalar or a vector.
    pub fn rows(&self) -> usize {
        self.0.split_last().map_or(1, |(_, leading)| product(leading))
    }

    /// The distance in elements between neighbours along each axis of a row-major tensor.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1_usize; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(self.0[axis]);
        }
        strides
    }

    /// The shape of two tensors combined element by element, where an axis of extent 1, or a missing leading one,
    /// is repeated; none where the shapes do not go together.
    ///
    /// ```
    /// # use wgrad_core::Shape;
    /// assert_eq!(Shape::from([64, 10]).broadcast(&Shape::from([10])), Some(Shape::from([64, 10])));
    /// assert_eq!(Shape::from([64, 10]).broadcast(&Shape::from([64])), None);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let extent = |shape: &Shape, axis: usize| (axis + shape.rank()).checked_sub(rank).map_or(1, |own| shape.0[own]);
        (0..rank)
            .map(|axis| match (extent(self, axis), extent(other, axis)) {
                (left, right) if left == right => Some(left),
                (1, extent) | (extent, 1) => Some(extent),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Shape)
    }
}

/// The product of extents: as large as a number can be where it does not fit.
fn product(extents: &[usize]) -> usize {
    extents.iter().fold(1, |product, &extent| product.saturating_mul(extent))
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape(dims.to_vec())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(usize::to_string).collect();
        write!(formatter, "[{}]", dims.join(", "))
    }
}

/// A tensor's shape and element type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The extents.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

impl TensorType {
    /// A type of any dtype.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), dtype }
    }

    /// A type of 32-bit floats.
    pub fn f32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::F32, shape)
    }

    /// A type of 32-bit unsigned integers.
    pub fn u32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::U32, shape)
    }

    /// The size in bytes, without padding; `usize::MAX` where it is more than that.
    pub fn bytes(&self) -> usize {
        self.shape.elements().saturating_mul(self.dtype.bytes())
    }
}

impl From<&[usize]> for TensorType {
    /// A shape alone is one of floats.
    fn from(dims: &[usize]) -> Self {
        Self::f32(dims.to_vec())
    }
}

impl<const N: usize> From<&[usize; N]> for TensorType {
    /// A shape alone is one of floats.
    fn from(dims: &[usize; N]) -> Self {
        Self::f32(*dims)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}{}", self.dtype, self.shape)
    }
}

/// A row-major tensor in double precision, whatever its type on the device: the values of the reference.
///
/// All integers of 32 bits are exact in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The shape, and the type on the device.
    pub kind: TensorType,
    /// The elements, as many as the shape says.
    pub data: Vec<f64>,
}

impl Array {
    /// An array of zeros.
    pub fn zeros(kind: TensorType) -> Self {
        let data = vec![0.0; kind.shape.elements()];
        Self { kind, data }
    }

    /// An array of 32-bit floats whose element at linear index `i` is `value(i)`, rounded to 32 bits.
    pub fn from_fn(shape: impl Into<Shape>, value: impl Fn(usize) -> f64) -> Self {
        let kind = TensorType::f32(shape);
        let data = (0..kind.shape.elements()).map(|i| value(i) as f32 as f64).collect();
        Self { kind, data }
    }

    /// The linear index in this array of the element that a broadcast to `shape` shows at `index`.
    pub fn broadcast_index(&self, shape: &Shape, index: usize) -> usize {
        let own = &self.kind.shape;
        if own == shape {
            return index;
        }
        let skipped = shape.rank() - own.rank();
        let strides = shape.strides();
        own.strides()
            .iter()
            .enumerate()
            .filter(|&(axis, _)| own.dims()[axis] > 1)
            .map(|(axis, stride)| index / strides[axis + skipped] % shape.dims()[axis + skipped] * stride)
            .sum()
    }
}

/// A row-major tensor on the host, in the type that it has on the device.
#[derive(Clone, Debug, PartialEq)]
pub enum HostTensor {
    /// 32-bit floats.
    F32(Shape, Vec<f32>),
    /// 32-bit unsigned integers.
    U32(Shape, Vec<u32>),
    /// Bytes.
    U8(Shape, Vec<u8>),
}

impl HostTensor {
    /// A tensor of zeros.
    pub fn zeros(kind: &TensorType) -> Self {
        let (shape, elements) = (kind.shape.clone(), kind.shape.elements());
        match kind.dtype {
            DType::F32 => Self::F32(shape, vec![0.0; elements]),
            DType::U32 => Self::U32(shape, vec![0; elements]),
            DType::U8 => Self::U8(shape, vec![0; elements]),
        }
    }

    /// A scalar of 32-bit floating point.
    pub fn scalar(value: f32) -> Self {
        Self::F32(Shape::default(), vec![value])
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        match self {
            Self::F32(shape, _) | Self::U32(shape, _) | Self::U8(shape, _) => shape,
        }
    }

    /// The shape and element type.
    pub fn kind(&self) -> TensorType {
        let dtype = match self {
            Self::F32(..) => DType::F32,
            Self::U32(..) => DType::U32,
            Self::U8(..) => DType::U8,
        };
        TensorType::new(dtype, self.shape().clone())
    }

    /// The number of elements that are there, which a well-formed tensor's shape agrees with.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(_, data) => data.len(),
            Self::U32(_, data) => data.len(),
            Self::U8(_, data) => data.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in double precision.
    pub fn to_array(&self) -> Array {
        let data = match self {
            Self::F32(_, data) => data.iter().map(|&x| x.into()).collect(),
            Self::U32(_, data) => data.iter().map(|&x| x.into()).collect(),
            Self::U8(_, data) => data.iter().map(|&x| x.into()).collect(),
        };
        Array { kind: self.kind(), data }
    }

    /// An array's elements, rounded to its type.
    pub fn from_array(array: &Array) -> Self {
        let shape = array.kind.shape.clone();
        match array.kind.dtype {
            DType::F32 => Self::F32(shape, array.data.iter().map(|&x| x as f32).collect()),
            DType::U32 => Self::U32(shape, array.data.iter().map(|&x| x as u32).collect()),
            DType::U8 => Self::U8(shape, array.data.iter().map(|&x| x as u8).collect()),
        }
    }
}
