//! The executor on a real adapter, with plans and kernels written by hand.

use std::sync::Arc;

use wgrad_core::op::Work;
use wgrad_core::plan::{Binding, Buffer, BufferId, Dispatch, Location, Plan, Role, Shader};
use wgrad_core::{DType, HostTensor, Shape, TensorType};
use wgrad_executor::{Checks, Choice, Device, DeviceError, Executor, ExecutorError, wgpu};

const SCALE: &str = "
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read_write> product: array<f32>;
@compute @workgroup_size(8) fn scale(@builtin(global_invocation_id) id: vec3u) {
    if id.x < dims.count { product[id.x] = weight[id.x] * factor[id.x]; }
}";

const DESCEND: &str = "
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> rate: array<f32>;
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
@compute @workgroup_size(8) fn descend(@builtin(global_invocation_id) id: vec3u) {
    if id.x < dims.count { weight[id.x] -= rate[0] * gradient[id.x]; }
}";

const WIDEN: &str = "
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> wide: array<u32>;
@compute @workgroup_size(8) fn widen(@builtin(global_invocation_id) id: vec3u) {
    if id.x < dims.count { wide[id.x] = extractBits(pixels[id.x / 4], 8 * (id.x % 4), 8u); }
}";

fn shader(label: &str, source: &str, writes: &[bool]) -> Arc<Shader> {
    let (label, source) = (label.to_owned(), source.to_owned());
    Arc::new(Shader { entry: label.clone(), label, source, writes: writes.to_vec() })
}

fn buffer(label: &str, role: Role) -> Buffer {
    Buffer { label: label.to_owned(), role, bytes: 16 }
}

/// A dispatch of four elements, of which the last binding is written.
fn dispatch(shader: usize, bindings: &[u32]) -> Dispatch {
    let binding = |(index, &buffer)| Binding { buffer: BufferId(buffer), writes: index + 1 == bindings.len() };
    Dispatch {
        label: format!("dispatch {shader}"),
        shader,
        dims: vec![4],
        bindings: bindings.iter().enumerate().map(binding).collect(),
        workgroups: [1, 1, 1],
        level: shader as u32,
        work: Work { bytes: 48, flops: 4 },
        nodes: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
    }
}

fn vector(values: [f32; 4]) -> HostTensor {
    HostTensor::F32(Shape::from([4]), values.to_vec())
}

fn weight() -> Role {
    Role::State("weight".to_owned(), Arc::new(vector([1.0, 2.0, 4.0, 8.0])))
}

/// `weight -= rate * weight * factor`; the output is the last three elements of `weight * factor`.
fn descent(rate: f32) -> Plan {
    let gradient = Location { buffer: BufferId(2), offset: 1, kind: TensorType::f32([3]) };
    Plan {
        name: format!("descent {rate}"),
        target: device().target(),
        buffers: vec![
            buffer("factor", Role::Input("factor".to_owned(), TensorType::f32([4]))),
            buffer("weight", weight()),
            buffer("gradient", Role::Scratch),
            buffer("rate", Role::Constant(Arc::new(HostTensor::scalar(rate)))),
        ],
        shaders: vec![shader("scale", SCALE, &[false, false, true]), shader("descend", DESCEND, &[false, false, true])],
        dispatches: vec![dispatch(0, &[1, 0, 2]), dispatch(1, &[2, 3, 1])],
        outputs: vec![("gradient".to_owned(), gradient)],
    }
}

fn device() -> Device {
    Device::request_blocking(&Choice::Auto).expect("these tests need an adapter, at least Mesa's llvmpipe")
}

/// An executor whose factor is 1, so that a step of [`descent`] multiplies the weight by 1 - rate.
fn executor_with(rates: &[f32]) -> (Executor, Vec<wgrad_executor::LoadedPlan>) {
    let mut executor = Executor::new(device(), Checks::Checked);
    let plans = rates.iter().map(|&rate| executor.load_blocking(&descent(rate)).unwrap()).collect();
    executor.write_input("factor", &vector([1.0; 4])).unwrap();
    (executor, plans)
}

