//! Composes the WGSL of a dispatch: a kernel's file with its hooks and constants replaced, the functions that the
//! hooks call, and generated glue, which loads, calls and stores, and holds no maths.

mod bindings;
mod module;
mod printer;
mod scope;
mod text;

use std::collections::HashMap;

use crate::fuse::{Anchor, Destination, Expression, Group, Operand, Slot, operand_view};
use crate::graph::{Graph, NodeId, Value};
use crate::op::{Kernel, Lanes, LoadHook, Lowering, StoreHook};
use crate::plan::{Binding, Location};
use crate::tensor::Shape;

use bindings::Bindings;
use module::Module;
use printer::{Panes, Printer};
use scope::{At, Scope};

/// A dispatch's WGSL, and what it binds.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The complete file.
    pub source: String,
    /// The entry point.
    pub entry: String,
    /// The storage bindings, from binding 1.
    pub bindings: Vec<Binding>,
    /// What the uniform holds behind the kernel's dims: where tensors begin that are parts of what is bound. So the file
    /// is the same for all parts, as the steps of a sequence are, and they share a pipeline.
    pub offsets: Vec<u32>,
}

/// A WGSL file and its Rust half disagree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The file is no WGSL.
    #[error("{operation}: its WGSL cannot be parsed: {message}")]
    Parse {
        /// The operation.
        operation: String,
        /// naga's message, with the place.
        message: String,
    },
    /// The file lacks a declaration that the Rust half names.
    #[error("{operation}: its WGSL declares no {what} named {name}")]
    Missing {
        /// The operation.
        operation: String,
        /// Function, constant or variable.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The uniform struct has another number of members than the Rust half gives dims.
    #[error("{operation}: the uniform at binding 0 should have {wanted} members of u32, but has {got}")]
    Dims {
        /// The operation.
        operation: String,
        /// The number of dims.
        wanted: usize,
        /// The number of members; 0 where there is no such struct.
        got: usize,
    },
    /// A function with several outputs does not return a struct with as many members.
    #[error("{operation}: {function} should return a struct of {wanted} members")]
    Outputs {
        /// The operation.
        operation: String,
        /// The function.
        function: String,
        /// The number of outputs.
        wanted: usize,
    },
}

/// Where stored tensors are.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    /// Values that are read from memory.
    pub values: HashMap<Value, Location>,
    /// What dispatches write.
    pub destinations: HashMap<Destination, Location>,
    /// What is a part of a pack.
    pub packed: HashMap<Destination, Room>,
}

/// What a pack has behind a part that is no multiple of four elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Nothing up to the next multiple of four: the part may be stored in whole groups of four.
    Padded,
    /// Another part's elements.
    Exact,
}

const ELEMENTWISE: &str = include_str!("elementwise.wgsl");

/// Composes the WGSL of one dispatch.
///
/// # Errors
/// Where a WGSL file and its Rust half disagree.
pub fn compose(
    graph: &Graph,
    lowerings: &[Option<Lowering>],
    group: &Group,
    locations: &Locations,
) -> Result<Composed, ComposeError> {
    let (source, entry, operation) = match &group.anchor {
        Anchor::Kernel { node, kernel, .. } => (kernel.source, kernel.entry, graph.node(*node).name()),
        Anchor::Elementwise { .. } => (ELEMENTWISE, "elementwise", "elementwise"),
    };
    let module = Module::parse(operation, source)?;
    let composer =
        Composer { printer: Printer::new(graph, lowerings, locations, module.uniform_name()?), module, glue: String::new() };
    composer.compose(group, entry)
}

struct Composer<'a> {
    module: Module<'a>,
    printer: Printer<'a>,
    glue: String,
}

