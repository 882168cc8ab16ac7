//! Dispatches of more workgroups than fit into a row: every kernel that may have as many, at shapes at which it has hardly more,
//! against its operation's reference in double precision.

#[path = "support/planted.rs"]
mod planted;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use planted::Planted;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Target, plan};
use wgrad::core::{Array, DType, Graph, HostTensor, Kernel, Lowering, Op, TensorType};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops::{self, Attention, AvgPool2d, Conv2d, MaxPool2d, PoolAxis};
use wgrad::parity;

/// Workgroups of a row, by WebGPU's default limits.
const ROW: usize = 65_535;

/// Entry points that never have so many, each with the class of adapter, and why.
const NEVER: [(&str, AdapterClass, &str); 7] = [
    ("gru_cell_gradient", AdapterClass::Software, "[8388481, 6, 1] is more than 128 MiB"),
    ("lstm_cell", AdapterClass::Software, "[8388481, 5, 1] is more than 128 MiB"),
    ("lstm_cell_gradient", AdapterClass::Software, "[8388481, 5, 1] is more than 128 MiB"),
    ("moments_merge_serial", AdapterClass::Software, "only matrices of less than 1,024 columns have chunks"),
    ("moments_merge", AdapterClass::Gpu, "only matrices of less than 1,024 columns have chunks"),
    ("record", AdapterClass::Gpu, "it has one workgroup"),
    ("record", AdapterClass::Software, "it has one workgroup"),
];

/// An operation, and what it is given.
struct Case {
    op: Arc<dyn Op>,
    inputs: Vec<TensorType>,
    /// What whole numbers are below: four from 0 to one less.
    bound: usize,
}

fn case<const N: usize>(op: impl Op, inputs: [TensorType; N]) -> Case {
    Case { op: Arc::new(op), inputs: inputs.into(), bound: 2 }
}

/// Of f32.
fn f<const N: usize>(shape: [usize; N]) -> TensorType {
    TensorType::f32(shape)
}

/// Of one of the examples, which has no public constructor.
fn example<const N: usize>(text: &str, inputs: [TensorType; N]) -> Case {
    let op = ops::examples().into_iter().find(|op| format!("{op:?}") == text);
    Case { op: op.unwrap_or_else(|| panic!("there is no {text}")), inputs: inputs.into(), bound: 2 }
}

fn sums_of_rows(rows: usize, count: usize) -> Case {
    let op = ops::ScatterRows { rows, chunks: 1 };
    Case { bound: rows, ..case(op, [f([count, 1]), TensorType::u32([count])]) }
}

const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1] };

/// Convolutions of images of one pixel, and their gradients; the weights of as many filters.
fn convolutions(n: usize) -> [Case; 3] {
    let input_gradient = ops::Conv2dInputGradient { of: PLAIN, pixels: [1, 1] };
    let weight_gradient = ops::Conv2dWeightGradient { of: PLAIN, taps: [1, 1], parts: 1 };
    [
        case(PLAIN, [f([n, 1, 1, 1]), f([1, 1, 1, 1])]),
        case(input_gradient, [f([n, 1, 1, 1]), f([1, 1, 1, 1])]),
        case(weight_gradient, [f([1, 1, 1, n]), f([1, 1, 1, 1])]),
    ]
}

/// Attention of one query to two keys, and its gradients.
fn attentions(n: usize) -> [Case; 3] {
    let op = Attention { scale: 0.7, causal: false };
    let [query, key, pairs] = [f([n, 1, 1]), f([n, 2, 1]), f([n, 1, 2])];
    let inputs = [query.clone(), key.clone(), key, pairs.clone(), pairs];
    let [a, b, c, d, e] = inputs.clone();
    let of_gradient = [a, b, c, d, e, query, f([n, 1, 4])];
    [
        case(op, inputs),
        case(ops::AttentionQueryGradient(op), of_gradient.clone()),
        case(ops::AttentionKeyGradient(op), of_gradient),
    ]
}