#[test]
fn steps_change_the_state_and_leave_the_last_output() {
    let (mut executor, plans) = executor_with(&[0.5]);
    executor.run_blocking(&[(&plans[0], 3)]).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([0.125, 0.25, 0.5, 1.0]));
    let gradient = executor.read_output_blocking(&plans[0], "gradient").unwrap();
    assert_eq!(gradient, HostTensor::F32(Shape::from([3]), vec![0.5, 1.0, 2.0]));
}

#[test]
fn unchecked_kernels_compute_the_same() {
    let mut executor = Executor::new(device(), Checks::Unchecked);
    let plan = executor.load_blocking(&descent(0.5)).unwrap();
    executor.write_input("factor", &vector([1.0, 2.0, 0.0, -2.0])).unwrap();
    executor.run_blocking(&[(&plan, 1)]).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([0.5, 0.0, 4.0, 16.0]));
}

#[test]
fn plans_share_states_and_inputs_but_no_constants() {
    let (mut executor, plans) = executor_with(&[0.5, -1.0]);
    executor.run_blocking(&[(&plans[0], 2), (&plans[1], 1), (&plans[0], 0), (&plans[1], 4)]).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([8.0, 16.0, 32.0, 64.0]));
    // A plan that comes later finds the state as it is, not as it was at first.
    let late = executor.load_blocking(&descent(0.75)).unwrap();
    executor.run_blocking(&[(&late, 1)]).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([2.0, 4.0, 8.0, 16.0]));
}

#[test]
fn bytes_lie_four_to_a_word() {
    let pixels = HostTensor::U8(Shape::from([3]), vec![7, 255, 128]);
    let wide = Location { buffer: BufferId(1), offset: 0, kind: TensorType::u32([4]) };
    let tail = Location { buffer: BufferId(0), offset: 1, kind: TensorType::new(DType::U8, [2]) };
    let plan = Plan {
        buffers: vec![
            buffer("pixels", Role::State("pixels".to_owned(), Arc::new(pixels.clone()))),
            buffer("wide", Role::Scratch),
        ],
        shaders: vec![shader("widen", WIDEN, &[false, true])],
        dispatches: vec![dispatch(0, &[0, 1])],
        outputs: vec![("wide".to_owned(), wide), ("tail".to_owned(), tail)],
        ..descent(0.5)
    };
    let mut executor = Executor::new(device(), Checks::Checked);
    let plan = executor.load_blocking(&plan).unwrap();
    executor.run_blocking(&[(&plan, 1)]).unwrap();
    let wide = executor.read_output_blocking(&plan, "wide").unwrap();
    assert_eq!(wide, HostTensor::U32(Shape::from([4]), vec![7, 255, 128, 0]));
    assert_eq!(executor.read_state_blocking("pixels").unwrap(), pixels);
    let tail = executor.read_output_blocking(&plan, "tail").unwrap();
    assert_eq!(tail, HostTensor::U8(Shape::from([2]), vec![255, 128]));
}

#[test]
fn parts_of_bytes_begin_at_words() {
    let bytes = HostTensor::U8(Shape::from([8]), (1..=8).collect());
    let plan = Plan {
        buffers: vec![buffer("bytes", Role::State("bytes".to_owned(), Arc::new(bytes)))],
        shaders: vec![],
        dispatches: vec![],
        outputs: vec![],
        ..descent(0.5)
    };
    let mut executor = Executor::new(device(), Checks::Checked);
    executor.load_blocking(&plan).unwrap();
    let whole = executor.buffer("bytes").unwrap();
    let part = |elements| whole.part(elements, TensorType::new(DType::U8, [2]));
    assert_eq!(part(4).map(|part| part.offset() - whole.offset()), Some(4));
    // A copy from or to them would be refused when the encoder is finished, with all else that it holds.
    for elements in [1, 2, 3, 6, 7, 8] {
        assert_eq!(part(elements), None, "a part from {elements} on");
    }
    assert_eq!(whole.part(usize::MAX - 3, TensorType::u32([2])), None);
    assert_eq!(whole.part(4, TensorType::u32([usize::MAX, 2])), None);
}

