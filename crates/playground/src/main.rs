//! `playground`: see the library of the same name.

#[cfg(not(target_arch = "wasm32"))]
use std::process::ExitCode;

#[cfg(not(target_arch = "wasm32"))]
use playground::arguments::{Arguments, one_line};
#[cfg(not(target_arch = "wasm32"))]
use playground::{headless, window};

/// On the page's canvas.
#[cfg(target_arch = "wasm32")]
fn main() {
    use wasm_bindgen::JsCast;

    let document = web_sys::window().and_then(|window| window.document());
    let canvas = document.and_then(|document| document.get_element_by_id("canvas")).and_then(|found| found.dyn_into().ok());
    match canvas {
        Some(canvas) => playground::page::show(canvas, Default::default()),
        None => wasm_bindgen::throw_str("the page has no canvas"),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> ExitCode {
    let arguments = match Arguments::of_command_line() {
        Ok(arguments) => arguments,
        Err(help) if !help.use_stderr() => help.exit(),
        Err(error) => {
            eprintln!("{}", one_line(&error));
            return ExitCode::from(2);
        }
    };
    let ran = match arguments.frames {
        Some(frames) => headless::run(&arguments, frames),
        None => window::run(arguments.settings()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
