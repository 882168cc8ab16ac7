//! Small operations, right and wrong.

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value,
};

/// The gradient of each input, given that of the first output.
pub type Rule = fn(&mut Graph, &Node, Value) -> Result<Vec<Option<Value>>, GraphError>;

/// Functions, one for each output, of the elements at one index; inputs broadcast to the first one's shape.
#[derive(Clone, Debug)]
pub struct Elementwise {
    pub functions: &'static [fn(&[f64]) -> f64],
    pub rule: Rule,
    /// What `host` computes instead of the only function.
    pub host: Option<fn(f32) -> f32>,
    /// Whether `host` says that it has computed.
    pub host_computes: bool,
}

impl Elementwise {
    pub fn new(functions: &'static [fn(&[f64]) -> f64], rule: Rule) -> Self {
        Self { functions, rule, host: None, host_computes: true }
    }
}

impl Op for Elementwise {
    fn name(&self) -> &'static str {
        "elementwise"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let kind = TensorType::f32(inputs[0].shape.clone());
        Ok(vec![kind; self.functions.len()])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        upstream[0].map_or(Ok(vec![None; at.inputs.len()]), |upstream| (self.rule)(graph, at, upstream))
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new("", "elementwise"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        for (function, output) in self.functions.iter().zip(outputs) {
            for index in 0..output.data.len() {
                let at = |input: &Array| input.data[input.broadcast_index(&output.kind.shape, index)];
                let arguments: Vec<f64> = inputs.iter().map(at).collect();
                output.data[index] = function(&arguments);
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (Some(host), HostTensor::F32(_, input), HostTensor::F32(_, output)) = (self.host, inputs[0], &mut outputs[0]) else {
            return false;
        };
        for (output, input) in output.iter_mut().zip(input) {
            *output = host(*input);
        }
        self.host_computes
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

/// The sum of all elements.
#[derive(Debug)]
struct Sum;

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, _: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![TensorType::f32([])])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let Some(upstream) = upstream[0] else {
            return Ok(vec![None]);
        };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        let ones = graph.constant(HostTensor::from_array(&Array::from_fn(shape, |_| 1.0)))?;
        Ok(vec![Some(mul(graph, ones, upstream)?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Kernels(Vec::new())
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        outputs[0].data[0] = inputs[0].data.iter().sum();
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

/// Says that its output is of one type, and computes another.
#[derive(Debug)]
pub struct Liar {
    pub computes: TensorType,
}

impl Op for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![inputs[0].clone()])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Kernels(Vec::new())
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, _: &[Array], outputs: &mut [Array]) {
        outputs[0] = Array::zeros(self.computes.clone());
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

pub fn add(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    let rule: Rule = |_, _, upstream| Ok(vec![Some(upstream); 2]);
    graph.apply_one(Elementwise::new(&[|at| at[0] + at[1]], rule), &[left, right])
}

/// One addition after another.
pub fn accumulate(graph: &mut Graph, terms: &[Value]) -> Result<Value, GraphError> {
    terms[1..].iter().try_fold(terms[0], |total, &term| add(graph, total, term))
}

pub fn mul(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(product(product_rule), &[left, right])
}

pub fn sum(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Sum, &[input])
}

pub fn product(rule: Rule) -> Elementwise {
    Elementwise::new(&[|at| at[0] * at[1]], rule)
}

pub fn product_rule(graph: &mut Graph, at: &Node, upstream: Value) -> Result<Vec<Option<Value>>, GraphError> {
    let left = mul(graph, upstream, at.inputs[1])?;
    let right = match graph.kind(at.inputs[1]).dtype {
        DType::F32 => Some(mul(graph, upstream, at.inputs[0])?),
        DType::F16 | DType::U32 | DType::U8 => None,
    };
    Ok(vec![Some(left), right])
}

pub fn square(rule: Rule) -> Elementwise {
    Elementwise::new(&[|at| at[0] * at[0]], rule)
}

pub fn square_rule(graph: &mut Graph, at: &Node, upstream: Value) -> Result<Vec<Option<Value>>, GraphError> {
    let twice = add(graph, at.inputs[0], at.inputs[0])?;
    Ok(vec![Some(mul(graph, twice, upstream)?)])
}