/// Those for software adapters, and those for any.
fn on_software() -> Vec<Case> {
    // Eight invocations, each with a row or a block of four columns.
    let n = 8 * ROW + 1;
    let mut cases = vec![
        case(ops::Argmax, [f([n, 3])]),
        case(ops::Softmax { log: false }, [f([n, 3])]),
        case(ops::SoftmaxGradient { log: false }, [f([n, 3]), f([n, 3])]),
        case(ops::LayerNorm { epsilon: 1e-2 }, [f([n, 3])]),
        case(ops::LayerNormGradient, [f([n, 3]), f([n, 3]), f([n])]),
        case(ops::Sum { axis: 1 }, [f([n, 2, 1])]),
        case(ops::BatchNormSums { chunk: 2 }, [f([2 * n, 1]), f([2 * n, 1]), f([1])]),
        example("PartialMoments { chunk: 8 }", [f([8 * n, 1])]),
    ];
    cases.extend(attentions(n));
    // With four rows each.
    let n = 32 * ROW + 1;
    cases.push(case(ops::Sum { axis: 1 }, [f([n, 3])]));
    cases.push(example("PartialMax { axis: 1 }", [f([n, 3])]));
    // With sixteen rows each.
    let n = 128 * ROW + 1;
    cases.extend(convolutions(n));
    cases.push(case(ops::GruCell, [f([n, 3, 1]), f([n, 1]), f([3, 1]), f([3, 1])]));
    // Sixty-four invocations.
    let n = 64 * ROW + 1;
    let pair = [PoolAxis::Sliding { kernel: 1, stride: 1, padding: 0 }, PoolAxis::Sliding { kernel: 2, stride: 2, padding: 0 }];
    let (average, largest) = (AvgPool2d { axes: pair }, MaxPool2d { kernel: [1, 2], stride: [1, 2], padding: [0, 0] });
    cases.extend([
        example("PartialMax { axis: 1 }", [f([n, 2, 1])]),
        case(ops::CrossEntropy, [f([n, 2]), TensorType::u32([n])]),
        case(ops::ClassHits, [f([n, 2]), f([n, 2])]),
        case(ops::AttentionStatistics, [f([n, 1]), f([n, 1]), f([n, 2])]),
        case(ops::Lookup, [f([1, n]), TensorType::u32([])]),
        case(average, [f([n, 1, 2, 1])]),
        case(largest, [f([n, 1, 2, 1])]),
        case(ops::AvgPool2dGradient { of: average, pixels: [1, 2] }, [f([n.div_ceil(2), 1, 1, 1])]),
        case(
            ops::MaxPool2dGradient { of: largest, pixels: [1, 2] },
            [f([n.div_ceil(2), 1, 1, 1]), TensorType::u32([n.div_ceil(2), 1, 1, 1])],
        ),
        sums_of_rows(n, 64),
    ]);
    cases
}

fn on_gpus() -> Vec<Case> {
    // A row for each of 256 invocations.
    let n = 256 * ROW + 1;
    let mut cases = vec![
        case(ops::Argmax, [f([n, 2])]),
        case(ops::Softmax { log: false }, [f([n, 2])]),
        case(ops::SoftmaxGradient { log: false }, [f([n, 1]), f([n, 1])]),
        case(ops::LayerNorm { epsilon: 1e-2 }, [f([n, 2])]),
        case(ops::LayerNormGradient, [f([n, 1]), f([n, 1]), f([n])]),
        case(ops::Sum { axis: 1 }, [f([n, 1])]),
        example("PartialMax { axis: 1 }", [f([n, 1])]),
    ];
    // Eight blocks of four columns, each for 32 invocations; and 32, for eight.
    let n = 8 * ROW + 1;
    cases.push(case(ops::Sum { axis: 1 }, [f([n, 17, 1])]));
    cases.push(case(ops::BatchNormSums { chunk: 17 }, [f([17 * n, 1]), f([17 * n, 1]), f([1])]));
    cases.push(example("PartialMoments { chunk: 8 }", [f([8 * (32 * ROW + 1), 1])]));
    // Tiles of 64 rows, and of sixteen.
    cases.extend(convolutions(64 * ROW + 1));
    let n = 16 * ROW + 1;
    cases.extend([
        case(ops::GruCell, [f([n, 3, 1]), f([n, 1]), f([3, 1]), f([3, 1])]),
        case(ops::GruCellGradient, [f([n, 3, 1]), f([3, 1]), f([n, 1]), f([n, 1]), f([n, 4, 1]), f([n, 1])]),
        case(ops::LstmCell, [f([n, 4, 1]), f([n, 1]), f([n, 1]), f([4, 1])]),
        case(ops::LstmCellGradient, [f([n, 4, 1]), f([4, 1]), f([n, 1]), f([n, 1]), f([n, 5, 1]), f([n, 1])]),
    ]);
    // Tiles of sixteen queries or keys.
    cases.extend(attentions(ROW + 1));
    // Sixty-four invocations with eight rows of the table each.
    cases.push(sums_of_rows(512 * ROW + 1, 4));
    cases
}

/// The kernel that an adapter of some class takes.
fn kernel(op: &dyn Op, inputs: &[TensorType], class: AdapterClass) -> Option<Kernel> {
    let Lowering::Kernels(kernels) = op.lowering(inputs) else { return None };
    kernels.into_iter().find(|kernel| kernel.cooperative.is_none() && kernel.class.is_none_or(|known| known == class))
}

/// Numbers that are exact in f32, between -1 and 1, and whole ones.
fn numbers(case: &Case) -> Vec<Array> {
    let of = |(input, kind): (usize, &TensorType)| {
        let element = |index: usize| match kind.dtype {
            DType::F32 => ((index * 97 + 31 * input) % 257) as f64 / 128.0 - 1.0,
            _ => ((case.bound - 1) * (index % 4) / 3) as f64,
        };
        Array { kind: kind.clone(), data: (0..kind.shape.elements()).map(element).collect() }
    };
    case.inputs.iter().enumerate().map(of).collect()
}

