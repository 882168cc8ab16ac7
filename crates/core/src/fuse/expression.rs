//! What a hook computes, as a tree over stored tensors.

use crate::graph::{Graph, NodeId, Value};
use crate::op::{Lowering, View};
use crate::tensor::Shape;
use crate::windows::Windows;

use super::live::{Live, literal};
use super::{Access, Place, Placement};

/// An element, or four consecutive ones, at the indices that a hook is called with.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// What the kernel hands to the hook, or an earlier operation of the epilogue made of it.
    Local(Value),
    /// A number.
    Literal(f32),
    /// An element of a stored tensor.
    Load {
        /// The tensor.
        value: Value,
        /// Which element.
        access: Access,
    },
    /// An element of a row of a stored tensor, where the row depends on data.
    Gather {
        /// The tensor.
        table: Value,
        /// Elements before the table's first row.
        offset: usize,
        /// The table's rows. An index beyond them names the last, so that no data make a kernel read elsewhere.
        rows: usize,
        /// The extents of the result. All axes but the first are the row.
        shape: Shape,
        /// The row, as a function of the index along the result's first axis.
        row: Box<Expression>,
    },
    /// What windows of a stored tensor of images show.
    Windows {
        /// The tensor.
        value: Value,
        /// Which element of it each index `[n, h, w, c]` of the images is.
        access: Access,
        /// The windows.
        windows: Windows,
    },
    /// A pointwise operation, computed wherever it is read.
    Call {
        /// The operation.
        node: NodeId,
        /// Its inputs.
        arguments: Vec<Expression>,
        /// Which of its elements.
        access: Access,
    },
}

/// How a dispatch reads a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// Each element where the same index is stored: the tensor may be overwritten with the result.
    SameElement,
    /// In any other way.
    Elsewhere,
}

impl Expression {
    /// Calls `visit` with each tensor that is loaded, and how.
    pub fn visit_loads(&self, visit: &mut dyn FnMut(Value, Loads)) {
        match self {
            Self::Local(_) | Self::Literal(_) => {}
            Self::Load { value, access } => {
                visit(*value, if access.is_identity() { Loads::SameElement } else { Loads::Elsewhere })
            }
            Self::Gather { table, row, .. } => {
                visit(*table, Loads::Elsewhere);
                row.visit_loads(&mut |value, _| visit(value, Loads::Elsewhere));
            }
            Self::Windows { value, .. } => visit(*value, Loads::Elsewhere),
            Self::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.visit_loads(visit)),
        }
    }

    /// Calls `visit` with each operation that is computed inline.
    pub fn visit_calls(&self, visit: &mut dyn FnMut(NodeId)) {
        match self {
            Self::Local(_) | Self::Literal(_) | Self::Load { .. } | Self::Windows { .. } => {}
            Self::Gather { row, .. } => row.visit_calls(visit),
            Self::Call { node, arguments, .. } => {
                visit(*node);
                arguments.iter().for_each(|argument| argument.visit_calls(visit));
            }
        }
    }

    /// Whether the value is the same at all indices.
    pub fn is_uniform(&self) -> bool {
        match self {
            Self::Local(_) | Self::Gather { .. } | Self::Windows { .. } => false,
            Self::Literal(_) => true,
            Self::Load { access, .. } => access.is_repeat(),
            Self::Call { arguments, access, .. } => access.is_repeat() && arguments.iter().all(Self::is_uniform),
        }
    }

    /// The same with all indices in one axis; none where it depends on the axes.
    pub fn flattened(&self) -> Option<Self> {
        Some(match self {
            Self::Local(_) | Self::Literal(_) => self.clone(),
            Self::Load { value, access } => Self::Load { value: *value, access: access.flattened()? },
            // Rows of whole groups of four are gathered faster row by row.
            Self::Gather { shape, .. } if (shape.elements() / shape.dims()[0].max(1)).is_multiple_of(4) => return None,
            Self::Gather { .. } => self.clone(),
            Self::Windows { .. } => return None,
            Self::Call { node, arguments, access } => Self::Call {
                node: *node,
                arguments: arguments.iter().map(Self::flattened).collect::<Option<_>>()?,
                access: access.flattened()?,
            },
        })
    }
}

/// Why an expression cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// This node must be stored rather than computed inline.
    Store(NodeId),
    /// The value is computed in the same dispatch, but is not the element at hand.
    Same,
}

/// Writes expressions for one hook.
pub struct Builder<'a> {
    pub graph: &'a Graph,
    pub live: &'a Live,
    pub placement: &'a Placement,
    /// The hook: a dispatch, and one of its outputs; none for inputs.
    pub group: usize,
    pub slot: Option<usize>,
}

