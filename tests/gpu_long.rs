//! Sizes at which loops are longer than some drivers run them, and dispatches longer than a row of workgroups: what the
//! adapter computes is what the CPU does, or an error.

#[path = "support/adapter.rs"]
mod adapter;

use adapter::adapter;
use wgrad::prelude::*;

/// Numbers between -1 and 1 that repeat after 251.
fn numbers(dims: &[usize]) -> Tensor {
    let elements = dims.iter().product();
    Tensor::f32(dims.to_vec(), (0..elements).map(|index: usize| (index * 97 % 251) as f32 / 125.0 - 1.0).collect()).unwrap()
}

/// Computes the same on both, and compares: each element to a share of the largest.
fn check(name: &str, share: f32, compute: impl Fn(&Trace) -> Var) {
    let [ours, wanted] = [adapter(), Device::cpu()].map(|device| compute(&Trace::on(&device)).evaluate());
    let (ours, wanted) = (ours.unwrap_or_else(|error| panic!("{name}: {error}")), wanted.unwrap());
    assert_eq!(ours.shape(), wanted.shape(), "{name}");
    let (ours, wanted) = (ours.to_vec(), wanted.to_vec());
    let largest = wanted.iter().fold(0.0_f32, |largest, element| largest.max(element.abs()));
    let differs = |(ours, wanted): &(&f32, &f32)| {
        let difference = (*ours - *wanted).abs();
        difference.is_nan() || difference > share * largest
    };
    if let Some((place, (ours, wanted))) = ours.iter().zip(&wanted).enumerate().find(|(_, pair)| differs(pair)) {
        panic!("{name}: element {place} is {ours}, wanted {wanted} of at most {largest}");
    }
}

#[test]
fn long_rows_are_gone_through_to_their_end() {
    // Three rows, of which one invocation of a software adapter would go through all.
    let long = numbers(&[3, 131_000]);
    let last: Vec<f32> = (0..393_000).map(|index| if index % 131_000 == 130_999 { 5.0 } else { 0.0 }).collect();
    let last = Tensor::f32([3, 131_000], last).unwrap();
    check("sum", 1e-5, |graph| graph.constant(last.clone()).sum_axes(&[1], false));
    check("max", 0.0, |graph| graph.constant(last.clone()).max_axes(&[1], false));
    check("argmax", 0.0, |graph| graph.constant(last.clone()).argmax());
    check("softmax", 1e-4, |graph| graph.constant(long.clone()).softmax(1));
    check("log_softmax", 1e-5, |graph| graph.constant(long.clone()).log_softmax(1));
    check("softmax down", 1e-4, |graph| graph.constant(long.clone()).t().softmax(0));
    let normalised = |graph: &Trace| graph.constant(long.clone()).layer("norm", &LayerNorm::new(131_000)).unwrap();
    check("layer_norm", 1e-4, normalised);
    let gradient = |graph: &Trace| {
        let x = graph.constant(long.clone());
        (x.softmax(1) * graph.constant(last.clone())).sum().gradient(&x)
    };
    check("softmax gradient", 1e-4, gradient);
}

/// Of as many tokens as there are in a large batch, all may be the same.
#[test]
fn gradients_of_tables_count_all_tokens() {
    for (vocabulary, distinct) in [(50, 50), (4, 1)] {
        let tokens = (0..65_536).map(|index: u32| index * 7919 % distinct).collect();
        let (tokens, upstream) = (Tensor::u32([65_536], tokens).unwrap(), numbers(&[65_536, 32]));
        check(&format!("{distinct} of {vocabulary}"), 1e-5, |graph| {
            let table = graph.constant(Tensor::zeros([vocabulary, 32]));
            let picked = table.rows(&graph.constant(tokens.clone()));
            (picked * graph.constant(upstream.clone())).sum().gradient(&table)
        });
    }
}

#[test]
fn what_no_kernel_can_go_through_is_an_error() {
    let pool = |side| {
        let graph = Trace::on(&adapter());
        graph.constant(numbers(&[1, 1, side, side])).layer("pool", &AdaptiveAvgPool2d::new(1)).and_then(|mean| mean.evaluate())
    };
    assert!(pool(200).is_ok());
    if adapter().kind() == wgrad::DeviceKind::Software {
        let error = pool(1100).unwrap_err().to_string();
        assert!(error.contains("avg_pool2d needs 1210000 rounds of a loop; wanted 65535 at most"), "{error}");
    }
}

#[test]
fn more_workgroups_than_fit_into_a_row() {
    check("matmul", 1e-6, |graph| graph.constant(numbers(&[66_000, 2, 3])).matmul(&graph.constant(numbers(&[66_000, 3, 2]))));
    check("max_pool2d", 0.0, |graph| graph.constant(numbers(&[33_000, 4, 2, 64])).layer("pool", &MaxPool2d::new(1)).unwrap());
    check("elementwise", 1e-6, |graph| (graph.constant(numbers(&[5_000_000])) * 3.0).tanh());
}
