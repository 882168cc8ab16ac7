//! `playground`: see the library of the same name.

use std::process::ExitCode;

use playground::arguments::{Arguments, one_line};
use playground::{headless, window};

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
