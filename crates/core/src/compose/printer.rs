//! Prints expressions as WGSL statements.

mod windows;

use crate::fuse::{Access, Destination, Expression, Member, Store};
use crate::graph::{Graph, NodeId, Value};
use crate::op::{Function, Lanes, Literal, Lowering};
use crate::plan::BufferId;
use crate::tensor::{DType, Shape};

use super::bindings::{Accessor, Bindings};
use super::module::{Module, offset_name, print_literal};
use super::scope::{At, Scope, Statements};
use super::text::{gather_accessor, inside, invocation, is_name, kind, linear, nonzero, splat, sum};
use super::{ComposeError, Locations, Room};

pub use windows::Panes;

/// An [`Expression::Gather`].
struct Gather<'a> {
    table: Value,
    offset: usize,
    rows: usize,
    shape: &'a Shape,
    row: &'a Expression,
}

/// Prints expressions, and remembers what they need.
pub struct Printer<'a> {
    pub graph: &'a Graph,
    lowerings: &'a [Option<Lowering>],
    locations: &'a Locations,
    bindings: Bindings,
    sources: Vec<&'static str>,
    uniform: String,
    /// The parts of buffers that are reached, by where they begin.
    parts: Vec<(BufferId, usize)>,
}

impl<'a> Printer<'a> {
    pub fn new(graph: &'a Graph, lowerings: &'a [Option<Lowering>], locations: &'a Locations, uniform: String) -> Self {
        let (bindings, sources, parts) = (Bindings::default(), Vec::new(), Vec::new());
        Self { graph, lowerings, locations, bindings, sources, uniform, parts }
    }

    /// The WGSL files of all functions that were called, each once.
    pub fn sources(&self) -> &[&'static str] {
        &self.sources
    }

    /// Where the parts of buffers begin, in elements, that are reached through the uniform.
    pub fn offsets(&self) -> Vec<u32> {
        self.parts.iter().map(|(_, offset)| *offset as u32).collect()
    }

    /// Elements before a tensor's first, for an index: read from the uniform where the tensor is a part of what is bound,
    /// and nothing where it begins there.
    fn offset(&mut self, buffer: BufferId, offset: usize, is_part: bool) -> String {
        if !is_part && offset == 0 {
            return String::new();
        }
        let known = self.parts.iter().position(|part| *part == (buffer, offset));
        let index = known.unwrap_or_else(|| {
            self.parts.push((buffer, offset));
            self.parts.len() - 1
        });
        format!("{}.{}", self.uniform, offset_name(index))
    }

    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    pub fn bind_as(&mut self, variable: &str, kind: &str, value: Value, writes: bool) {
        let location = &self.locations.values[&value];
        self.bindings.bind_as(variable, kind, location.buffer, location.kind.dtype, writes);
    }

