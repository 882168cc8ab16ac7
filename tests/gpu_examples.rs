//! The examples as programs, on the machine's adapter.

mod support {
    pub mod objects;
    pub mod program;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::objects::objects;
use support::program::{example, succeed, text};
use tempfile::tempdir;

/// A short training, with pictures and other files in `folder`.
fn short_training(folder: &Path) -> Command {
    let mut command = example("mnist");
    command.args(["--epochs", "2", "--limit", "4000", "--json", "--pictures"]).arg(folder);
    command
}

#[test]
fn a_short_training_learns_the_same_twice() {
    let folder = tempdir().unwrap();
    let [first, again] = [0, 1].map(|_| objects(&succeed(&mut short_training(folder.path()))));
    let path = folder.path().join("timeline.json");
    let timed = objects(&succeed(short_training(folder.path()).arg("--timeline").arg(&path)));
    assert_eq!(timed[2]["weights_hash"], first[2]["weights_hash"], "looking at the dispatches has changed the training");
    check_timeline(&path);
    for objects in [&first, &again] {
        let result = objects.last().unwrap();
        assert!(["gpu", "software"].contains(&result["device_kind"].as_str().unwrap()), "{result}");
        assert!(result["test_accuracy"].as_f64().unwrap() > 0.85, "{result}");
    }
    assert_eq!(first[2]["weights_hash"], again[2]["weights_hash"]);
    assert_eq!((&first[0]["loss"], &first[1]["loss"]), (&again[0]["loss"], &again[1]["loss"]));
}

/// The bars of sixteen steps, one behind another.
fn check_timeline(path: &Path) {
    let timeline: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let bars: Vec<_> = timeline["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    let steps = |index: usize| bars.iter().filter(|bar| bar["args"]["step"] == index).count();
    assert!(bars.len() == 16 * steps(0) && (0..16).all(|index| steps(index) == steps(0)) && steps(0) > 5, "{timeline}");
    let ends = bars.iter().map(|bar| bar["ts"].as_f64().unwrap() + bar["dur"].as_f64().unwrap());
    // A clock's unit may be coarse.
    for (bar, end) in bars[1..].iter().zip(ends) {
        assert!(bar["ts"].as_f64().unwrap() >= end - 1.0, "{bar} begins before {end}");
    }
    assert!(bars.iter().any(|bar| bar["name"].as_str().unwrap().starts_with("matmul") && bar["dur"].as_f64().unwrap() > 0.0));
}

/// A short training that keeps the choice of kernels in a file of its own.
fn tuned_training(store: &Path, folder: &Path) -> Command {
    let mut command = example("mnist");
    command.env("WGRAD_TUNING", store).args(["--limit", "640", "--epochs", "1", "--json", "--pictures"]).arg(folder);
    command
}

/// Tuning keeps its choice, which later runs take; a store that is missing or damaged changes nothing.
#[test]
fn kernels_are_chosen_by_measurement_where_that_is_asked_for() {
    let folder = tempdir().unwrap();
    let store = folder.path().join("new").join("tuning.json");
    let run = |arguments: &[&str]| {
        let mut command = tuned_training(&store, folder.path());
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let hash = objects(&String::from_utf8(output.stdout).unwrap())[1]["weights_hash"].clone();
        (hash, String::from_utf8(output.stderr).unwrap())
    };
    let (by_default, _) = run(&[]);
    assert!(!store.exists());
    let (tuned, text) = run(&["--tune", "20"]);
    assert!(text.contains("operations have another kernel than by default"), "{text}");
    let kept = fs::read_to_string(&store).unwrap();
    assert!(kept.contains("Matmul") && kept.contains("_tile_"), "{kept}");
    assert_eq!(run(&[]).0, tuned, "a later run takes other kernels");
    let elsewhere = kept.replace("tile_16", "tile_of_old").replace("tile_8", "tile_of_old").replace("tile_4", "tile_of_old");
    for damaged in [&kept[..kept.len() / 2], "[]", &elsewhere] {
        fs::write(&store, damaged).unwrap();
        assert_eq!(run(&[]).0, by_default);
    }
}

/// Whether each product in the steps of training works in memory of workgroups, as kernels for GPUs do, and those for
/// software do not.
fn products_in_workgroups(command: &mut Command, folder: &Path) -> Vec<bool> {
    let shaders = folder.join("shaders");
    succeed(command.args(["--epochs", "0", "--dump-shaders"]).arg(&shaders));
    let files = fs::read_dir(&shaders).unwrap().map(|file| file.unwrap().path());
    let is_product = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("train") && name.contains("matmul")
    };
    let products: Vec<bool> =
        files.filter(is_product).map(|path| fs::read_to_string(path).unwrap().contains("var<workgroup>")).collect();
    fs::remove_dir_all(shaders).unwrap();
    assert!(products.len() >= 8, "{} products", products.len());
    products
}

/// The kernels that a store names are those that plans have, also where they are not the fastest.
#[test]
fn plans_take_the_kernels_of_the_store() {
    let folder = tempdir().unwrap();
    let store = folder.path().join("tuning.json");
    let products = || products_in_workgroups(&mut tuned_training(&store, folder.path()), folder.path());
    let by_default = products();
    succeed(tuned_training(&store, folder.path()).args(["--epochs", "0", "--tune", "20"]));
    let mut kept: serde_json::Value = serde_json::from_str(&fs::read_to_string(&store).unwrap()).unwrap();
    for (candidate, is_in_workgroups) in [("workgroup_tile_32", true), ("register_tile_4", false)] {
        for choices in kept["adapters"].as_object_mut().unwrap().values_mut() {
            for (_, chosen) in choices.as_object_mut().unwrap().iter_mut().filter(|(key, _)| key.starts_with("Matmul")) {
                *chosen = candidate.into();
            }
        }
        fs::write(&store, kept.to_string()).unwrap();
        assert!(products().iter().all(|&product| product == is_in_workgroups), "{candidate}");
    }
    fs::remove_file(&store).unwrap();
    assert_eq!(products(), by_default);
}

/// What was measured is of use also where it cannot be kept.
#[test]
fn a_store_that_cannot_be_written_is_a_warning() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = file.join("tuning.json");
    let output = tuned_training(&store, folder.path()).args(["--tune", "1"]).output().unwrap();
    let complaints = text(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    assert_eq!(objects(&text(&output.stdout)).len(), 2);
    let warnings: Vec<&str> = complaints.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains(&format!("{}: cannot be written", store.display())), "{complaints}");
}

