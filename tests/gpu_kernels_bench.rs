//! `cargo bench --bench kernels` as a program, on a few operations, and its parts.

#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/kernels/ceiling.rs"]
mod ceiling;
#[path = "../benches/kernels/comparison.rs"]
mod comparison;
#[path = "../benches/kernels/destination.rs"]
mod destination;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/kernels/measurement.rs"]
mod measurement;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/networks/networks.rs"]
mod networks;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/kernels/own_kernel.rs"]
mod own_kernel;
mod support;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/kernels/trial.rs"]
mod trial;
#[path = "../benches/kernels/workload.rs"]
mod workload;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wgrad::core::op::{AdapterClass, Work};
use wgrad::executor::wgpu::{Backend, DeviceType};
use wgrad::executor::{AdapterInfo, Choice, Device, Samples};
use wgrad::ops;

use ceiling::Ceiling;
use comparison::{Change, Comparison, Earlier};
use destination::{check_picture, check_text};
use measurement::Measurement;
use own_kernel::OwnKernel;
use trial::{Checked, MOST, candidates, checked, measure, smaller_cases, work};
use workload::{Workload, workloads};

fn device() -> Device {
    Device::request_blocking(&Choice::Auto).expect("these tests need an adapter, at least Mesa's llvmpipe")
}

fn measurement(candidate: &str, nanoseconds: f64, spread: f64) -> Measurement {
    Measurement {
        op: "relu".to_owned(),
        label: "relu".to_owned(),
        operation: "Relu".to_owned(),
        shapes: "4x4".to_owned(),
        origin: "square".to_owned(),
        candidate: candidate.to_owned(),
        nanoseconds,
        spread,
        samples: 15,
        work: Work { bytes: 128, flops: 16 },
        share: 0.5,
        is_compute_bound: false,
        checked: Checked::Here,
    }
}

#[test]
fn changes_beyond_the_noise_are_told_and_regressions_come_first() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("before.json");
    let before = [measurement("a", 100.0, 0.01), measurement("b", 100.0, 0.01), measurement("c", 100.0, 0.2)];
    let before = earlier(&path, &before)?;
    let now =
        [measurement("a", 80.0, 0.01), measurement("b", 107.0, 0.01), measurement("c", 150.0, 0.01), measurement("d", 1.0, 0.0)];
    let Comparison { changes, both, missing, few, doubled } = before.compare(&now, |_, _, _| true)?;
    assert_eq!((both, missing, few, doubled.len()), (3, 0, 0, 0));
    let found: Vec<_> = changes.iter().map(|change| (change.key.as_str(), change.is_regression())).collect();
    assert_eq!(found, [("Relu [4x4] b", true), ("Relu [4x4] a", false)]);
    assert!(changes.iter().all(|Change { ratio, .. }| *ratio > 0.0));
    assert!(before.compare(&now[3..], |_, _, _| true).is_err());
    Ok(())
}

/// What `--json` writes of another adapter.
fn earlier(path: &Path, before: &[Measurement]) -> Result<Earlier> {
    let kernels: Vec<_> = before.iter().map(Measurement::json).collect();
    let json = json!({ "adapter": "Some GPU", "backend": "vulkan", "driver": "1.2", "kernels": kernels });
    fs::write(path, json.to_string())?;
    Earlier::read(path)
}

#[test]
fn figures_of_another_adapter_or_driver_are_said_to_be_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let before = earlier(&folder.path().join("before.json"), &[])?;
    let now = AdapterInfo {
        name: "Some GPU".to_owned(),
        backend: Backend::Vulkan,
        driver: "1.2".to_owned(),
        device_type: DeviceType::DiscreteGpu,
    };
    assert_eq!(before.of_another_adapter(&now), None);
    for other in [
        AdapterInfo { name: "Other GPU".to_owned(), ..now.clone() },
        AdapterInfo { backend: Backend::Dx12, ..now.clone() },
        AdapterInfo { driver: "1.3".to_owned(), ..now.clone() },
    ] {
        let text = before.of_another_adapter(&other).context("they are taken for one")?;
        let wanted = format!("Some GPU (vulkan, 1.2), now {} ({}, {})", other.name, other.backend.to_str(), other.driver);
        assert!(text.ends_with(&wanted), "{text}");
    }
    Ok(())
}

