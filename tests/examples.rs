//! The MNIST program on the CPU: what it learns, writes, and says to bad input. No adapter is needed.

mod support {
    pub mod objects;
    pub mod program;
}

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::objects::objects;
use support::program::{example, succeed, text};
use tempfile::{TempDir, tempdir};

/// The program on the CPU, with its pictures in `folder`.
fn mnist(folder: &Path, options: &str) -> Command {
    let mut command = example("mnist");
    command.args(["--device", "cpu", "--pictures"]).arg(folder.join("pictures")).args(options.split_whitespace());
    command
}

/// A file in IDX format whose bytes count up from 0, below `below`.
fn idx(dimensions: &[u32], below: usize) -> Vec<u8> {
    let header = [0x800 + dimensions.len() as u32].into_iter().chain(dimensions.iter().copied()).flat_map(u32::to_be_bytes);
    let count: u32 = dimensions.iter().product();
    header.chain((0..count as usize).map(|index| (index % below) as u8)).collect()
}

/// A folder with 20 training and 10 test images of 3 x 4 pixels, not gzipped.
fn small_images() -> TempDir {
    let folder = tempdir().unwrap();
    for (part, count) in [("train", 20), ("t10k", 10)] {
        fs::write(folder.path().join(format!("{part}-images-idx3-ubyte")), idx(&[count, 3, 4], 256)).unwrap();
        fs::write(folder.path().join(format!("{part}-labels-idx1-ubyte")), idx(&[count], 10)).unwrap();
    }
    folder
}

/// The program on small images.
fn small(images: &Path, options: &str) -> Command {
    let mut command = mnist(images, "--epochs 1 --batch 4 --data");
    command.arg(images).args(options.split_whitespace());
    command
}

/// What a program that has to fail without a panic writes: standard output and error.
fn fail(command: &mut Command) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(1), "{command:?}: {stdout}\n{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.to_lowercase().contains("backtrace"), "{command:?}: {stderr}");
    (stdout, stderr)
}

#[test]
fn a_short_training_learns() {
    let folder = tempdir().unwrap();
    let untrained = objects(&succeed(&mut mnist(folder.path(), "--epochs 0 --json")));
    assert!(untrained[0]["test_accuracy"].as_f64().unwrap() < 0.3, "{untrained:?}");

    let objects = objects(&succeed(&mut mnist(folder.path(), "--epochs 2 --limit 4000 --json")));
    assert_eq!(objects.len(), 3);
    for (epoch, object) in objects[..2].iter().enumerate() {
        assert_eq!(object["epoch"], epoch + 1);
        for figure in ["loss", "accuracy", "test_accuracy", "seconds", "us_per_step"] {
            assert!(object[figure].as_f64().is_some_and(|value| value > 0.0), "{figure} of {object}");
        }
    }
    assert!(objects[1]["loss"].as_f64() < objects[0]["loss"].as_f64(), "{objects:?}");
    let result = &objects[2];
    assert_eq!((&result["device"], &result["device_kind"]), (&"CPU".into(), &"cpu".into()));
    assert_eq!(result["backend"], "interpreter");
    assert_eq!(result["weights_hash"].as_str().map(str::len), Some(16));
    assert_eq!(result["test_accuracy"], objects[1]["test_accuracy"]);
    assert!(result["test_accuracy"].as_f64().unwrap() > 0.85, "{result}");
}

#[test]
fn people_read_the_device_the_layers_the_epochs_and_where_pictures_are() {
    let images = small_images();
    let text = succeed(&mut small(images.path(), "--hidden 7,5 --activation tanh --print-plan"));
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("device: CPU") && first.contains("no WGSL runs"), "{first}");
    for part in ["[batch, 7]", "[batch, 5]", "1 Tanh", "2 Dropout", "graph train 4", "epoch 1/1: loss ", "; test: loss "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for name in ["curves.png", "digits.png"] {
        let path = images.path().join("pictures").join(name);
        assert!(text.contains(path.to_str().unwrap()), "{name}: {text}");
        assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
}

#[test]
fn the_seed_decides() {
    let images = small_images();
    let [first, again, other] = ["--seed 1", "--seed 1", "--seed 2"].map(|seed| {
        let objects = objects(&succeed(&mut small(images.path(), &format!("--json {seed}"))));
        objects[1]["weights_hash"].clone()
    });
    assert_eq!(first, again);
    assert_ne!(first, other);
}

/// A `main` that returns an error prints what its message says, with the cause.
#[test]
fn an_error_of_main_is_a_message() {
    let folder = tempdir().unwrap();
    let (_, stderr) = fail(example("quickstart").current_dir(folder.path()));
    assert_eq!(stderr, "Error: no data in data/mnist: there is no such folder\n");
    let (_, stderr) = fail(example("iris_deep").current_dir(folder.path()));
    assert!(stderr.starts_with("Error: data/iris.csv cannot be read as CSV: ") && stderr.lines().count() == 1, "{stderr}");
}

/// Programs with a short form say so, and refuse what they do not know instead of training for an hour.
#[test]
fn programs_with_a_short_form_have_no_other_option() {
    let help = succeed(example("transformer").arg("--help"));
    assert!(help.contains("transformer [OPTIONS]") && help.contains("--short"), "{help}");
    let digits = ["mnist_shapes", "mnist_batchnorm", "mnist_cnn", "mnist_rnn", "mnist_lstm"];
    for name in digits.into_iter().chain(["autoencoder", "learning_rate_finder", "transformer"]) {
        let output = example(name).args(["--epochs", "1"]).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.starts_with("error: unexpected argument '--epochs' found\n"), "{name}: {stderr}");
    }
}