/// The kernels that adapters of a class take for some cases, which have more workgroups than a row.
fn large(class: AdapterClass, cases: Vec<Case>) -> Result<Vec<(Case, Kernel)>> {
    let with_kernel = |case: Case| {
        let kernel = kernel(case.op.as_ref(), &case.inputs, class).with_context(|| format!("{:?} has no kernel", case.op))?;
        let workgroups: usize = kernel.workgroups.iter().map(|&count| count as usize).product();
        ensure!(workgroups > ROW, "{} has {workgroups} workgroups", kernel.entry);
        Ok((case, kernel))
    };
    cases.into_iter().map(with_kernel).collect()
}

#[test]
fn kernels_for_software_adapters_agree() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let target = Target { class: AdapterClass::Software, ..device.target() };
    let mut failures = Vec::new();
    for (case, kernel) in large(target.class, on_software())? {
        let outcome = parity::check(&device, &target, Checks::Unchecked, &case.op, &numbers(&case));
        failures.extend(outcome.err().map(|error| format!("{}: {error}", kernel.entry)));
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Two workgroups of the first row and two of the second: all of them would take minutes on a software adapter. What they do
/// not compute is 0.
#[test]
fn corners_of_kernels_for_gpus_agree() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let target = Target { class: AdapterClass::Gpu, ..device.target() };
    let mut failures = Vec::new();
    for (case, kernel) in large(target.class, on_gpus())? {
        let entry = kernel.entry;
        let outcome = corners_agree(&device, &target, &case, kernel);
        failures.extend(outcome.err().map(|error| format!("{entry}: {error}")));
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

fn corners_agree(device: &Device, target: &Target, case: &Case, kernel: Kernel) -> Result<()> {
    let inputs = numbers(case);
    let lowering = Lowering::Kernels(vec![Kernel { workgroups: [2, 2, 1], ..kernel }]);
    let outputs = run(device, target, Arc::new(Planted { op: Arc::clone(&case.op), lowering }), &inputs)?;
    let mut wanted: Vec<Array> = outputs.iter().map(|output| Array::zeros(output.kind.clone())).collect();
    case.op.reference(&inputs, &mut wanted);
    let tolerance = case.op.tolerance(&case.inputs);
    for (output, wanted) in outputs.iter().zip(&wanted) {
        let last = output.data.len() - 1;
        ensure!(wanted.data[0] != 0.0 && wanted.data[last] != 0.0, "the first or the last of {last} would be 0");
        let elements = output.data.iter().zip(&wanted.data).enumerate();
        for (index, (got, wanted)) in elements.filter(|(index, (got, _))| **got != 0.0 || [0, last].contains(index)) {
            let error = (got - wanted).abs();
            ensure!(error <= tolerance.absolute + tolerance.relative * wanted.abs(), "{index} of {last}: {got}, wanted {wanted}");
        }
    }
    Ok(())
}

/// An operation's outputs on a device.
fn run(device: &Device, target: &Target, op: Arc<dyn Op>, inputs: &[Array]) -> Result<Vec<Array>> {
    let mut graph = Graph::new();
    let values: Vec<_> =
        inputs.iter().zip(0..).map(|(input, index)| graph.input(format!("{index}"), input.kind.clone())).collect();
    let outputs = graph.apply_shared(op, &values)?;
    outputs.iter().zip(0..).for_each(|(&output, index)| graph.set_output(format!("{index}"), output));
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let loaded = executor.load_blocking(&plan("corners", &graph, target)?)?;
    for (input, index) in inputs.iter().zip(0..) {
        executor.write_input(&format!("{index}"), &HostTensor::from_array(input))?;
    }
    executor.run_blocking(&[(&loaded, 1)])?;
    (0..outputs.len()).map(|index| Ok(executor.read_output_blocking(&loaded, &format!("{index}"))?.to_array())).collect()
}

#[test]
fn no_kernel_is_left_out() {
    let mut tested: BTreeSet<(String, String)> = BTreeSet::new();
    let mut note = |entry: &str, class: AdapterClass| tested.insert((entry.to_owned(), format!("{class:?}")));
    NEVER.iter().for_each(|(entry, class, _)| _ = note(entry, *class));
    for (class, cases) in [(AdapterClass::Software, on_software()), (AdapterClass::Gpu, on_gpus())] {
        for case in cases {
            let kernel = kernel(case.op.as_ref(), &case.inputs, class).unwrap();
            match kernel.class {
                Some(class) => _ = note(kernel.entry, class),
                None => [AdapterClass::Software, AdapterClass::Gpu].iter().for_each(|&class| _ = note(kernel.entry, class)),
            }
        }
    }
    let mut missing = BTreeSet::new();
    for op in ops::examples() {
        for case in op.cases() {
            let kinds: Vec<TensorType> = case.inputs.iter().map(|input| input.kind.clone()).collect();
            for class in [AdapterClass::Software, AdapterClass::Gpu] {
                missing.extend(kernel(op.as_ref(), &kinds, class).map(|kernel| (kernel.entry.to_owned(), format!("{class:?}"))));
            }
        }
    }
    missing.retain(|known| !tested.contains(known));
    assert!(missing.is_empty(), "{missing:?}");
}
