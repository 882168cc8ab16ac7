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

    /// The shapes of its inputs, such as `64x784 784x512`, with the type of elements that are no f32, such as `64x784xf16`.
    pub fn shapes(&self) -> String {
        let shape = |input: &TensorType| {
            let dims: Vec<String> = input.shape.dims().iter().map(usize::to_string).collect();
            let shape = if dims.is_empty() { "1".to_owned() } else { dims.join("x") };
            if input.dtype == DType::F32 { shape } else { format!("{shape}x{}", input.dtype) }
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

    /// Inputs of these types, each other than the rest: floats between 0 and 1, or of either sign where the operation's own
    /// cases have such, and integers as those have, but none that names a row or column that there is not.
    pub fn case(&self) -> Case {
        let own = self.op.cases();
        let own = |input: usize| own.iter().filter_map(move |case| case.inputs.get(input)).flat_map(|array| &array.data);
        let lengths = self.inputs.iter().map(|kind| kind.shape.dims()).filter(|dims| dims.len() > 1).flatten();
        let shortest = lengths.min().map_or(f64::INFINITY, |&length| length as f64);
        let array = |(input, kind): (usize, &TensorType)| {
            let bits = |index: usize| scrambled(index as u32 ^ (input as u32).wrapping_mul(0x9e37_79b9)) >> 8;
            let share = |index: usize| f64::from(bits(index)) / f64::from(1 << 24);
            let array = match kind.dtype {
                DType::F32 | DType::F16 => {
                    let is_signed = own(input).any(|&element| element < 0.0);
                    let (factor, offset) = if is_signed { (1.8, -0.9) } else { (0.9, 0.05) };
                    Array::from_fn(kind.shape.clone(), |index| factor * share(index) + offset)
                }
                DType::U32 | DType::U8 => {
                    let count = own(input).fold(0.0, |most: f64, &element| most.max(element + 1.0)).min(shortest);
                    Array::from_fn(kind.shape.clone(), |index| (share(index) * count).floor())
                }
            };
            // As near to them as the type comes.
            HostTensor::from_array(&Array { kind: kind.clone(), ..array }).to_array()
        };
        Case { label: self.origin.clone(), inputs: self.inputs.iter().enumerate().map(array).collect(), differentiable: false }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} of {}", self.label(), self.shapes())
    }
}

/// A permutation of the 32-bit integers: lowbias32, from Chris Wellons' "Prospecting for Hash Functions".
fn scrambled(mut bits: u32) -> u32 {
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x7feb_352d);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x846c_a68b);
    bits ^ (bits >> 16)
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