#[test]
fn the_cpu_has_no_kernels_to_choose_from() {
    let folder = tempdir().unwrap();
    let mut command = tuned_training(&folder.path().join("tuning.json"), folder.path());
    let output = command.args(["--device", "cpu", "--tune", "1"]).output().unwrap();
    let complaints = text(&output.stderr);
    assert!(!output.status.success() && complaints.contains("--tune: only adapters have kernels to choose from"), "{complaints}");
}

#[test]
fn dumped_shaders_are_wgsl() {
    let folder = tempdir().unwrap();
    let mut command = short_training(&folder.path().join("pictures"));
    succeed(command.args(["--epochs", "0", "--dump-shaders"]).arg(folder.path().join("shaders")));
    let files = fs::read_dir(folder.path().join("shaders")).unwrap();
    let paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        let module = naga::front::wgsl::parse_str(&fs::read_to_string(&path).unwrap());
        let module = module.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(module.entry_points.len(), 1, "{}", path.display());
    }
}

#[test]
fn an_operation_of_ones_own_agrees_and_learns() {
    let text = succeed(&mut example("your_own_op"));
    for part in ["softsign: the WGSL agrees", "softsign_gradient: the WGSL agrees", "XOR is learned"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_example_of_the_readme_runs() {
    let text = succeed(&mut example("quickstart"));
    assert!(text.contains("epoch 1: loss ") && text.contains("the first test digit is a 7"), "{text}");
}
