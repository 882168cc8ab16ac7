//! What `cargo bench --bench networks -- --pytorch` makes of its script. PyTorch is not needed.

#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/networks/networks.rs"]
mod networks;
#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../benches/networks/pytorch.rs"]
mod pytorch;

use std::{env, fs};

use anyhow::{Context, Result};
use wgrad::DeviceKind;

use networks::NETWORKS;
use pytorch::{PyTorch, SCRIPT};

const PRINTED: &str = r#"{"version": "2.9.0", "device": "EPYC", "threads": 2, "networks": [
    {"network": "mlp", "batch": 64, "parameters": 535818, "ms_per_step_of_windows": [7.5, 8, 8.25]}]}"#;

#[test]
fn pytorch_s_figures_are_those_of_the_same_network() -> Result<()> {
    let pytorch = PyTorch::parse(PRINTED)?;
    assert_eq!(pytorch.to_string(), "PyTorch 2.9.0 on EPYC, 2 threads of the CPU");
    assert_eq!(pytorch.milliseconds("mlp", 64, 535_818)?, [7.5, 8.0, 8.25]);
    for (name, batch, parameters, wanted) in [
        ("cnn", 64, 535_818, "has not measured cnn"),
        ("mlp", 32, 535_818, "[32, 535818] in wgrad, [64, 535818] in"),
        ("mlp", 64, 535_817, "[64, 535817] in wgrad, [64, 535818] in"),
    ] {
        let error = pytorch.milliseconds(name, batch, parameters).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    Ok(())
}

#[test]
fn what_the_script_does_not_print_is_refused() {
    for (from, to, wanted) in [
        ("]}]}", "", "EOF"),
        ("threads", "cores", "wanted a number threads"),
        (r#""2.9.0""#, "2.9", "wanted a string version"),
        ("[7.5, 8, 8.25]", "[]", "wanted numbers, got []"),
        ("8.25", "null", "wanted numbers, got"),
        ("ms_per_step", "us_per_step", "wanted an array ms_per_step_of_windows"),
    ] {
        let error = PyTorch::parse(&PRINTED.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{to}: {error}");
    }
}

#[test]
fn a_python_that_fails_is_an_error_with_what_it_said() -> Result<()> {
    let failed = |python: &str| format!("{:#}", PyTorch::measure(python, DeviceKind::Cpu, "").unwrap_err());
    let error = failed("no-such-python");
    assert!(error.contains("cannot run no-such-python"), "{error}");
    // This program has not the script's options, and says so.
    let error = failed(env::current_exe()?.to_str().context("a path that is not Unicode")?);
    assert!(error.contains("exit") && error.contains("Unrecognized option: 'device'"), "{error}");
    Ok(())
}

#[test]
fn the_script_has_the_same_networks() -> Result<()> {
    let script = fs::read_to_string(SCRIPT)?;
    for network in NETWORKS {
        let wanted = format!("\n    \"{}\": ({}, ", network.name, network.batch);
        assert!(script.contains(&wanted), "{wanted}");
    }
    Ok(())
}