#[test]
fn an_epoch_takes_few_submissions_and_reads_nothing_back() {
    let (mut executor, plans) = executor_with(&[0.0]);
    executor.run_blocking(&[(&plans[0], 938)]).unwrap();
    executor.finish_blocking().unwrap();
    let statistics = executor.statistics();
    // About eight on an idle machine; each is shorter where other tests slow the steps down.
    assert!((1..=100).contains(&statistics.submissions), "{statistics:?}");
    assert_eq!(statistics.read_backs, 0);
    executor.read_state_blocking("weight").unwrap();
    assert_eq!(executor.statistics().read_backs, 1);
    assert_eq!(executor.statistics().submissions, statistics.submissions + 1);
}

#[test]
fn no_step_is_lost_between_submissions() {
    let step = 1.0 / 1024.0;
    let mut plan = descent(-step);
    // weight += step * factor, so that every step adds the same.
    plan.dispatches = vec![dispatch(1, &[0, 3, 1])];
    let mut executor = Executor::new(device(), Checks::Checked);
    let plan = executor.load_blocking(&plan).unwrap();
    executor.write_input("factor", &vector([0.0, 1.0, 2.0, -1.0])).unwrap();
    for steps in [1, 700, 23, 1324] {
        executor.run_blocking(&[(&plan, steps)]).unwrap();
    }
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([1.0, 4.0, 8.0, 6.0]));
}

#[test]
fn a_snapshot_brings_states_back() {
    let (mut executor, plans) = executor_with(&[0.5]);
    executor.run_blocking(&[(&plans[0], 1)]).unwrap();
    let snapshot = executor.snapshot_blocking().unwrap();
    executor.run_blocking(&[(&plans[0], 5)]).unwrap();
    executor.restore_blocking(&snapshot).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([0.5, 1.0, 2.0, 4.0]));
    executor.write_state("weight", &vector([9.0; 4])).unwrap();
    executor.restore_blocking(&snapshot).unwrap();
    executor.run_blocking(&[(&plans[0], 1)]).unwrap();
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([0.25, 0.5, 1.0, 2.0]));
    assert_eq!(executor.statistics().read_backs, 2);
    let stranger = Executor::new(device(), Checks::Checked).restore_blocking(&snapshot);
    assert!(matches!(stranger, Err(ExecutorError::UnknownName { .. })), "{stranger:?}");
}

/// A device whose owner has set no handler, so that any error that reaches it panics.
fn lent() -> (wgpu::Device, wgpu::Queue) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let adapter = std::pin::pin!(instance.request_adapter(&Default::default()));
    let std::task::Poll::Ready(Ok(adapter)) = adapter.poll(&mut context) else { panic!("no adapter") };
    let device = std::pin::pin!(adapter.request_device(&Default::default()));
    let std::task::Poll::Ready(Ok(lent)) = device.poll(&mut context) else { panic!("no device") };
    lent
}

#[test]
fn steps_are_recorded_into_a_lent_encoder() {
    let (device, queue) = lent();
    let mut executor = Executor::new(Device::from_wgpu(device.clone(), queue.clone()).unwrap(), Checks::Unchecked);
    let half = executor.load_blocking(&descent(0.5)).unwrap();
    let double = executor.load_blocking(&descent(-1.0)).unwrap();
    executor.write_input("factor", &vector([1.0; 4])).unwrap();
    let mut encoder = device.create_command_encoder(&Default::default());
    double.record(&mut encoder, 3);
    half.record(&mut encoder, 1);
    assert_eq!(executor.statistics().submissions, 0);
    queue.submit([encoder.finish()]);
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([4.0, 8.0, 16.0, 32.0]));
    assert_eq!(executor.buffer("weight").map(|buffer| buffer.bytes()), Some(16));
    assert!(executor.buffer("bias").is_none());
}

