//! Convolutions.

use wgrad_core::{MOST_ELEMENTS, Shape};
use wgrad_shaders::conv2d;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::pair::check_images;
use crate::layers::{Layer, Pair};
use crate::var::Var;

/// A convolution of images `[batch, channels, height, width]`, as PyTorch's
/// [`Conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).
///
/// Sizes are numbers for both axes, or `[height, width]`. Its parameters are `weight`, `[outputs, inputs, height, width]` of
/// the kernel, and `bias`, `[outputs]`, both drawn evenly from `-1 / sqrt(fan_in) .. 1 / sqrt(fan_in)` with `fan_in = inputs *
/// height * width`, unless told otherwise.
///
/// ```
/// # use wgrad::prelude::*;
/// # let device = Device::cpu();
/// let model = Sequential::new().add(Conv2d::new(1, 8, [3, 5]).padding([1, 2]).stride(2)).add(ReLU);
/// let mut trainer = Trainer::new(&device, model, MSELoss, Adam::new(0.01), Options::default())?;
/// assert_eq!(trainer.predict(Tensor::zeros([4, 1, 28, 14]))?.shape().dims(), [4, 8, 14, 7]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    weight: Initial,
    bias: Option<Initial>,
}

impl Conv2d {
    /// A convolution from so many channels to so many, by a kernel of so many pixels; each at least 1.
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        let Pair(kernel) = kernel.into();
        let initial = Initial::linear(Shape::from([inputs, kernel[0], kernel[1]]).elements());
        let [stride, padding, dilation] = [[1; 2], [0; 2], [1; 2]];
        Self { inputs, outputs, kernel, stride, padding, dilation, weight: initial, bias: Some(initial) }
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.stride = stride.into().0;
        self
    }

    /// The same with so many zeros around each image.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.padding = padding.into().0;
        self
    }

    /// The same with so many pixels between neighbouring pixels of a window, at least 1.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.dilation = dilation.into().0;
        self
    }

    /// The same with other initial weights.
    pub fn weight(mut self, initial: Initial) -> Self {
        self.weight = initial;
        self
    }

    /// The same with other initial biases.
    pub fn bias(mut self, initial: Initial) -> Self {
        self.bias = Some(initial);
        self
    }

    /// The same without biases, such as before a batch normalisation.
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    fn check(&self, input: &Var) -> Result<(), Error> {
        let [kernel_height, kernel_width] = self.kernel;
        let channels = [("inputs", self.inputs), ("outputs", self.outputs)];
        let kernel = [("kernel height", kernel_height), ("kernel width", kernel_width)];
        if let Some((what, size)) = channels.into_iter().chain(kernel).find(|(_, size)| *size == 0) {
            return Err(Error::mismatch(what, "1 at least", size));
        }
        if self.stride.contains(&0) || self.dilation.contains(&0) {
            let got = format!("stride {:?} and dilation {:?}", self.stride, self.dilation);
            return Err(Error::mismatch("stride and dilation", "1 at least", got));
        }
        if self.padding.iter().any(|&padding| padding > MOST_ELEMENTS) {
            return Err(Error::mismatch("padding", format!("{MOST_ELEMENTS} at most"), format!("{:?}", self.padding)));
        }
        let covered = [0, 1].map(|axis| (self.kernel[axis] - 1).saturating_mul(self.dilation[axis]).saturating_add(1));
        check_images(input, Some(self.inputs), covered, self.padding)
    }
}

impl Layer for Conv2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.check(input)?;
        let [height, width] = self.kernel;
        let weight = input.trace().parameter("weight", [self.outputs, self.inputs, height, width], self.weight)?;
        let channels_last = input.permute(&[0, 2, 3, 1]).zip(&weight.permute(&[0, 2, 3, 1]), |graph, input, weight| {
            conv2d(graph, input, weight, self.stride, self.padding, self.dilation)
        });
        let output = match self.bias {
            Some(initial) => channels_last + input.trace().parameter("bias", [self.outputs], initial)?,
            None => channels_last,
        };
        Ok(output.permute(&[0, 3, 1, 2]))
    }
}
