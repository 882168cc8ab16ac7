//! What a step of a graph does, in both precisions.

use std::sync::Arc;

use wgrad_core::{Array, Graph, GraphError, HostTensor, Shape, TensorType, Tolerance, Value};
use wgrad_reference::{Oracle, Program, ReferenceError, Store, compare};

use crate::operations::{Elementwise, Liar, add, mul, square, square_rule, sum};

fn vector(data: &[f32]) -> HostTensor {
    HostTensor::F32(Shape::from([data.len()]), data.to_vec())
}

/// Momentum on the squared length of `position - target`, and what it is asked for.
fn descent() -> Result<Graph, GraphError> {
    let mut graph = Graph::new();
    let target = graph.input("target", TensorType::f32([3]));
    let position = graph.state("position", vector(&[1.0, -2.0, 0.5]))?;
    let velocity = graph.state("velocity", vector(&[0.0; 3]))?;
    let (minus, rate) = (graph.scalar(-1.0), graph.scalar(-0.1));
    let negative = mul(&mut graph, target, minus)?;
    let difference = add(&mut graph, position, negative)?;
    let squares = mul(&mut graph, difference, difference)?;
    let length = sum(&mut graph, squares)?;
    let pull = mul(&mut graph, difference, rate)?;
    let faster = add(&mut graph, velocity, pull)?;
    let moved = add(&mut graph, position, faster)?;
    graph.set_next(position, moved)?;
    graph.set_next(velocity, faster)?;
    graph.set_output("length", length);
    Ok(graph)
}

fn program(graph: &Graph) -> (Program, Store) {
    let mut store = Store::new();
    store.add(graph).unwrap();
    (Program::new(graph).unwrap(), store)
}

#[test]
fn a_program_follows_the_oracle_for_many_steps() {
    let graph = descent().unwrap();
    let (program, mut store) = program(&graph);
    let mut oracle = Oracle::new(&graph).unwrap();
    let target = vector(&[0.25, 3.0, -1.0]);
    oracle.write("target", target.to_array()).unwrap();
    store.write("target", target).unwrap();
    let mut lengths = Vec::new();
    for _ in 0..20 {
        let (wanted, got) = (oracle.step().unwrap(), program.step(&mut store).unwrap());
        compare(&got["length"], &wanted["length"], Tolerance::default()).unwrap();
        lengths.push(wanted["length"].data[0]);
    }
    for state in ["position", "velocity"] {
        compare(store.read(state).unwrap(), oracle.read(state).unwrap(), Tolerance::default()).unwrap();
    }
    // The first two by hand: 0.5625 + 25 + 2.25, then 0.9² times that.
    assert_eq!(lengths[0], 27.8125);
    assert!((lengths[1] - 27.8125 * 0.81).abs() < 1e-6, "{lengths:?}");
}

#[test]
fn all_readers_see_the_states_before_the_step() {
    let mut graph = Graph::new();
    let left = graph.state("left", vector(&[1.0])).unwrap();
    let right = graph.state("right", vector(&[2.0])).unwrap();
    graph.set_next(left, right).unwrap();
    graph.set_next(right, left).unwrap();
    graph.set_output("left", left);
    let (program, mut store) = program(&graph);
    let mut oracle = Oracle::new(&graph).unwrap();
    for shown in [1.0, 2.0, 1.0] {
        assert_eq!(*program.step(&mut store).unwrap()["left"], vector(&[shown]));
        assert_eq!(oracle.step().unwrap()["left"].data, [f64::from(shown)]);
    }
    assert_eq!(**store.read("right").unwrap(), vector(&[1.0]));
    assert_eq!(oracle.read("right").unwrap().data, [1.0]);
}

#[test]
fn programs_share_states_and_nothing_is_copied() {
    let training = descent().unwrap();
    let mut showing = Graph::new();
    let position = showing.state("position", vector(&[9.0; 3])).unwrap();
    showing.set_output("position", position);
    let (train, mut store) = program(&training);
    store.add(&showing).unwrap();
    let show = Program::new(&showing).unwrap();

    let target = Arc::new(vector(&[1.0, -2.0, 0.5]));
    store.write("target", target.clone()).unwrap();
    assert!(Arc::ptr_eq(store.read("target").unwrap(), &target));
    train.step(&mut store).unwrap();
    assert_eq!(*show.step(&mut store).unwrap()["position"], *target, "the first graph's initial value was kept");
    assert!(Arc::ptr_eq(&show.step(&mut store).unwrap()["position"], store.read("position").unwrap()));
}