impl Builder<'_> {
    /// The expression for the elements of `value` that `access` maps the hook's indices to.
    pub fn expression(&self, value: Value, access: Access) -> Result<Expression, Unfit> {
        if let Some(number) = literal(self.graph, value) {
            return Ok(Expression::Literal(number));
        }
        let single = self.graph.kind(value).shape.elements() == 1;
        let access = if single { Access::repeat(&access.shape) } else { access };
        match self.placement.places.get(&value).copied() {
            Some(place) if place.group == self.group => self.local(value, &access, place),
            Some(_) => Ok(Expression::Load { value, access }),
            None => self.unplaced(value, access),
        }
    }

    fn local(&self, value: Value, access: &Access, place: Place) -> Result<Expression, Unfit> {
        let here = place.slot == self.slot && self.slot.is_some();
        if here && (access.is_identity() || access.shape.elements() == 1) {
            Ok(Expression::Local(value))
        } else {
            Err(Unfit::Same)
        }
    }

    fn unplaced(&self, value: Value, access: Access) -> Result<Expression, Unfit> {
        match self.live.lowering(value.node) {
            None | Some(Lowering::Pack(_) | Lowering::Kernels(_)) => Ok(Expression::Load { value, access }),
            Some(Lowering::View(_)) => self.view(value, &access),
            // Four lanes have consecutive indices, as only neighbouring columns have.
            Some(Lowering::Pointwise(function))
                if function.takes_index && access.shape.columns() > 1 && access.column_stride() != 1 =>
            {
                Err(Unfit::Store(value.node))
            }
            Some(Lowering::Pointwise(_)) => self.call(value.node, access),
        }
    }

    /// What a view shows.
    pub fn view(&self, value: Value, access: &Access) -> Result<Expression, Unfit> {
        let node = self.graph.node(value.node);
        let Some(Lowering::View(views)) = self.live.lowering(value.node) else { return Err(Unfit::Store(node.id)) };
        let Some(view) = views.get(value.output as usize) else { return Err(Unfit::Store(node.id)) };
        let shape = &self.graph.kind(value).shape;
        let is_whole = access.is_identity() && access.shape == *shape;
        match view {
            View::GatherRows => self.gather(value, access),
            View::Windows(windows) if is_whole => self.windows(node.inputs[0], windows),
            View::Windows(_) => Err(Unfit::Store(node.id)),
            View::Strided { .. } => {
                let inner = Access::of_view(view, shape).and_then(|inner| access.then(&inner));
                self.expression(node.inputs[0], inner.ok_or(Unfit::Store(node.id))?)
            }
        }
    }

    /// What a hook sees of an input through a view that belongs to the kernel.
    pub fn operand_view(&self, input: Value, view: &View, shape: &Shape) -> Result<Expression, Unfit> {
        match (view, Access::of_view(view, shape)) {
            (_, Some(access)) => self.expression(input, access),
            (View::Windows(windows), None) => self.windows(input, windows),
            (_, None) => Err(Unfit::Store(input.node)),
        }
    }

    /// Windows show each element many times, so that they read what is stored.
    fn windows(&self, input: Value, windows: &Windows) -> Result<Expression, Unfit> {
        let of = |value, access| Ok(Expression::Windows { value, access, windows: windows.clone() });
        let images = Access::identity(&self.graph.kind(input).shape);
        match self.expression(input, images.clone())? {
            Expression::Load { value, access } => of(value, access),
            Expression::Literal(_) => of(input, images),
            _ => Err(Unfit::Store(input.node)),
        }
    }

    fn gather(&self, value: Value, access: &Access) -> Result<Expression, Unfit> {
        let node = self.graph.node(value.node);
        let shape = self.graph.kind(value).shape.clone();
        if !access.is_identity() || access.shape != shape {
            return Err(Unfit::Store(node.id));
        }
        let [table, indices] = [node.inputs[0], node.inputs[1]];
        let row = Box::new(self.expression(indices, Access::identity(&self.graph.kind(indices).shape))?);
        let kind = self.graph.kind(table);
        let rows = kind.shape.dims().first().copied().unwrap_or(1);
        let of = |table, offset| Ok(Expression::Gather { table, offset, rows, shape, row });
        match self.expression(table, Access::identity(&kind.shape))? {
            Expression::Load { value, access } if access.is_contiguous() => of(value, access.offset),
            Expression::Literal(_) => of(table, 0),
            _ => Err(Unfit::Store(table.node)),
        }
    }

    fn call(&self, node: NodeId, access: Access) -> Result<Expression, Unfit> {
        let arguments = self.arguments(node, &access)?;
        Ok(Expression::Call { node, arguments, access })
    }

    /// The inputs of a pointwise operation at the elements that `access` picks from its output.
    pub fn arguments(&self, node: NodeId, access: &Access) -> Result<Vec<Expression>, Unfit> {
        let node = self.graph.node(node);
        let shape = &node.outputs[0].shape;
        let argument = |&input: &Value| {
            let repeated = Access::broadcast(&self.graph.kind(input).shape, shape);
            self.expression(input, access.then(&repeated).ok_or(Unfit::Store(node.id))?)
        };
        node.inputs.iter().map(argument).collect()
    }
}

/// Whether a view picks its rows by data.
pub fn is_gather(lowering: Option<&Lowering>) -> bool {
    matches!(lowering, Some(Lowering::View(views)) if views.contains(&View::GatherRows))
}
