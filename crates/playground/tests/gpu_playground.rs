//! The playground without a window: what it learns, what it draws, and what it says of bad input.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output};

use playground::headless::Image;

/// What a picture may differ by from the stored one: the mean of a component, of 255, and the share of pixels of which a
/// component differs by more than 32. The 256 colours of the stored picture make a mean of 0.8 by themselves.
const MEAN: f64 = 2.0;
const SHARE: f64 = 0.01;

fn playground(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_playground")).args(arguments).output().unwrap()
}

/// The accuracy on the test points, in percent, that a run prints.
fn test_accuracy(output: &Output) -> f64 {
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find(|line| line.starts_with("test: ")).unwrap_or_else(|| panic!("{output:?}"));
    line.split("accuracy ").nth(1).and_then(|text| text.strip_suffix(" %")).unwrap().parse().unwrap()
}

fn picture(path: &Path) -> Image {
    Image::read(BufReader::new(File::open(path).unwrap())).unwrap()
}

fn drawn(arguments: &[&str]) -> (Output, Image) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playground.png");
    let output = playground(&[arguments, &["--screenshot", path.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{output:?}");
    let image = picture(&path);
    (output, image)
}

/// What no straight line parts is learned, from all four data sets.
#[test]
fn the_network_learns() {
    let spirals: &[&str] = &["--hidden", "8,8", "--learning-rate", "0.02", "--steps", "300"];
    for (data, least, more) in [("circles", 97.0, &[][..]), ("xor", 95.0, &[]), ("moons", 97.0, &[]), ("spirals", 95.0, spirals)]
    {
        let arguments = [&["--frames", "12", "--size", "1120x680", "--data", data], more].concat();
        let steps: &[&str] = if more.is_empty() { &["--steps", "150"] } else { &[] };
        let accuracy = test_accuracy(&playground(&[&arguments, steps].concat()));
        assert!(accuracy >= least, "{accuracy} % of {data}");
        let untrained = test_accuracy(&playground(&["--frames", "1", "--steps", "1", "--data", data]));
        assert!(untrained < 70.0, "{untrained} % of {data}");
    }
}

/// Frames are drawn while a network is made: none of them waits until it is there.
#[test]
fn frames_go_on_while_another_network_is_made() {
    let output = playground(&["--frames", "3", "--size", "1120x680"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find(|line| line.starts_with("another network")).unwrap_or_else(|| panic!("{output:?}"));
    let numbers: Vec<f64> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [making, frames, _, longest] = numbers[..] else { panic!("{line}") };
    assert!(frames >= 3.0 && longest < making / 2.0, "{line}");
}

/// The stored picture is what the README shows: that of `playground --frames 60 --screenshot playground.png`, in 256 colours.
#[test]
fn the_picture_is_the_stored_one() {
    let stored = picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playground.png"));
    let (_, image) = drawn(&["--frames", "60"]);
    let difference = image.difference(&stored).unwrap();
    assert!(difference.mean <= MEAN && difference.share <= SHARE, "{difference:?}");

    // A surface that is drawn of a network that has learned nothing, in an otherwise equal window, is noticed.
    let (_, planted) = drawn(&["--frames", "60", "--learning-rate", "0.0001"]);
    let difference = planted.difference(&stored).unwrap();
    assert!(difference.mean > 2.0 * MEAN && difference.share > 2.0 * SHARE, "{difference:?}");
}

#[test]
fn the_same_seed_draws_the_same_pixels() {
    let arguments = ["--frames", "10", "--data", "moons", "--dropout", "0.1", "--size", "1120x680", "--seed", "7"];
    let ((one, first), (other, second)) = (drawn(&arguments), drawn(&arguments));
    assert_eq!(test_accuracy(&one), test_accuracy(&other));
    assert!(first == second, "{:?}", first.difference(&second));
}

#[test]
fn bad_input_is_an_error_of_one_line() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--data", "rings"], 2, "invalid value 'rings'"),
        (&["--frames", "0"], 2, "invalid value '0'"),
        (&["--frames", "1", "--noise", "nan"], 2, "wanted a number from 0 to 0.3"),
        (&["--frames", "1", "--hidden", "4,4,4,4,4"], 2, "at most 4 layers"),
        (&["--screenshot", "out.png"], 2, "--frames"),
        (&["--frames", "1", "--screenshot", "/nowhere/out.png"], 1, "cannot write /nowhere/out.png"),
    ];
    for (arguments, code, wanted) in cases {
        let output = playground(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("MESA")).collect();
        assert_eq!((output.status.code(), said.len()), (Some(code), 1), "{arguments:?}: {output:?}");
        assert!(said[0].starts_with("error: ") && said[0].contains(wanted), "{arguments:?}: {said:?}");
    }
}

/// With a driver list that names none, Vulkan has no adapter.
#[test]
#[cfg(target_os = "linux")]
fn a_machine_without_an_adapter_is_an_error_of_one_line() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_playground"));
    let output = command.args(["--frames", "1"]).env("VK_DRIVER_FILES", "/nowhere.json").env("VK_ICD_FILENAMES", "/nowhere.json");
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("error: no adapter")), "{said}");
}
