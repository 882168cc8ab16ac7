//! The first examples as programs, from one neuron to random data, on the machine's adapter.

mod support {
    #[allow(dead_code, reason = "these programs write no JSON")]
    pub mod program;
}

use std::fs;

use support::program::{example, succeed};

/// What an example writes to its standard output.
fn run(name: &str) -> String {
    succeed(&mut example(name))
}

/// The number that follows the last `label` in a text.
fn number(text: &str, label: &str) -> f64 {
    let after = text.rsplit_once(label).unwrap_or_else(|| panic!("{label} is not in: {text}")).1;
    let end = after.find(|letter: char| !"0123456789.-+e".contains(letter)).unwrap_or(after.len());
    after[..end].trim_end_matches('.').parse().unwrap_or_else(|_| panic!("no number after {label}: {text}"))
}

/// What an example says in the end: its figures.
fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// Runs an example that draws a picture of its name.
fn run_with_picture(name: &str) -> String {
    let path = format!("target/pictures/{name}.png");
    if fs::exists(&path).unwrap() {
        fs::remove_file(&path).unwrap();
    }
    let text = run(name);
    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"), "{path}");
    text
}

#[test]
fn a_neuron_learns_and_and_or_but_not_xor() {
    let text = run("perceptron");
    let (learned, xor) = text.split_once("XOR\n").unwrap();
    for fires in ["[false, false, false, true]", "[false, true, true, true]"] {
        assert!(learned.contains(&format!("fires for 00, 01, 10, 11: {fires}")), "{fires}: {text}");
    }
    assert!(number(xor, "epoch 100: accuracy ") <= 75.0, "{text}");
    let end = last(&text);
    assert!(end.starts_with("AND 100 % after ") && end.contains(", OR 100 % after "), "{text}");
    assert!(number(end, "XOR ") <= 75.0 && end.ends_with(" after 100 epochs"), "{text}");
}

#[test]
fn activations_have_their_values_and_slopes_at_one() {
    let text = run_with_picture("activations");
    let sigmoid = 1.0 / (1.0 + (-1_f64).exp());
    let first = 1_f64.exp() / (1_f64.exp() + 2.0);
    let wanted = [
        ("step", 1.0, 0.0),
        ("sigmoid", sigmoid, sigmoid * (1.0 - sigmoid)),
        ("tanh", 1_f64.tanh(), 1.0 - 1_f64.tanh().powi(2)),
        ("ReLU", 1.0, 1.0),
        ("leaky ReLU", 1.0, 1.0),
        ("softmax", first, first * (1.0 - first)),
    ];
    for (name, value, slope) in wanted {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.ends_with(&format!("{value:7.4} {slope:7.4}")), "{line}");
    }
}

#[test]
fn gradients_by_hand_are_those_of_the_engine() {
    let text = run_with_picture("xor_by_hand");
    let (small, normal) = text.split_once("standard normal weights\n").unwrap();
    assert_eq!((number(small, "epoch 1000: loss "), number(small, "solved from ")), (0.25, 0.0), "{text}");
    assert!(number(normal, "epoch 1000: loss ") < 0.2, "{text}");
    assert!((10.0..=20.0).contains(&number(last(normal), "solved from ")), "{text}");
    for part in [small, last(normal)] {
        let difference = number(part, "the engine's by ");
        assert!(difference > 0.0 && difference < 1e-6, "{text}");
    }
}

#[test]
fn some_six_of_ten_starts_learn_xor() {
    let text = run("xor");
    let (he, default) = text.split_once("PyTorch's initial weights").unwrap();
    for part in [he, default] {
        assert!((45.0..=75.0).contains(&number(part, "solved from ")), "{text}");
    }
    let solved = [number(last(&text), "each: "), number(last(&text), "He's initial weights, ")];
    assert_eq!(solved, [he, default].map(|part| number(part, "solved from ")), "{text}");
}

#[test]
fn the_chain_rule_gives_eight() {
    let text = run("chain_rule");
    assert!(text.contains("dloss/dy = 4, dy/dw = 2\ndloss/dw by the engine = 8\n"), "{text}");
    assert_eq!(last(&text), "dloss/dw = 8, w after one update with learning rate 0.01 = 2.9200");
}

#[test]
fn irises_are_told_apart() {
    let text = run_with_picture("iris");
    assert!(number(last(&text), "accuracy ") > 96.0 && number(&text, "epoch 1000: loss ") < 0.06, "{text}");
    let same = text.lines().filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], ["predicted", predicted, "is", truth] if predicted == truth)
    });
    assert!(same.count() >= 9, "{text}");
}

#[test]
fn dropout_is_on_in_training_only() {
    let text = run("iris_deep");
    assert!(number(last(&text), "test data: loss ") < 0.2 && number(last(&text), "accuracy ") > 93.0, "{text}");
    assert!(number(&text, "with dropout: loss ") > 1.5 * number(&text, "training data: loss "), "{text}");
}

#[test]
fn fifty_epochs_part_two_classes() {
    let text = run_with_picture("two_classes");
    let (few, many) = text.split_once("epoch 50: ").unwrap();
    let losses = [few, many].map(|line| number(line, "loss "));
    let [few, many] = [few, many].map(|line| number(line, "accuracy "));
    assert!((47.0..84.0).contains(&few) && many >= 80.0 && many > few, "{text}");
    assert_eq!([number(last(&text), "test data, "), number(last(&text), "5 epochs, ")], [few, many], "{text}");
    assert!(losses[1] < 0.8 * losses[0], "{text}");
}

#[test]
fn random_labels_are_remembered_where_gradients_are_cleared() {
    let text = run_with_picture("random_data");
    let (cleared, accumulated) = text.split_once("gradients accumulated").unwrap();
    assert!((2.2..2.4).contains(&number(cleared, "epoch 1: loss ")), "{text}");
    let [cleared, accumulated] = [cleared, accumulated].map(|part| number(part, "epoch 10: loss "));
    assert!((1.0..1.3).contains(&cleared) && accumulated > cleared + 0.3, "{text}");
    assert_eq!([number(last(&text), "ten epochs: "), number(last(&text), "not cleared ")], [cleared, accumulated], "{text}");
}

#[test]
fn an_application_that_lends_its_device_gets_a_curve() {
    let text = run("embed");
    assert!(number(&text, ": loss ") < 0.01, "{text}");
    assert!(number(last(&text), "the curve is right to ") < 0.1, "{text}");
}