#[test]
fn an_input_that_nothing_needs_may_stay_unwritten_and_another_may_not() {
    let mut graph = Graph::new();
    let needed = graph.input("needed", TensorType::f32([2]));
    let ignored = graph.input("ignored", TensorType::f32([2]));
    mul(&mut graph, ignored, ignored).unwrap();
    graph.set_output("needed", needed);
    let (program, mut store) = program(&graph);
    let mut oracle = Oracle::new(&graph).unwrap();

    let missing = ReferenceError::NotWritten { name: "needed".to_owned(), wanted: TensorType::f32([2]) };
    assert_eq!(program.step(&mut store).unwrap_err(), missing);
    assert_eq!(oracle.step().unwrap_err(), missing);
    store.write("needed", vector(&[1.0, 2.0])).unwrap();
    oracle.write("needed", Array::from_fn([2], |i| i as f64)).unwrap();
    assert_eq!(*program.step(&mut store).unwrap()["needed"], vector(&[1.0, 2.0]));
    assert_eq!(oracle.step().unwrap()["needed"].data, [0.0, 1.0]);
}

#[test]
fn wrong_names_types_and_lengths_are_refused() {
    let graph = descent().unwrap();
    let (_, mut store) = program(&graph);
    let mut oracle = Oracle::new(&graph).unwrap();
    let unknown = ReferenceError::UnknownName { name: "aim".to_owned(), known: "position, target, velocity".to_owned() };
    assert_eq!(store.write("aim", vector(&[0.0])).unwrap_err(), unknown);
    assert_eq!(oracle.write("aim", Array::from_fn([1], |_| 0.0)).unwrap_err(), unknown);

    let four = store.write("target", vector(&[0.0; 4])).unwrap_err();
    assert_eq!(four.to_string(), "target: wanted f32[3], got f32[4]");
    assert_eq!(oracle.write("target", Array::from_fn([4], |_| 0.0)).unwrap_err(), four);
    let short = store.write("target", HostTensor::F32(Shape::from([3]), vec![0.0])).unwrap_err();
    assert_eq!(short.to_string(), "target: f32[3] wants 3 elements, got 1");
    assert!(oracle.write("target", Array { kind: TensorType::f32([3]), data: vec![0.0] }).is_err());
}

#[test]
fn graphs_that_disagree_about_a_name_are_refused() {
    let mut graph = Graph::new();
    let first = graph.input("same", TensorType::f32([2]));
    graph.set_output("same", first);
    let (program, mut store) = program(&graph);
    let mut other = Graph::new();
    other.input("new", TensorType::f32([1]));
    other.input("same", TensorType::u32([2]));
    let error = store.add(&other).unwrap_err();
    assert_eq!(error.to_string(), "same: wanted f32[2], got u32[2]");
    assert_eq!(store.names().collect::<Vec<_>>(), ["same"], "part of the graph was added");

    let mut elsewhere = Store::new();
    elsewhere.add(&other).unwrap();
    elsewhere.write("same", HostTensor::U32(Shape::from([2]), vec![0; 2])).unwrap();
    assert!(matches!(program.step(&mut elsewhere), Err(ReferenceError::Type { .. })));

    graph.input("same", TensorType::f32([2]));
    assert_eq!(Oracle::new(&graph).unwrap_err(), ReferenceError::DuplicateName { name: "same".to_owned() });
}

#[test]
fn a_store_without_a_state_that_only_changes_is_refused() {
    let mut graph = Graph::new();
    let written = graph.input("written", TensorType::f32([1]));
    let kept = graph.state("kept", vector(&[0.0])).unwrap();
    graph.set_next(kept, written).unwrap();
    let mut only_input = Graph::new();
    only_input.input("written", TensorType::f32([1]));
    let (_, mut store) = program(&only_input);
    store.write("written", vector(&[1.0])).unwrap();
    let error = Program::new(&graph).unwrap().step(&mut store).unwrap_err();
    assert!(matches!(error, ReferenceError::UnknownName { name, .. } if name == "kept"));
}

