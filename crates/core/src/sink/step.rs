//! Views that show each element of a tensor once.

use crate::fuse::Access;
use crate::op::{Case, Lowering, Op, ShapeError, View};
use crate::tensor::{Array, Shape, TensorType};

/// An operation that computes nothing, and leaves nothing out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The axes in another order: for each axis of the output, the axis of the input that it is. An input that lacks
    /// axes gets as many of extent 1 in front.
    Permute(Vec<usize>),
    /// The elements, in their order, in another shape.
    Reshape { from: Shape, to: Shape },
}

/// Adds a step behind others, which may leave fewer of them.
pub fn extend(steps: &mut Vec<Step>, step: Step) {
    let step = match (steps.last(), step) {
        (Some(Step::Permute(inner)), Step::Permute(axes)) => {
            let both = axes.iter().map(|&axis| inner[axis]).collect();
            steps.pop();
            Step::Permute(both)
        }
        (Some(Step::Reshape { from, .. }), Step::Reshape { to, .. }) => {
            let from = from.clone();
            steps.pop();
            Step::Reshape { from, to }
        }
        (_, step) => step,
    };
    if !step.is_identity() {
        steps.push(step);
    }
}

impl Step {
    /// What a view does to a tensor of a shape; none where it is more than a permutation or a reshape.
    pub fn of_view(from: &Shape, to: &Shape, views: &[View]) -> Option<Self> {
        let [view @ View::Strided { offset: 0, strides }] = views else { return None };
        if let Some(axes) = permutation(from, to, strides) {
            return Some(Self::Permute(axes));
        }
        let is_reshape = from.elements() == to.elements() && Access::of_view(view, to)?.is_identity();
        is_reshape.then(|| Self::Reshape { from: from.clone(), to: to.clone() })
    }

    fn is_identity(&self) -> bool {
        match self {
            Self::Permute(axes) => axes.is_sorted(),
            Self::Reshape { from, to } => from == to,
        }
    }

    /// Whether an operand that is repeated to `shape`, or shows the elements of a smaller one so often, can be moved before
    /// the step. What is stored keeps its elements' order there, so that it is read as fast as before.
    pub fn moves(&self, operand: &Shape, shape: &Shape) -> bool {
        match self {
            Self::Permute(_) if operand == shape => true,
            Self::Permute(axes) => {
                let Some(missing) = axes.len().checked_sub(operand.rank()) else { return false };
                let own = operand.dims().iter().enumerate().filter(|(_, extent)| **extent != 1);
                own.map(|(axis, _)| axes[axis + missing]).is_sorted()
            }
            Self::Reshape { from, .. } => operand.elements() == 1 && operand.rank() <= from.rank(),
        }
    }

    /// The step that undoes it.
    pub fn inverse(&self) -> Self {
        match self {
            Self::Permute(axes) => {
                let mut inverse = vec![0; axes.len()];
                axes.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
                Self::Permute(inverse)
            }
            Self::Reshape { from, to } => Self::Reshape { from: to.clone(), to: from.clone() },
        }
    }

    /// The extents of the output, and the strides of the input along them; none where it does not take the input.
    fn layout(&self, input: &Shape) -> Option<(Shape, Vec<usize>)> {
        match self {
            Self::Reshape { from, to } => (from == input).then(|| (to.clone(), to.strides())),
            Self::Permute(axes) => {
                let missing = axes.len().checked_sub(input.rank())?;
                let own = input.dims().iter().copied().zip(input.strides());
                let all: Vec<(usize, usize)> = std::iter::repeat_n((1, 0), missing).chain(own).collect();
                let (dims, strides): (Vec<usize>, _) = axes.iter().map(|&axis| all[axis]).unzip();
                Some((dims.into(), strides))
            }
        }
    }
}

