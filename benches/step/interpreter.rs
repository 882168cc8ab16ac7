//! The step on the CPU.

use std::time::Instant;

use anyhow::Result;
use wgrad::reference::{Program, Store};

use crate::measurement::{DeviceFigures, Measurement};
use crate::network::Network;
use crate::windows::Windows;

/// Measures the interpreter.
pub fn measure(network: &Network, windows: Windows) -> Result<Measurement> {
    let began = Instant::now();
    let mut store = Store::new();
    store.add(&network.graph)?;
    let program = Program::new(&network.graph)?;
    for (name, tensor) in &network.inputs {
        store.write(name, tensor.clone())?;
    }
    let mut run = |steps| -> Result<()> {
        for _ in 0..steps {
            program.step(&mut store)?;
        }
        Ok(())
    };
    run(1)?;
    let first_step = began.elapsed();
    let device = DeviceFigures { name: "CPU".into(), kind: "cpu".into(), backend: "interpreter".into(), driver: String::new() };
    Ok(Measurement { device, first_step, times: windows.time(run)?, plan: None })
}