#[test]
fn the_spread_of_few_samples_is_not_trusted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("before.json");
    let timed = |samples: usize, nanoseconds: f64| Measurement { samples, ..measurement("a", nanoseconds, 0.0) };
    let changes = |before: usize, now: usize, nanoseconds: f64| -> Result<_> {
        let found = earlier(&path, &[timed(before, 100.0)])?.compare(&[timed(now, nanoseconds)], |_, _, _| true)?;
        Ok((found.changes.len(), found.few, found.to_string().contains("only changes beyond 50 % count")))
    };
    assert_eq!(changes(3, 3, 110.0)?, (1, 0, false));
    for (before, now) in [(1, 15), (15, 1), (2, 2)] {
        assert_eq!(changes(before, now, 140.0)?, (0, 1, true));
        assert_eq!(changes(before, now, 160.0)?, (1, 1, true));
    }
    Ok(())
}

#[test]
fn kernels_that_were_chosen_and_are_gone_are_counted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let of = |origin: &str, candidate: &str| Measurement { origin: origin.to_owned(), ..measurement(candidate, 100.0, 0.0) };
    let before = [of("mlp", "a"), of("mlp", "b"), of("cnn", "c"), of("cnn", "d")];
    let before = earlier(&folder.path().join("before.json"), &before)?;
    let text =
        before.compare(&[of("mlp", "a")], |label, shapes, origin| (label, shapes, origin) == ("relu", "4x4", "mlp"))?.to_string();
    assert_eq!(text, "0 of 1 kernels differ beyond the noise; 1 that were measured before were not measured now");
    let text = before.compare(&[of("mlp", "a")], |_, _, _| true)?.to_string();
    assert!(text.ends_with("; 3 that were measured before were not measured now"), "{text}");
    Ok(())
}