/// For each axis of a view, the axis of its input that it is; none where it is more than a permutation.
fn permutation(from: &Shape, to: &Shape, strides: &[usize]) -> Option<Vec<usize>> {
    let own = from.strides();
    let mut free: Vec<usize> = (0..from.rank()).collect();
    let axes = to.dims().iter().zip(strides).map(|(&extent, &stride)| {
        let is_it = |&axis: &usize| from.dims()[axis] == extent && (extent == 1 || own[axis] == stride);
        let at = free.iter().position(is_it)?;
        Some(free.remove(at))
    });
    let axes = axes.collect::<Option<Vec<_>>>()?;
    (from.rank() == to.rank()).then_some(axes)
}

impl Op for Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Permute(_) => "permute",
            Self::Reshape { .. } => "reshape",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input] = inputs
            && let Some((shape, _)) = self.layout(&input.shape)
        {
            return Ok(vec![TensorType::new(input.dtype, shape)]);
        }
        Err(ShapeError::new(format!("a tensor for {self:?}"), inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let strides = self.layout(&inputs[0].shape).map_or_else(Vec::new, |(_, strides)| strides);
        Lowering::View(vec![View::Strided { offset: 0, strides }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some((shape, strides)) = self.layout(&inputs[0].kind.shape) else { return };
        let own = shape.strides();
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            let axes = own.iter().zip(shape.dims()).zip(&strides);
            let from: usize = axes.map(|((own, extent), stride)| index / own % extent * stride).sum();
            *element = inputs[0].data[from];
        }
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_told_by_their_strides() {
        let from = Shape::from([2, 3, 4]);
        assert_eq!(permutation(&from, &[4, 2, 3].into(), &[1, 12, 4]), Some(vec![2, 0, 1]));
        assert_eq!(permutation(&from, &[2, 3, 4].into(), &[12, 4, 1]), Some(vec![0, 1, 2]));
        assert_eq!(permutation(&from, &[2, 3, 4].into(), &[12, 0, 1]), None);
        assert_eq!(permutation(&from, &[6, 4].into(), &[4, 1]), None);
        assert_eq!(permutation(&[2, 2].into(), &[2, 2].into(), &[1, 2]), Some(vec![1, 0]));
        assert_eq!(permutation(&[1, 5, 1].into(), &[5, 1, 1].into(), &[1, 7, 9]), Some(vec![1, 0, 2]));
    }

    #[test]
    fn steps_that_undo_each_other_vanish() {
        let (matrix, images) = (Shape::from([30, 2]), Shape::from([2, 3, 5, 2]));
        let reshape = Step::Reshape { from: matrix, to: images };
        let permute = Step::Permute(vec![0, 3, 1, 2]);
        let mut steps = Vec::new();
        for step in [&reshape, &permute] {
            extend(&mut steps, step.clone());
        }
        assert_eq!(steps, [reshape.clone(), permute.clone()]);
        for (step, left) in [(&permute, 1), (&reshape, 0)] {
            extend(&mut steps, step.inverse());
            assert_eq!(steps.len(), left);
        }
    }

    #[test]
    fn repeated_operands_keep_their_order() {
        let channels_first = Step::Permute(vec![0, 3, 1, 2]);
        let images = Shape::from([2, 8, 5, 7]);
        for (shape, wanted) in [(vec![8, 1, 1], true), (vec![], true), (vec![8, 5, 1], false), (vec![5, 7], true)] {
            assert_eq!(channels_first.moves(&shape.clone().into(), &images), wanted, "{shape:?}");
        }
        let reshape = Step::Reshape { from: [16, 35].into(), to: images.clone() };
        assert!(reshape.moves(&Shape::default(), &images) && !reshape.moves(&[8, 1, 1].into(), &images));
    }

    #[test]
    fn missing_axes_are_put_in_front() {
        let channels_last = Step::Permute(vec![0, 3, 1, 2]).inverse();
        assert_eq!(channels_last.infer(&[TensorType::f32([8, 1, 1])]), Ok(vec![TensorType::f32([1, 1, 1, 8])]));
        assert!(channels_last.infer(&[TensorType::f32([2, 2, 2, 2, 2])]).is_err());
    }
}
