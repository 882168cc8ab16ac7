//! Convolutions.

use wgrad_shaders::conv2d;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// A convolution of images `[batch, channels, height, width]`, as PyTorch's
/// [`Conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).
///
/// Its parameters are `weight`, `[outputs, inputs, kernel, kernel]`, and `bias`, `[outputs]`, both drawn evenly from
/// `-1 / sqrt(fan_in) .. 1 / sqrt(fan_in)` with `fan_in = inputs * kernel * kernel`, unless told otherwise.
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
    /// A convolution from so many channels to so many, by a square kernel of so many pixels; each at least 1.
    pub fn new(inputs: usize, outputs: usize, kernel: usize) -> Self {
        let initial = Initial::linear(inputs * kernel * kernel);
        let [stride, padding, dilation] = [[1; 2], [0; 2], [1; 2]];
        Self { inputs, outputs, kernel: [kernel; 2], stride, padding, dilation, weight: initial, bias: Some(initial) }
    }

    /// The same with so many pixels between neighbouring windows, at least 1.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// The same with so many zeros around each image.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// The same with so many pixels between neighbouring pixels of a window, at least 1.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = [dilation; 2];
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
        let sizes = [("inputs", self.inputs), ("outputs", self.outputs), ("kernel size", self.kernel[0])];
        if let Some((what, size)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(Error::mismatch(what, "1 at least", size));
        }
        let shape = input.shape();
        match shape.dims() {
            [_, channels, _, _] if *channels == self.inputs => Ok(()),
            _ => Err(Error::mismatch("input", format!("[batch, {}, height, width]", self.inputs), shape)),
        }
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