impl Composer<'_> {
    fn compose(mut self, group: &Group, entry: &str) -> Result<Composed, ComposeError> {
        match &group.anchor {
            Anchor::Kernel { node, kernel, loads } => self.kernel(*node, kernel, loads, group)?,
            Anchor::Elementwise { shape } => self.elementwise(shape, &group.slots[0])?,
        }
        self.module.extend_dims(self.printer.offsets().len())?;
        let mut source = self.module.edited();
        for file in self.printer.sources() {
            source.push_str(&format!("\n{file}"));
        }
        let bindings: &Bindings = self.printer.bindings();
        source.push_str(&format!("\n// Glue.\n\n{}{}", bindings.declarations(), self.glue));
        Ok(Composed { source, entry: entry.to_owned(), bindings: bindings.list(), offsets: self.printer.offsets() })
    }

    fn elementwise(&mut self, shape: &Shape, slot: &Slot) -> Result<(), ComposeError> {
        let mut scope = Scope::hoisting();
        self.epilogue(slot, &At::hook(shape), &mut scope)?;
        self.module.replace_function("elementwise_prepare", "")?;
        self.module.replace_function("elementwise_block", "")?;
        let (prepare, privates) = scope.prepared();
        self.glue.push_str(&privates);
        self.push_function("elementwise_prepare()", &prepare, "");
        self.push_function("elementwise_block(row: u32, column: u32)", &scope.body(), "");
        Ok(())
    }

    fn kernel(&mut self, node: NodeId, kernel: &Kernel, loads: &[Operand], group: &Group) -> Result<(), ComposeError> {
        self.module.check_dims(kernel.dims.len())?;
        for &(name, literal) in &kernel.constants {
            self.module.set_constant(name, literal)?;
        }
        let graph = self.printer.graph;
        for (index, ((hook, operand), &input)) in kernel.loads.iter().zip(loads).zip(&graph.node(node).inputs).enumerate() {
            let seen = operand_view(graph, node, index).map_or_else(|| graph.kind(input).shape.clone(), |(_, shape)| shape);
            self.load(hook, operand, &seen)?;
        }
        for (output, (hook, slot)) in kernel.stores.iter().zip(&group.slots).enumerate() {
            self.store(hook, slot, graph.node(node).output(output))?;
        }
        for &(index, value) in &group.sums {
            let hook = &kernel.sums[index];
            self.module.set_constant(hook.flag, crate::op::Literal::Bool(true))?;
            self.module.replace_function(hook.function, "")?;
            let store = self.printer.store_one(&Destination::Value(value), "index", "value");
            self.push_function(&format!("{}(index: u32, value: f32)", hook.function), &store, "");
        }
        Ok(())
    }

    fn load(&mut self, hook: &LoadHook, operand: &Operand, shape: &Shape) -> Result<(), ComposeError> {
        let (function, lanes, expression) = match (operand, hook.function) {
            (Operand::Hook(expression), Some((function, lanes))) => (function, lanes, expression),
            (Operand::Bound(value) | Operand::Hook(Expression::Load { value, .. }), _) => {
                return self.bind(hook.variable, *value, false);
            }
            (Operand::Hook(_), None) => return Ok(()),
        };
        self.module.remove_variable(hook.variable)?;
        self.module.replace_function(function, "")?;
        let mut at = At::hook(shape);
        if let Some(row) = hook.row
            && self.fetch_row(row, expression)?
        {
            at = at.with_fetched_row();
        }
        let mut scope = Scope::default();
        let mut result = self.printer.print(expression, lanes, &at, &mut scope)?;
        let kind = self.printer.element(expression, lanes);
        if lanes == Lanes::Four {
            result = text::inside(&result, kind, &at);
        }
        self.push_function(&format!("{function}(row: u32, column: u32) -> {kind}"), &scope.body(), &result);
        Ok(())
    }

    /// Writes the hook for rows where an expression has a use for it, and says so.
    fn fetch_row(&mut self, hook: &str, expression: &Expression) -> Result<bool, ComposeError> {
        let mut scope = Scope::default();
        let row = match self.outer_leaf(expression) {
            Expression::Gather { row, rows, shape, .. } if shape.rank() == 2 => {
                self.printer.picked_row(row, *rows, "row", &mut scope)?
            }
            Expression::Windows { access, windows, .. } => match (Panes { windows, access }).packed_row("row") {
                Some(row) => row,
                None => return Ok(false),
            },
            _ => return Ok(false),
        };
        self.module.replace_function(hook, "")?;
        self.push_function(&format!("{hook}(row: u32) -> u32"), &scope.body(), &row);
        Ok(true)
    }

    /// The gather or the windows at the bottom of an expression in which nothing else depends on the row; the expression
    /// itself otherwise.
    fn outer_leaf<'e>(&self, expression: &'e Expression) -> &'e Expression {
        let mut found = None;
        let mut others = false;
        visit_parts(expression, &mut |part| match part {
            // Its index is made of the row as it was before the fetch.
            Expression::Call { node, .. } => others |= self.printer.takes_index(*node),
            Expression::Gather { .. } | Expression::Windows { .. } if found.is_none() => found = Some(part),
            leaf => others |= !leaf.is_uniform(),
        });
        found.filter(|_| !others).unwrap_or(expression)
    }

    fn store(&mut self, hook: &StoreHook, slot: &Slot, output: Value) -> Result<(), ComposeError> {
        let Some((function, lanes)) = hook.function else {
            return self.bind(hook.variable, output, true);
        };
        self.module.remove_variable(hook.variable)?;
        self.module.replace_function(function, "")?;
        let at = At::hook(&slot.shape);
        let mut scope = Scope::default();
        scope.name(output, "value");
        let kind = match lanes {
            Lanes::Four => {
                self.epilogue(slot, &at, &mut scope)?;
                self.printer.kind(output, Lanes::Four)
            }
            Lanes::One => {
                let index = format!("row * {}u + column", slot.shape.columns());
                for store in &slot.stores {
                    scope.push(self.printer.store_one(&store.destination, &index, "value"));
                }
                self.printer.kind(output, Lanes::One)
            }
        };
        self.push_function(&format!("{function}(row: u32, column: u32, value: {kind})"), &scope.body(), "");
        Ok(())
    }

    /// The operations of a hook's elements, and what it stores of them.
    fn epilogue(&mut self, slot: &Slot, at: &At, scope: &mut Scope) -> Result<(), ComposeError> {
        for member in &slot.members {
            self.printer.member(member, at, scope)?;
        }
        for store in &slot.stores {
            self.printer.store_four(store, at, scope)?;
        }
        Ok(())
    }

    /// Binds a stored tensor under the name that the kernel knows it by.
    fn bind(&mut self, variable: &str, value: Value, writes: bool) -> Result<(), ComposeError> {
        let kind = self.module.take_variable(variable)?;
        self.printer.bind_as(variable, kind, value, writes);
        Ok(())
    }

    fn push_function(&mut self, signature: &str, body: &str, result: &str) {
        let result = if result.is_empty() { String::new() } else { format!("    return {result};\n") };
        self.glue.push_str(&format!("\nfn {signature} {{\n{body}{result}}}\n"));
    }
}

/// Calls `visit` with an expression and all that its operations are called with.
fn visit_parts<'a>(expression: &'a Expression, visit: &mut impl FnMut(&'a Expression)) {
    visit(expression);
    if let Expression::Call { arguments, .. } = expression {
        arguments.iter().for_each(|argument| visit_parts(argument, visit));
    }
}