#[test]
fn kernels_of_one_name_are_named_and_not_compared() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("before.json");
    let (a, b, slower) = (measurement("a", 1.0, 0.0), measurement("b", 1.0, 0.0), measurement("a", 9.0, 0.0));
    for (before, now) in [
        (vec![a.clone(), a.clone(), b.clone()], vec![slower.clone(), b.clone()]),
        (vec![a, b.clone()], vec![slower.clone(), slower, b]),
    ] {
        let found = earlier(&path, &before)?.compare(&now, |_, _, _| true)?;
        let wanted = Comparison { changes: vec![], both: 1, missing: 0, few: 0, doubled: vec!["Relu [4x4] a".to_owned()] };
        assert_eq!(found, wanted);
        assert!(found.to_string().starts_with("warning: ") && found.to_string().contains(": Relu [4x4] a\n"), "{found}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_written_is_known_before_and_nothing_is_left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("old"), "old")?;
    check_text(&at("new"))?;
    check_text(&at("old"))?;
    check_picture(&at("new"))?;
    check_picture(&at("old"))?;
    check_picture(&at("folder/that/is/made"))?;
    for (checked, path) in [
        (check_text(&at("no/new")), "no/new"),
        (check_text(&at("old/new")), "old/new"),
        (check_text(&at(".")), "."),
        (check_picture(&at("old/new")), "old/new"),
        (check_picture(&at(".")), "."),
    ] {
        let error = format!("{:#}", checked.err().with_context(|| format!("{path} can be written"))?);
        assert!(error.contains(&at(path).display().to_string()), "{error}");
    }
    let left: Vec<_> = fs::read_dir(folder.path())?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    assert_eq!((left, fs::read_to_string(at("old"))?), (vec!["old".into()], "old".to_owned()));
    Ok(())
}

#[test]
fn what_json_has_not_written_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("before.json");
    let kernel = |changed: Value| {
        let mut kernel = measurement("a", 1.0, 0.0).json();
        kernel.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        json!({ "adapter": "Some GPU", "backend": "vulkan", "driver": "1.2", "kernels": [kernel] }).to_string()
    };
    for (text, wanted) in [
        ("{".to_owned(), "EOF"),
        ("{}".to_owned(), "kernels"),
        (r#"{"kernels": []}"#.to_owned(), "adapter"),
        (kernel(json!({ "operation": null })), "operation"),
        (kernel(json!({ "spread": -0.1 })), "a: wanted a spread of 0 or more, got -0.1"),
        (kernel(json!({ "spread": f64::NAN })), "a: got no number spread"),
        (kernel(json!({ "nanoseconds": 0 })), "a: wanted nanoseconds above 0, got 0"),
        (kernel(json!({ "nanoseconds": -3.0 })), "a: wanted nanoseconds above 0, got -3"),
        (kernel(json!({ "nanoseconds": "NaN" })), "a: got no number nanoseconds"),
        (kernel(json!({ "nanoseconds": 7e300 })).replace("7e+300", "7e999").replace("7e300", "7e999"), "out of range"),
    ] {
        fs::write(&path, text)?;
        let error = format!("{:#}", Earlier::read(&path).err().context("it was read")?);
        assert!(error.contains(wanted) && error.contains("before.json"), "{error}");
    }
    Ok(())
}

#[test]
fn the_spread_leaves_out_a_quarter_on_each_side() {
    let samples = Samples { nanoseconds: vec![1.0, 8.0, 9.0, 10.0, 11.0, 12.0, 90.0, 100.0], steps: 1 };
    assert_eq!(samples.median(), 11.0);
    assert_eq!(samples.spread(), (12.0 - 9.0) / 11.0);
}

#[test]
fn the_bound_is_the_longer_of_two_times() {
    let ceiling = Ceiling { gflop_per_second: 100.0, gigabytes_per_second: 10.0 };
    assert_eq!(ceiling.nanoseconds(Work { flops: 5000, bytes: 100 }), 50.0);
    assert_eq!(ceiling.nanoseconds(Work { flops: 50, bytes: 100 }), 10.0);
    assert!(ceiling.is_compute_bound(Work { flops: 5000, bytes: 100 }));
    let better = ceiling.or_better(Ceiling { gflop_per_second: 50.0, gigabytes_per_second: 64.0 });
    assert_eq!(better, Ceiling { gflop_per_second: 100.0, gigabytes_per_second: 64.0 });
    let mut relu = measurement("a", 100.0, 0.0);
    relu.hold_against(&better);
    assert!(relu.share == 0.02 && !relu.is_compute_bound, "{relu:?}");
}

#[test]
fn workloads_are_of_networks_square_and_awkward_and_each_is_there_once() -> Result<()> {
    let all = workloads(AdapterClass::Software)?;
    let of = |name: &str, origin: &str| all.iter().filter(|found| found.op.name() == name && found.origin == origin).count();
    assert!(of("matmul", "mlp") >= 8 && of("matmul", "transformer") > 4 && of("conv2d", "cnn") == 3);
    assert_eq!((of("relu", "square"), of("matmul", "square"), of("cast", "square")), (1, 8, 2));
    for op in ops::examples() {
        assert!(all.iter().any(|workload| workload.op.name() == op.name()), "{}", op.name());
    }
    let mut names: Vec<_> = all.iter().map(|workload| (workload.operation(), workload.shapes())).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all.len());
    Ok(())
}

