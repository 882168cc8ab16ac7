//! The examples as programs.

use std::process::Command;
use std::{env, fs};

/// The program of an example, which cargo has built beside this test.
pub fn example(name: &str) -> Command {
    let test = env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("tests are built in PROFILE/deps");
    let path = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let is_built = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
    assert!(is_built, "{} is missing: run `cargo build --examples`, or `cargo test` for all tests", path.display());
    let mut command = Command::new(path);
    // A layer of Mesa's complains on stderr where there is no desktop.
    command.env("NODEVICE_SELECT", "1").env("RUST_BACKTRACE", "1");
    command
}

/// What a program that has to succeed writes to its standard output.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// What a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("programs write UTF-8")
}
