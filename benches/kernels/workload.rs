//! What is measured: operations, and the types of their inputs.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use wgrad::core::op::AdapterClass;
use wgrad::core::{Array, Case, DType, HostTensor, Kind, Op, TensorType};
use wgrad::ops;
use wgrad::prelude::*;

use crate::networks::{NETWORKS, Network};

/// An operation and the types of its inputs.
#[derive(Clone, Debug)]
pub struct Workload {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<TensorType>,
    /// The network that has it, `square`, or the label of the case that it is.
    pub origin: String,
}

impl Workload {
    fn new(op: Arc<dyn Op>, inputs: Vec<TensorType>, origin: &str) -> Self {
        Self { op, inputs, origin: origin.to_owned() }
    }

    /// The shapes of its inputs, such as `64x784 784x512`, or `64x784xf16` where they are of f16.
    pub fn shapes(&self) -> String {
        let shape = |input: &TensorType| {
            let dims: Vec<String> = input.shape.dims().iter().map(usize::to_string).collect();
            let shape = if dims.is_empty() { "1".to_owned() } else { dims.join("x") };
            if input.dtype == DType::F16 { format!("{shape}xf16") } else { shape }
        };
        self.inputs.iter().map(shape).collect::<Vec<_>>().join(" ")
    }

    /// The operation, and which of its attributes are switched on, such as `matmul transpose_rhs`.
    pub fn label(&self) -> String {
        let text = self.operation();
        let words: Vec<&str> = text.split([' ', ',', '{', '}', '(', ')']).filter(|word| !word.is_empty()).collect();
        let switched_on = words.windows(2).filter(|pair| pair[1] == "true").map(|pair| pair[0].trim_end_matches(':'));
        [self.op.name()].into_iter().chain(switched_on).collect::<Vec<_>>().join(" ")
    }

    /// The operation with its attributes, as it prints itself.
    pub fn operation(&self) -> String {
        format!("{:?}", self.op)
    }

    /// Inputs of these types: floats between 0 and 1, or of either sign where the operation's own cases have such, and
    /// integers of 0, which name something wherever they name anything.
    pub fn case(&self) -> Case {
        let own = self.op.cases();
        let is_below_0 = |array: &Array| array.data.iter().any(|&element| element < 0.0);
        let is_signed = |input: usize| own.iter().any(|case| case.inputs.get(input).is_some_and(is_below_0));
        let hash = |index: usize| ((index as u32).wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995) >> 8;
        let floats = |index: usize| 0.05 + 0.9 * f64::from(hash(index)) / f64::from(1 << 24);
        let array = |(input, kind): (usize, &TensorType)| {
            if !matches!(kind.dtype, DType::F32 | DType::F16) {
                return Array::zeros(kind.clone());
            }
            let (factor, offset) = if is_signed(input) { (2.0, -1.0) } else { (1.0, 0.0) };
            let floats = Array::from_fn(kind.shape.clone(), |index| factor * floats(index) + offset);
            // As near to them as the type comes.
            HostTensor::from_array(&Array { kind: kind.clone(), ..floats }).to_array()
        };
        Case { label: self.origin.clone(), inputs: self.inputs.iter().enumerate().map(array).collect(), differentiable: false }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} of {}", self.op.name(), self.shapes())
    }
}

/// All workloads, each once: those of the networks' steps, square ones, and the most awkward case of each operation.
pub fn workloads(class: AdapterClass) -> Result<Vec<Workload>> {
    let mut all = Vec::new();
    for network in &NETWORKS {
        all.extend(of_network(network)?);
    }
    let mut kinds = HashSet::new();
    let of_own =
        |op: &Arc<dyn Op>| [square(op, DType::F32, class), square(op, DType::F16, class), awkward(op)].into_iter().flatten();
    let own: Vec<Workload> = ops::examples().iter().flat_map(of_own).collect();
    // Examples that differ by numbers alone have the same kernels.
    let kind = |workload: &Workload| {
        let dtypes: Vec<DType> = workload.inputs.iter().map(|input| input.dtype).collect();
        (workload.label(), workload.origin == SQUARE, dtypes)
    };
    all.extend(own.into_iter().filter(|workload| kinds.insert(kind(workload))));
    let mut known = HashSet::new();
    all.retain(|workload| known.insert((workload.operation(), workload.inputs.clone())));
    all.sort_by_key(|workload| workload.op.name());
    Ok(all)
}

/// The operations of a step of training, one by one.
fn of_network(network: &Network) -> Result<Vec<Workload>> {
    let options = Options { batch_size: network.batch, ..Options::default() };
    let mut trainer = Trainer::new(&Device::cpu(), (network.model)(), CrossEntropyLoss, Adam::new(0.001), options)?;
    trainer.prepare(&network.data(network.batch)?, None)?;
    let workloads = trainer.graphs().flat_map(|(_, graph)| {
        graph.nodes().iter().filter_map(|node| {
            let Kind::Op(op) = &node.kind else { return None };
            let inputs = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
            Some(Workload::new(op.clone(), inputs, network.name))
        })
    });
    Ok(workloads.collect())
}

/// The operation on square matrices of f32 or f16, where it takes any: of 64 MiB of f32 each, or what a processor makes of a
/// matrix product in a while.
fn square(op: &Arc<dyn Op>, dtype: DType, class: AdapterClass) -> Option<Workload> {
    let first = op.cases().into_iter().next()?;
    let edges: &[usize] = if class == AdapterClass::Software { &[1024, 512] } else { &[4096] };
    let most = first.inputs.iter().map(|input| input.kind.shape.rank()).max()?;
    edges.iter().find_map(|&edge| {
        let grow = |kind: &TensorType| match (kind.dtype, kind.shape.rank()) {
            (DType::F32 | DType::F16, rank) if rank == most => TensorType::new(dtype, [edge, edge]),
            _ => kind.clone(),
        };
        let inputs: Vec<TensorType> = first.inputs.iter().map(|input| grow(&input.kind)).collect();
        let is_square = inputs.iter().any(|input| input.shape.dims() == [edge, edge]);
        let is_taken = op.infer(&inputs).is_ok() && op.flops(&inputs) < LARGEST[usize::from(class == AdapterClass::Gpu)];
        (is_square && is_taken).then(|| Workload::new(op.clone(), inputs, SQUARE))
    })
}

/// The origin of workloads on square matrices.
const SQUARE: &str = "square";

/// The most operations of a square workload, on software and on a GPU.
const LARGEST: [u64; 2] = [1 << 29, 1 << 38];

/// The largest of the operation's cases, whose sizes are awkward ones.
fn awkward(op: &Arc<dyn Op>) -> Option<Workload> {
    let elements = |case: &Case| case.inputs.iter().map(|input| input.data.len()).sum::<usize>();
    let largest = op.cases().into_iter().max_by_key(elements)?;
    let inputs = largest.inputs.iter().map(|input| input.kind.clone()).collect();
    Some(Workload::new(op.clone(), inputs, &largest.label))
}