#[test]
fn errors_on_a_lent_device_never_reach_its_owner() {
    let (device, queue) = lent();
    let mut executor = Executor::new(Device::from_wgpu(device, queue).unwrap(), Checks::Checked);
    let mut plan = descent(0.5);
    plan.shaders[0] = shader("scale", "fn scale() { nonsense }", &[false, false, true]);
    assert!(matches!(executor.load_blocking(&plan), Err(ExecutorError::Shader { .. })));
    let mut plan = descent(0.5);
    plan.buffers[2].bytes = 1 << 50;
    assert!(matches!(executor.load_blocking(&plan), Err(ExecutorError::Allocation { .. })));
    executor.load_blocking(&descent(0.5)).unwrap();
}

#[test]
fn a_kernel_that_does_not_compile_is_named_with_its_wgsl() {
    let mut executor = Executor::new(device(), Checks::Unchecked);
    for (source, wanted) in [
        (SCALE.replace("weight[id.x] *", "weights[id.x] *"), "weights[id.x] *"),
        (SCALE.replace("fn scale", "fn other"), "scale"),
        (SCALE.replace("<storage, read_write>", "<storage, read>"), "product[id.x]"),
    ] {
        let mut plan = descent(0.5);
        plan.shaders[0] = shader("scale", &source, &[false, false, true]);
        let error = executor.load_blocking(&plan).unwrap_err();
        assert!(matches!(&error, ExecutorError::Shader { label, .. } if label == "scale"), "{error:?}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    // The shader's own half says that nothing is written.
    let mut plan = descent(0.5);
    plan.shaders[0] = shader("scale", SCALE, &[false, false, false]);
    assert!(matches!(executor.load_blocking(&plan), Err(ExecutorError::Shader { .. })));
    // Nothing of the failed plans is left.
    assert_eq!(executor.states().count(), 0);
}

#[test]
fn a_buffer_that_does_not_fit_is_named_with_its_size() {
    let mut plan = descent(0.5);
    plan.buffers[2].bytes = 1 << 50;
    let error = Executor::new(device(), Checks::Checked).load_blocking(&plan).unwrap_err();
    let is_named = |label: &str, bytes| label == "gradient" && bytes == 1 << 50;
    assert!(matches!(&error, ExecutorError::Allocation { label, bytes, .. } if is_named(label, *bytes)), "{error:?}");
}

#[test]
fn a_plan_that_the_device_would_reject_is_not_loaded() {
    type Break = fn(&mut Plan);
    let breaks: [(&str, Break); 5] = [
        ("a buffer that is read and written", |plan| plan.dispatches[0] = dispatch(0, &[1, 0, 1])),
        ("no such shader", |plan| plan.dispatches[1].shader = 2),
        ("no such buffer", |plan| plan.dispatches[1].bindings[0].buffer = BufferId(9)),
        ("a missing binding", |plan| plan.dispatches[1].bindings.truncate(2)),
        ("an output beyond its buffer", |plan| plan.outputs[0].1.offset = 2),
    ];
    for (problem, break_plan) in breaks {
        let mut plan = descent(0.5);
        break_plan(&mut plan);
        let result = Executor::new(device(), Checks::Checked).load_blocking(&plan);
        let is_named = matches!(&result, Err(ExecutorError::Plan { plan, .. }) if plan == "descent 0.5");
        assert!(is_named, "{problem}: {result:?}");
    }
}

#[test]
fn tensors_of_another_type_or_name_are_refused() {
    let (executor, plans) = executor_with(&[0.5]);
    let five = HostTensor::F32(Shape::from([5]), vec![0.0; 5]);
    let integers = HostTensor::U32(Shape::from([4]), vec![0; 4]);
    let short = HostTensor::F32(Shape::from([4]), vec![0.0; 3]);
    let error = executor.write_state("weight", &integers).unwrap_err();
    assert_eq!(error.to_string(), "weight: wanted f32[4], got u32[4]");
    assert!(matches!(executor.write_input("factor", &five), Err(ExecutorError::WrongType { .. })));
    assert!(matches!(executor.write_state("weight", &short), Err(ExecutorError::Data { .. })));
    let error = executor.read_state_blocking("bias").unwrap_err();
    assert_eq!(error.to_string(), "there is no state \"bias\"; known are: weight");
    let error = executor.write_input("weight", &five).unwrap_err();
    assert_eq!(error.to_string(), "there is no input \"weight\"; known are: factor");
    let error = executor.read_output_blocking(&plans[0], "loss").unwrap_err();
    assert_eq!(error.to_string(), "there is no output \"loss\"; known are: gradient");
}

#[test]
fn one_name_is_one_thing() {
    let (mut executor, _) = executor_with(&[0.5]);
    let as_input = |plan: &mut Plan| plan.buffers[1].role = Role::Input("weight".to_owned(), TensorType::f32([4]));
    let reshaped = |plan: &mut Plan| {
        let square = HostTensor::F32(Shape::from([2, 2]), vec![0.0; 4]);
        plan.buffers[1].role = Role::State("weight".to_owned(), Arc::new(square));
    };
    let larger = |plan: &mut Plan| plan.buffers[0].bytes = 32;
    for change in [as_input, reshaped, larger] as [fn(&mut Plan); 3] {
        let mut plan = descent(0.5);
        change(&mut plan);
        let result = executor.load_blocking(&plan);
        assert!(matches!(result, Err(ExecutorError::Conflict { .. })), "{result:?}");
    }
}

#[test]
fn profiles_time_each_dispatch() {
    let (mut executor, plans) = executor_with(&[0.5]);
    let profile = executor.profile_blocking(&plans[0], 3);
    if !executor.device().wgpu().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        assert!(matches!(profile, Err(ExecutorError::NoTimestamps { .. })), "{profile:?}");
        return;
    }
    let profile = profile.unwrap();
    let labels: Vec<&str> = profile.iter().map(|dispatch| dispatch.label.as_str()).collect();
    assert_eq!(labels, ["dispatch 0", "dispatch 1"]);
    let total: f64 = profile.iter().map(|dispatch| dispatch.nanoseconds).sum();
    assert!(total > 0.0 && total < 1e9, "{profile:?}");
    assert_eq!(profile[0].work, Work { bytes: 48, flops: 4 });
    // Three steps that were measured, after one that was not.
    assert_eq!(executor.read_state_blocking("weight").unwrap(), vector([0.0625, 0.125, 0.25, 0.5]));
}

#[test]
fn a_lost_device_is_an_error() {
    let (device, queue) = lent();
    for device in [self::device(), Device::from_wgpu(device, queue).unwrap()] {
        let mut executor = Executor::new(device, Checks::Checked);
        let plan = executor.load_blocking(&descent(0.5)).unwrap();
        executor.run_blocking(&[(&plan, 1)]).unwrap();
        executor.device().wgpu().destroy();
        let read = executor.read_state_blocking("weight");
        assert!(read.is_err(), "{read:?}");
        let run = executor.run_blocking(&[(&plan, 1)]).and_then(|()| executor.finish_blocking());
        assert!(matches!(run, Err(ExecutorError::DeviceLost { .. })), "{run:?}");
    }
}

#[test]
fn an_error_that_nobody_catches_is_returned_once_by_the_next_call() {
    let (executor, _) = executor_with(&[0.5]);
    let device = executor.device().wgpu();
    drop(device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("too large"),
        size: 1 << 60,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    }));
    let error = executor.read_state_blocking("weight").unwrap_err();
    assert!(matches!(error, ExecutorError::Device { .. }), "{error:?}");
    executor.read_state_blocking("weight").unwrap();
}

#[test]
fn an_unknown_adapter_is_answered_with_those_that_there_are() {
    let error = Device::request_blocking(&Choice::from("no such adapter")).unwrap_err();
    let DeviceError::NoSuchAdapter { wanted, available } = error else { panic!("{error}") };
    assert_eq!(wanted, "no such adapter");
    assert_eq!(available, Device::list_blocking());
}
