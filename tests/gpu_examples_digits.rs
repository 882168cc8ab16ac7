//! The networks on digits as programs, in their short forms, on the machine's adapter.

mod support {
    pub mod figure;
    pub mod program;
}

use std::fs;
use std::time::SystemTime;

use support::figure::{figure, last};
use support::program::{example, succeed};

/// What the short form of a program prints, which has to draw these pictures anew.
fn run(name: &str, pictures: &[&str]) -> String {
    let began = SystemTime::now();
    let text = succeed(example(name).arg("--short"));
    for picture in pictures {
        let path = format!("target/pictures/{picture}.png");
        let drawn = fs::metadata(&path).and_then(|metadata| metadata.modified());
        assert!(drawn.is_ok_and(|drawn| drawn >= began), "{path} was not drawn");
    }
    text
}

#[test]
fn batch_normalisation_learns_fast() {
    let text = run("mnist_batchnorm", &[]);
    assert!(figure(last(&text), "test: ", "accuracy ") > 90.0, "{text}");
}

#[test]
fn a_convolutional_network_learns() {
    let text = run("mnist_cnn", &["mnist_cnn", "mnist_cnn_digits", "mnist_cnn_confusion"]);
    assert!(figure(last(&text), "test: ", "accuracy ") > 60.0, "{text}");
}

/// Gray in place of all pixels has an error of 0.1, and the mean image one of 0.067.
#[test]
fn an_autoencoder_learns() {
    let text = run("autoencoder", &["autoencoder"]);
    assert!(figure(last(&text), "test: ", "loss ") < 0.055, "{text}");
}

#[test]
fn networks_of_all_shapes_learn() {
    let text = run("mnist_shapes", &["mnist_shapes"]);
    for name in ["784-512-256-10", "784-128-128-10", "784-256-64-10", "784-256-256-10", "784-256-128-64-10"] {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        let accuracy: f32 = line.split_whitespace().nth(2).and_then(|word| word.parse().ok()).unwrap();
        assert!(accuracy > 85.0, "{line}");
        assert!(last(&text).contains(&format!("{accuracy:.2} %")), "{text}");
    }
}

/// The loss falls most between 2e-3 and 2e-2: below it hardly moves, and above it has fallen, then grows.
#[test]
fn a_learning_rate_is_found() {
    let text = run("learning_rate_finder", &["learning_rate_finder"]);
    let rate = figure(&text, "suggested ", "learning rate: ");
    assert!((2e-3..2e-2).contains(&rate), "{text}");
    assert_eq!(figure(last(&text), "test: ", "rate "), rate, "{text}");
    assert!(figure(last(&text), "test: ", "accuracy ") > 90.0, "{text}");
}