    /// The WGSL type of a value's elements.
    pub fn kind(&self, value: Value, lanes: Lanes) -> &'static str {
        kind(self.graph.kind(value).dtype, lanes)
    }

    /// The WGSL type of an expression.
    pub fn element(&self, expression: &Expression, lanes: Lanes) -> &'static str {
        kind(self.dtype(expression), lanes)
    }

    fn dtype(&self, expression: &Expression) -> DType {
        match expression {
            Expression::Literal(_) => DType::F32,
            Expression::Local(value)
            | Expression::Load { value, .. }
            | Expression::Windows { value, .. }
            | Expression::Gather { table: value, .. } => self.graph.kind(*value).dtype,
            Expression::Call { node, .. } => self.graph.node(*node).outputs[0].dtype,
        }
    }

    /// Prints an expression and returns the name or literal that stands for it.
    pub fn print(&mut self, expression: &Expression, lanes: Lanes, at: &At, scope: &mut Scope) -> Result<String, ComposeError> {
        let hoisted = scope.hoists && expression.is_uniform() && !matches!(expression, Expression::Literal(_));
        if !hoisted {
            let text = self.text(expression, lanes, at, scope)?;
            return Ok(if is_name(&text) { text } else { scope.body.bind("v", text) });
        }
        let mut inner = Scope { prepare: Statements::default(), body: std::mem::take(&mut scope.prepare), ..Scope::default() };
        let value = self.print(expression, Lanes::One, &At::vector("0u"), &mut inner)?;
        scope.prepare = inner.body;
        let entry = (value, self.element(expression, Lanes::One));
        let index = scope.privates.iter().position(|known| *known == entry).unwrap_or_else(|| {
            scope.privates.push(entry);
            scope.privates.len() - 1
        });
        Ok(match lanes {
            Lanes::One => format!("uniform_{index}"),
            Lanes::Four => format!("{}(uniform_{index})", self.element(expression, Lanes::Four)),
        })
    }

    fn text(&mut self, expression: &Expression, lanes: Lanes, at: &At, scope: &mut Scope) -> Result<String, ComposeError> {
        match expression {
            Expression::Local(value) => Ok(scope.locals[value].clone()),
            Expression::Literal(number) => Ok(splat(&print_literal(Literal::F32(*number)), kind(DType::F32, lanes), lanes)),
            Expression::Load { value, access } => Ok(self.load(*value, access, lanes, at)),
            Expression::Gather { table, offset, rows, shape, row } => {
                self.gather(Gather { table: *table, offset: *offset, rows: *rows, shape, row }, lanes, at, scope)
            }
            Expression::Windows { value, access, windows } => {
                Ok(self.window(*value, &Panes { windows, access }, lanes, at, scope))
            }
            Expression::Call { node, arguments, access } => {
                let index = linear(access, nonzero(access.offset), at);
                self.call(*node, arguments, &index, lanes, at, scope)
            }
        }
    }

    /// Whether other tensors, or other elements of the same one, lie around the first `reach` elements of a value.
    fn is_part(&self, value: Value, reach: usize) -> bool {
        self.locations.packed.contains_key(&Destination::Value(value)) || reach < self.graph.kind(value).shape.elements()
    }

    fn load(&mut self, value: Value, access: &Access, lanes: Lanes, at: &At) -> String {
        let location = &self.locations.values[&value];
        let (buffer, dtype) = (location.buffer, location.kind.dtype);
        let is_part = self.is_part(value, access.reach());
        let aligned = access.is_aligned() && location.offset.is_multiple_of(4);
        let offset = self.offset(buffer, location.offset + access.offset, is_part);
        let index = linear(access, offset.clone(), at);
        let mut reach = |accessor| self.bindings.accessor(buffer, dtype, accessor);
        match (lanes, access.column_stride()) {
            (Lanes::One, _) => format!("{}({index})", reach(Accessor::LoadOne)),
            (Lanes::Four, 0) => splat(&format!("{}({index})", reach(Accessor::LoadOne)), kind(dtype, lanes), lanes),
            (Lanes::Four, 1) if aligned => format!("{}({index})", reach(Accessor::LoadFour)),
            (Lanes::Four, 1) => format!("{}({index})", reach(Accessor::LoadAnyFour)),
            (Lanes::Four, _) => {
                let one = reach(Accessor::LoadOne);
                // Columns beyond the row's end are clamped to its last: nobody uses them.
                let lane = |lane: usize| {
                    let column = format!("min({} + {lane}u, {}u)", at.column, at.columns.saturating_sub(1));
                    format!("{one}({})", linear(access, offset.clone(), &At { column, ..at.clone() }))
                };
                format!("{}({})", kind(dtype, lanes), (0..4).map(lane).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn gather(&mut self, gather: Gather, lanes: Lanes, at: &At, scope: &mut Scope) -> Result<String, ComposeError> {
        let Gather { table, offset, rows, shape, row } = gather;
        let location = &self.locations.values[&table];
        let (buffer, dtype) = (location.buffer, location.kind.dtype);
        let (begin, is_part) = (location.offset + offset, self.is_part(table, self.graph.kind(table).shape.elements()));
        let offset = self.offset(buffer, begin, is_part);
        let width = (shape.elements() / shape.dims()[0].max(1)).max(1);
        let start = |row: &str, column: &str| sum(&[format!("{row} * {width}u"), column.to_owned(), offset.clone()]);
        if at.fetched {
            let accessor = gather_accessor(lanes, width, begin);
            return Ok(format!("{}({})", self.bindings.accessor(buffer, dtype, accessor), start(&at.row, &at.column)));
        }
        if width == at.columns && shape.rank() > 1 {
            let row = self.picked_row(row, rows, &at.row, scope)?;
            let accessor = gather_accessor(lanes, width, begin);
            return Ok(format!("{}({})", self.bindings.accessor(buffer, dtype, accessor), start(&row, &at.column)));
        }
        let count = if lanes == Lanes::Four { 4 } else { 1 };
        let mut elements = Vec::new();
        for lane in 0..count {
            let last = shape.elements().max(1) - 1;
            let index =
                format!("min({}, {last}u)", sum(&[format!("{} * {}u", at.row, at.columns), at.column.clone(), nonzero(lane)]));
            let index = scope.body.bind("v", index);
            let row = self.picked_row(row, rows, &format!("({index} / {width}u)"), scope)?;
            let one = self.bindings.accessor(buffer, dtype, Accessor::LoadOne);
            elements.push(format!("{one}({})", start(&row, &format!("{index} % {width}u"))));
        }
        Ok(if lanes == Lanes::Four { format!("{}({})", kind(dtype, lanes), elements.join(", ")) } else { elements.remove(0) })
    }

    /// The row of a table of `rows` that the index at `place` names.
    pub fn picked_row(&mut self, row: &Expression, rows: usize, place: &str, scope: &mut Scope) -> Result<String, ComposeError> {
        let row = self.print(row, Lanes::One, &At::vector(place), scope)?;
        Ok(format!("min({row}, {}u)", rows.saturating_sub(1)))
    }

    /// A pointwise operation with one output.
    fn call(
        &mut self,
        node: NodeId,
        arguments: &[Expression],
        index: &str,
        lanes: Lanes,
        at: &At,
        scope: &mut Scope,
    ) -> Result<String, ComposeError> {
        let mut calls = self.calls(node, arguments, index, lanes, at, scope)?;
        if calls.len() == 1 {
            return Ok(calls.remove(0));
        }
        let result = kind(self.graph.node(node).outputs[0].dtype, Lanes::Four);
        Ok(format!("{result}({})", calls.join(", ")))
    }

    /// The calls of a pointwise operation's function: one, or one for each of four lanes.
    fn calls(
        &mut self,
        node: NodeId,
        arguments: &[Expression],
        index: &str,
        lanes: Lanes,
        at: &At,
        scope: &mut Scope,
    ) -> Result<Vec<String>, ComposeError> {
        let function = self.function(node);
        let mut printed = Vec::new();
        for argument in arguments {
            let text = self.print(argument, lanes, at, scope)?;
            printed.push((text, self.element(argument, Lanes::Four)));
        }
        let one = |lane: &str, offset: usize| {
            let arguments = printed.iter().map(|(text, _)| format!("{text}{lane}")).collect();
            invocation(function, &sum(&[index.to_owned(), nonzero(offset)]), arguments)
        };
        Ok(match (function.lanes, lanes) {
            (Lanes::Four, Lanes::Four) | (Lanes::One, Lanes::One) => vec![one("", 0)],
            (Lanes::One, Lanes::Four) => vec![one(".x", 0), one(".y", 1), one(".z", 2), one(".w", 3)],
            (Lanes::Four, Lanes::One) => {
                let arguments = printed.iter().map(|(text, kind)| format!("{kind}({text})")).collect();
                vec![format!("{}.x", invocation(function, index, arguments))]
            }
        })
    }

    /// Computes an operation of an epilogue, and names its outputs.
    pub fn member(&mut self, member: &Member, at: &At, scope: &mut Scope) -> Result<(), ComposeError> {
        let node = self.graph.node(member.node);
        if let Some(Lowering::View(_)) = &self.lowerings[member.node.0 as usize] {
            let shown = self.print(&member.arguments[0], Lanes::Four, at, scope)?;
            scope.locals.insert(node.output(member.output), shown);
            return Ok(());
        }
        let index = sum(&[format!("{} * {}u", at.row, at.columns), at.column.clone()]);
        let index = if at.rows == 1 { at.column.clone() } else { index };
        if node.outputs.len() == 1 {
            let text = self.call(member.node, &member.arguments, &index, Lanes::Four, at, scope)?;
            let name = scope.body.bind("v", text);
            scope.locals.insert(node.output(0), name);
            return Ok(());
        }
        let calls = self.calls(member.node, &member.arguments, &index, Lanes::Four, at, scope)?;
        let results: Vec<String> = calls.into_iter().map(|call| scope.body.bind("v", call)).collect();
        for (output, field) in self.fields(member.node)?.iter().enumerate() {
            let lanes: Vec<String> = results.iter().map(|result| format!("{result}.{field}")).collect();
            let value = node.output(output);
            let text = if lanes.len() == 1 {
                lanes[0].clone()
            } else {
                format!("{}({})", self.kind(value, Lanes::Four), lanes.join(", "))
            };
            scope.locals.insert(value, text);
        }
        Ok(())
    }

    /// The names of the members of the struct that a function with several outputs returns.
    fn fields(&mut self, node: NodeId) -> Result<Vec<String>, ComposeError> {
        let function = self.function(node);
        let node = self.graph.node(node);
        let fields = Module::parse(node.name(), function.source)?.returned_members(function.name);
        if fields.len() == node.outputs.len() {
            return Ok(fields);
        }
        let (operation, function) = (node.name().to_owned(), function.name.to_owned());
        Err(ComposeError::Outputs { operation, function, wanted: node.outputs.len() })
    }

    /// Stores four elements, as many as the row has.
    pub fn store_four(&mut self, store: &Store, at: &At, scope: &mut Scope) -> Result<(), ComposeError> {
        let value = self.print(&store.expression, Lanes::Four, at, scope)?;
        let location = &self.locations.destinations[&store.destination];
        let (buffer, dtype, begin) = (location.buffer, location.kind.dtype, location.offset);
        let room = self.locations.packed.get(&store.destination);
        let offset = self.offset(buffer, begin, room.is_some());
        let row = if at.rows == 1 { String::new() } else { format!("{} * {}u", at.row, at.columns) };
        let index = sum(&[row, at.column.clone(), offset]);
        // A lone row may be stored up to the next multiple of 4, where that is its own: with zeros, so that sums over a
        // pack see nothing in its gaps.
        let has_room = at.rows == 1 && room != Some(&Room::Exact);
        let value = if has_room { inside(&value, self.destination_kind(store), at) } else { value };
        if begin.is_multiple_of(4) && (at.columns.is_multiple_of(4) || has_room) {
            let accessor = self.bindings.accessor(buffer, dtype, Accessor::StoreFour);
            scope.push(format!("{accessor}({index}, {value});"));
            return Ok(());
        }
        let accessor = self.bindings.accessor(buffer, dtype, Accessor::StoreOne);
        let index = scope.body.bind("v", index);
        let last = if at.columns.is_multiple_of(4) { 4 } else { at.columns % 4 };
        for (lane, component) in ["x", "y", "z", "w"].into_iter().enumerate().take(at.columns) {
            let (mut offset, mut element) = (nonzero(lane), format!("{value}.{component}"));
            if lane >= last {
                // The row's last elements are fewer: the first of them is stored again instead, without a branch, of which
                // there would be many in a row.
                let whole = scope.body.bind("v", format!("{} + 4u <= {}u", at.column, at.columns));
                offset = format!("select(0u, {offset}, {whole})");
                element = format!("select({value}.x, {element}, {whole})");
            }
            scope.push(format!("{accessor}({}, {element});", sum(&[index.clone(), offset])));
        }
        Ok(())
    }

    fn destination_kind(&self, store: &Store) -> &'static str {
        kind(self.locations.destinations[&store.destination].kind.dtype, Lanes::Four)
    }

    /// The statement that stores one element.
    pub fn store_one(&mut self, destination: &Destination, index: &str, value: &str) -> String {
        let location = &self.locations.destinations[destination];
        let (buffer, dtype, begin) = (location.buffer, location.kind.dtype, location.offset);
        let offset = self.offset(buffer, begin, self.locations.packed.contains_key(destination));
        let accessor = self.bindings.accessor(buffer, dtype, Accessor::StoreOne);
        format!("    {accessor}({}, {value});\n", sum(&[index.to_owned(), offset]))
    }

    /// Whether a pointwise operation sees the index of its elements.
    pub fn takes_index(&self, node: NodeId) -> bool {
        matches!(&self.lowerings[node.0 as usize], Some(Lowering::Pointwise(function)) if function.takes_index)
    }

    fn function(&mut self, node: NodeId) -> &'a Function {
        let Some(Lowering::Pointwise(function)) = &self.lowerings[node.0 as usize] else {
            unreachable!("only pointwise operations are called");
        };
        if !self.sources.contains(&function.source) {
            self.sources.push(function.source);
        }
        function
    }
}