/// Bad input gets one line that names it, and status 1.
#[test]
fn bad_options_are_named() {
    let images = small_images();
    for (options, message) in [
        ("--batch 0", "batch size: wanted 1 at least, got 0"),
        ("--limit 0", "--limit: examples: wanted one at least, got 0"),
        ("--learning-rate NaN", "learning rate: wanted a finite number, 0 or above, got NaN"),
        ("--learning-rate -0.1", "learning rate: wanted a finite number, 0 or above, got -0.1"),
        ("--hidden 0", "layer 0 (Linear): outputs: wanted 1 at least, got 0"),
        ("--dropout 1.0", "layer 2 (Dropout): rate: wanted at least 0 and below 1, got 1"),
        ("--dropout -0.5", "layer 2 (Dropout): rate: wanted at least 0 and below 1, got -0.5"),
    ] {
        let (_, stderr) = fail(&mut small(images.path(), options));
        assert_eq!(stderr, format!("error: {message}\n"), "{options}");
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_training() {
    let images = small_images();
    let (_, stderr) = fail(&mut small(images.path(), "--learning-rate 1e30"));
    assert!(stderr.starts_with("error: the loss is no longer finite: training stopped at step "), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn an_unknown_device_is_named() {
    let (_, stderr) = fail(example("mnist").args(["--device", "Voodoo 2"]));
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with("error: ") && (last.contains("Voodoo 2") || last.contains("no Vulkan")), "{stderr}");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempdir().unwrap();
    let (_, stderr) = fail(&mut mnist(folder.path(), "--data /no/such/folder"));
    assert_eq!(stderr, "error: no data in /no/such/folder: there is no such folder\n");
}

#[test]
fn a_damaged_file_is_named() {
    let images = small_images();
    let path = images.path().join("train-images-idx3-ubyte");
    fs::write(&path, &idx(&[20, 3, 4], 256)[..100]).unwrap();
    let (_, stderr) = fail(&mut small(images.path(), ""));
    assert!(stderr.starts_with(&format!("error: {} is cut off", path.display())), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

/// As root, no folder is read-only: so the pictures shall go below a file.
#[test]
fn pictures_that_cannot_be_written_come_after_the_result() {
    let images = small_images();
    let pictures = images.path().join("pictures");
    fs::write(&pictures, "in the way").unwrap();
    let (stdout, stderr) = fail(&mut small(images.path(), "--json"));
    assert!(objects(&stdout)[1]["weights_hash"].is_string());
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with(&format!("error: cannot write the picture {}/curves.png: ", pictures.display())), "{last}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("error")).count(), 1, "{stderr}");
}

/// `mnist | head -1` ends quietly.
#[test]
fn a_closed_output_is_no_panic() {
    let images = small_images();
    let mut command = small(images.path(), "--epochs 1000");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("device: CPU"), "{first}");
    assert!(child.wait().unwrap().success());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

/// A word in `WGRAD_DEVICE` that is no text is no adapter's name, and not as if there were none.
#[cfg(unix)]
#[test]
fn a_device_that_is_no_text_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for word in [&b"Voodoo 2"[..], b"soft\xffware"] {
        let (_, stderr) = fail(example("mnist").env("WGRAD_DEVICE", OsStr::from_bytes(word)).args(["--limit", "0"]));
        let last = stderr.lines().last().unwrap();
        assert!(last.contains("there is no adapter") || last.contains("no Vulkan"), "{stderr}");
    }
}