/// An output that `host` computes as twice its input, and the reference as its square.
fn host_graph(host_computes: bool) -> Graph {
    let mut graph = Graph::new();
    let three = graph.state("three", vector(&[3.0])).unwrap();
    let op = Elementwise { host: Some(|x| 2.0 * x), host_computes, ..square(square_rule) };
    let output = graph.apply_one(op, &[three]).unwrap();
    graph.set_output("output", output);
    graph
}

#[test]
fn a_program_runs_the_host_function_and_an_oracle_does_not() {
    let (program, mut store) = program(&host_graph(true));
    assert_eq!(*program.step(&mut store).unwrap()["output"], vector(&[6.0]));
    assert_eq!(Oracle::new(&host_graph(true)).unwrap().step().unwrap()["output"].data, [9.0]);
}

#[test]
fn a_host_function_that_declines_leaves_the_reference_to_compute() {
    let (program, mut store) = program(&host_graph(false));
    assert_eq!(*program.step(&mut store).unwrap()["output"], vector(&[9.0]));
}

#[test]
fn an_operation_that_computes_another_type_is_named_and_states_stay() {
    let mut graph = Graph::new();
    let state = graph.state("state", vector(&[1.0])).unwrap();
    let next = mul(&mut graph, state, state).unwrap();
    let liar = Liar { computes: TensorType::f32([2]) };
    let lie = graph.scoped("layer", |graph| graph.apply_one(liar, &[next])).unwrap();
    graph.set_next(state, lie).unwrap();
    let (program, mut store) = program(&graph);
    let error = program.step(&mut store).unwrap_err();
    assert_eq!(error.to_string(), "layer.liar (%2): output 0 should be f32[1], but is f32[2]");
    let mut oracle = Oracle::new(&graph).unwrap();
    assert_eq!(oracle.step().unwrap_err(), error);
    assert_eq!(**store.read("state").unwrap(), vector(&[1.0]));
    assert_eq!(oracle.read("state").unwrap().data, [1.0]);
}

/// A third squared and its double, with the square's value.
fn rounding_graph() -> (Graph, Value) {
    let mut graph = Graph::new();
    let third = graph.input("third", TensorType::f32([1]));
    let square = mul(&mut graph, third, third).unwrap();
    let twice = add(&mut graph, square, square).unwrap();
    graph.set_output("twice", twice);
    (graph, square)
}

fn third() -> Array {
    Array { kind: TensorType::f32([1]), data: vec![1.0 / 3.0] }
}

#[test]
fn values_are_freed_after_their_last_use_unless_kept() {
    let (graph, square) = rounding_graph();
    let mut freeing = Oracle::new(&graph).unwrap();
    let mut keeping = freeing.clone().keeping_values();
    for oracle in [&mut freeing, &mut keeping] {
        oracle.write("third", third()).unwrap();
        oracle.step().unwrap();
    }
    assert_eq!(freeing.value(square), None);
    assert_eq!(keeping.value(square).unwrap().data, [1.0 / 9.0]);
    let (output, foreign) = (graph.outputs()[0].1, Value { output: 7, ..square });
    assert_eq!(freeing.value(output).unwrap().data, [2.0 / 9.0]);
    assert_eq!(keeping.value(foreign), None);
}

#[test]
fn rounding_follows_every_operation() {
    let (graph, _) = rounding_graph();
    let mut exact = Oracle::new(&graph).unwrap();
    let mut rounding = exact.clone().rounding();
    exact.write("third", third()).unwrap();
    rounding.write("third", third()).unwrap();
    let (third, wanted) = (1.0_f32 / 3.0, 2.0 / 9.0);
    assert_eq!(exact.step().unwrap()["twice"].data, [wanted]);
    assert_eq!(rounding.step().unwrap()["twice"].data, [f64::from(third * third * 2.0)]);
    assert_ne!(f64::from(third * third * 2.0), wanted);
}
