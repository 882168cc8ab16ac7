//! Pooling of images.

use wgrad_core::{Graph, GraphError, Value};
use wgrad_shaders as ops;

use crate::error::Error;
use crate::layers::pair::check_images;
use crate::layers::{Layer, Pair};
use crate::var::Var;

/// The largest of each window of images `[batch, channels, height, width]`, as PyTorch's
/// [`MaxPool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html).
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d(Windows);

/// The mean of each window of images `[batch, channels, height, width]`, padding included, as PyTorch's
/// [`AvgPool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html).
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d(Windows);

/// The means of images `[batch, channels, height, width]` over windows that cover them evenly, as PyTorch's
/// [`AdaptiveAvgPool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html).
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool2d {
    windows: [usize; 2],
}

/// Windows that slide over images.
#[derive(Clone, Copy, Debug)]
struct Windows {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl MaxPool2d {
    /// Windows of so many pixels side by side; 1 at least.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self(Windows::new(kernel.into()))
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.0.stride = stride.into().0;
        self
    }

    /// The same with so many places around each image that do not count; half the kernel at most.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.0.padding = padding.into().0;
        self
    }
}

impl AvgPool2d {
    /// Windows of so many pixels side by side; 1 at least.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self(Windows::new(kernel.into()))
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.0.stride = stride.into().0;
        self
    }

    /// The same with so many zeros around each image; half the kernel at most.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.0.padding = padding.into().0;
        self
    }
}

impl AdaptiveAvgPool2d {
    /// So many windows along the height and along the width, at least 1 each; one is the mean of the whole image.
    pub fn new(windows: impl Into<Pair>) -> Self {
        Self { windows: windows.into().0 }
    }
}

impl Windows {
    fn new(Pair(kernel): Pair) -> Self {
        Self { kernel, stride: kernel, padding: [0; 2] }
    }

    /// Fails where the windows are none, or do not fit into the images.
    fn check(&self, images: &Var) -> Result<(), Error> {
        let Self { kernel, stride, padding } = self;
        if kernel.contains(&0) || stride.contains(&0) {
            return Err(Error::mismatch("kernel and stride", "1 at least", format!("{kernel:?} and {stride:?}")));
        }
        if (0..2).any(|axis| padding[axis] > kernel[axis] / 2) {
            return Err(Error::mismatch("padding", format!("half the kernel {kernel:?} at most"), format!("{padding:?}")));
        }
        check_images(images, None, *kernel, *padding)
    }
}

/// Pools images whose channels are their second axis by an operation that wants them last.
fn pool(images: &Var, pool: impl FnOnce(&mut Graph, Value) -> Result<Value, GraphError>) -> Result<Var, Error> {
    match images.shape().rank() {
        4 => Ok(images.permute(&[0, 2, 3, 1]).map(pool).permute(&[0, 3, 1, 2])),
        _ => Err(Error::mismatch("input", "[batch, channels, height, width]", images.shape())),
    }
}

impl Layer for MaxPool2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.0.check(input)?;
        let Windows { kernel, stride, padding } = self.0;
        pool(input, |graph, images| ops::max_pool2d(graph, images, kernel, stride, padding))
    }
}

impl Layer for AvgPool2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.0.check(input)?;
        let Windows { kernel, stride, padding } = self.0;
        pool(input, |graph, images| ops::avg_pool2d(graph, images, kernel, stride, padding))
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        if self.windows.contains(&0) {
            return Err(Error::mismatch("windows", "1 at least", format!("{:?}", self.windows)));
        }
        pool(input, |graph, images| ops::adaptive_avg_pool2d(graph, images, self.windows))
    }
}
