//! Pooling of images.

use wgrad_core::{Graph, GraphError, Value};
use wgrad_shaders as ops;

use crate::error::Error;
use crate::layers::Layer;
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

/// Square windows.
#[derive(Clone, Copy, Debug)]
struct Windows {
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl MaxPool2d {
    /// Windows of `kernel` times `kernel` pixels side by side; 1 at least.
    pub fn new(kernel: usize) -> Self {
        Self(Windows::new(kernel))
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: usize) -> Self {
        self.0.stride = stride;
        self
    }

    /// The same with so many places around each image that do not count; half the kernel at most.
    pub fn padding(mut self, padding: usize) -> Self {
        self.0.padding = padding;
        self
    }
}

impl AvgPool2d {
    /// Windows of `kernel` times `kernel` pixels side by side; 1 at least.
    pub fn new(kernel: usize) -> Self {
        Self(Windows::new(kernel))
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: usize) -> Self {
        self.0.stride = stride;
        self
    }

    /// The same with so many zeros around each image; half the kernel at most.
    pub fn padding(mut self, padding: usize) -> Self {
        self.0.padding = padding;
        self
    }
}

impl AdaptiveAvgPool2d {
    /// So many windows along the height and along the width, at least 1; one is the mean of the whole image.
    pub fn new(windows: usize) -> Self {
        Self { windows: [windows; 2] }
    }
}

impl Windows {
    fn new(kernel: usize) -> Self {
        Self { kernel, stride: kernel, padding: 0 }
    }

    fn pairs(self) -> [[usize; 2]; 3] {
        [self.kernel, self.stride, self.padding].map(|extent| [extent; 2])
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
        let [kernel, stride, padding] = self.0.pairs();
        pool(input, |graph, images| ops::max_pool2d(graph, images, kernel, stride, padding))
    }
}

impl Layer for AvgPool2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let [kernel, stride, padding] = self.0.pairs();
        pool(input, |graph, images| ops::avg_pool2d(graph, images, kernel, stride, padding))
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        pool(input, |graph, images| ops::adaptive_avg_pool2d(graph, images, self.windows))
    }
}