#[test]
fn every_kernel_can_be_checked() -> Result<()> {
    let device = device();
    for class in [AdapterClass::Software, AdapterClass::Gpu] {
        for workload in workloads(class)? {
            for candidate in candidates(&device, &workload) {
                let can_be = work(&workload)? <= MOST && candidate.reads_all(&workload)
                    || !smaller_cases(&device, &workload, &candidate.name)?.is_empty();
                ensure!(can_be, "{workload}, {}", candidate.name);
            }
        }
    }
    Ok(())
}

#[test]
fn kernels_pass_their_checks() -> Result<()> {
    let device = device();
    let mut count = 0;
    for workload in workloads(AdapterClass::Software)? {
        if work(&workload)? > 200_000 {
            continue;
        }
        for candidate in candidates(&device, &workload) {
            checked(&device, &workload, &candidate).with_context(|| format!("{workload}, {}", candidate.name))?;
            count += 1;
        }
    }
    ensure!(count > 300, "{count} kernels were checked");
    Ok(())
}

#[test]
fn labels_name_what_is_switched_on() -> Result<()> {
    assert_eq!(workload("relu", "64x512")?.label(), "relu");
    let labels: Vec<String> =
        ops::examples().iter().map(|op| Workload { op: op.clone(), inputs: Vec::new(), origin: String::new() }.label()).collect();
    assert!(workload("matmul", "64x256 10x256")?.to_string() == "matmul transpose_rhs of 64x256 10x256");
    for label in ["matmul", "matmul transpose_rhs", "matmul transpose_lhs transpose_rhs", "softmax log", "dropout"] {
        assert!(labels.iter().any(|known| known == label), "{label}: {labels:?}");
    }
    Ok(())
}

fn workload(name: &str, shapes: &str) -> Result<Workload> {
    let mut all = workloads(AdapterClass::Software)?;
    all.retain(|workload| workload.op.name() == name && workload.shapes() == shapes);
    all.into_iter().next().with_context(|| format!("no {name} of {shapes}"))
}

/// `relu` for one element an invocation.
const OWN: &str = "
// workgroups: count/64
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < dims.count { output[id.x] = max(input[id.x], 0.0); }
}";

#[test]
fn a_kernel_of_one_s_own_stands_beside_the_built_in_ones() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("mine.wgsl");
    let own = |source: &str| -> Result<OwnKernel> {
        fs::write(&path, source)?;
        OwnKernel::read(&path)
    };
    let (device, workload) = (device(), workload("relu", "64x512")?);
    let [built_in] = &*candidates(&device, &workload) else { anyhow::bail!("relu has several kernels") };
    for candidate in [built_in, &own(OWN)?.candidate(&workload)?] {
        let outcome = measure(&device, &workload, candidate, 3)?;
        assert_eq!((outcome.checked, outcome.samples.nanoseconds.len()), (Checked::Here, 3), "{}", candidate.name);
        assert_eq!((outcome.work.bytes, outcome.work.flops), (2 * 4 * 64 * 512, 64 * 512));
    }
    let wrong = own(&OWN.replace("max(input[id.x], 0.0)", "max(input[id.x], 0.5)"))?.candidate(&workload)?;
    let error = format!("{:#}", measure(&device, &workload, &wrong, 3).err().context("a wrong kernel passed")?);
    assert!(error.contains("output 0 is wrong"), "{error}");

    let failed = |source: &str| format!("{:#}", own(source).and_then(|own| own.candidate(&workload)).unwrap_err());
    assert!(failed(&OWN.replace("workgroups: count/64", "")).contains("wanted a line that begins with // workgroups:"));
    assert!(failed(&OWN.replace("count/64", "size/64")).contains("wanted one of count, rows, columns"));
    assert!(failed(&OWN.replace("count/64", "count/0")).contains("a divisor above 0"));
    assert!(failed(&OWN.replace("max(", "maximum(")).contains("maximum"));
    assert!(failed("fn main() {}").contains("wanted one entry point, got 0"));
    assert!(failed(&OWN.replace("binding(2)", "binding(3)")).contains("wanted storage at bindings 1, 2, ..., got output at 3"));
    let bare = OWN.replace("@group(0) @binding(0) var<uniform> dims: Dims;", "").replace("dims.count", "64u");
    assert!(failed(&bare).contains("wanted a uniform struct of counts at binding 0"));
    let read_write = failed(&OWN.replace("var<storage, read> input", "var<storage, read_write> input"));
    assert!(read_write.contains("1 inputs to read and then 1 outputs to write, got input (written), output"), "{read_write}");
    assert!(failed(&OWN.replace("count/64", "0")).contains("wanted a workgroup at least"));
    // It writes far out of bounds, which is no more than wrong.
    let outside = own(&OWN.replace("output[id.x] =", "output[id.x + 100000000u] ="))?.candidate(&workload)?;
    let error = format!("{:#}", measure(&device, &workload, &outside, 3).err().context("a wrong kernel passed")?);
    assert!(error.contains("output 0 is wrong"), "{error}");
    Ok(())
}

#[test]
fn a_kernel_of_one_s_own_is_compared_with_a_built_in_one_where_the_reference_is_of_no_use() -> Result<()> {
    // The reference sums the matrix up, and kernels its parts.
    let source = "
// workgroups: count/64
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read> whole: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= dims.count { return; }
    var sum = 0.0 * whole[0];
    for (var row = 0u; row < arrayLength(&parts) / dims.count; row++) { sum += parts[row * dims.count + id.x]; }
    output[id.x] = sum;
}";
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("mine.wgsl");
    let (device, workload) = (device(), workload("sum", "10x13 77x13")?);
    let checked = |source: &str| -> Result<Checked> {
        fs::write(&path, source)?;
        Ok(checked(&device, &workload, &OwnKernel::read(&path)?.candidate(&workload)?)?.1)
    };
    assert_eq!(checked(source)?, Checked::WithBuiltIn);
    let error = format!("{:#}", checked(&source.replace("var row = 0u", "var row = 1u")).err().context("it passed")?);
    assert!(error.contains("output 0 is wrong"), "{error}");
    Ok(())
}

#[test]
fn inputs_are_unlike_and_integers_name_what_there_is() -> Result<()> {
    let square = workload("matmul", "512x512 512x512")?.case();
    assert_ne!(square.inputs[0].data, square.inputs[1].data);
    assert!(square.inputs.iter().all(|input| input.data.iter().any(|&x| x < 0.0) && input.data.iter().all(|x| x.abs() < 1.0)));
    assert!(workload("log", "1024x1024")?.case().inputs[0].data.iter().all(|&x| x > 0.0));
    let gather = workload("gather_rows", "50x128 2048xu32")?.case();
    let mut indices = gather.inputs[1].data.clone();
    indices.sort_by(f64::total_cmp);
    indices.dedup();
    assert!(indices.len() > 10 && indices.iter().all(|&index| (0.0..50.0).contains(&index)), "{indices:?}");
    Ok(())
}

#[test]
fn candidates_stand_side_by_side() -> Result<()> {
    let (device, workload) = (device(), workload("matmul", "64x256 10x256")?);
    let names: Vec<String> = candidates(&device, &workload).into_iter().map(|candidate| candidate.name).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names[0].starts_with("register_tile") && names[4].starts_with("workgroup_tile"), "{names:?}");
    let ceiling = Ceiling::measure(&device, 3)?;
    assert!(ceiling.gflop_per_second > 0.1 && ceiling.gigabytes_per_second > 0.1, "{ceiling:?}");
    for candidate in candidates(&device, &workload) {
        let outcome = measure(&device, &workload, &candidate, 3)?;
        let measured = Measurement::new(&workload, &candidate.name, &outcome, &ceiling);
        assert_eq!(measured.work.flops, 2 * 64 * 256 * 10);
        assert!(measured.share > 0.0 && measured.checked == Checked::Here, "{measured:?}");
    }
    Ok(())
}
