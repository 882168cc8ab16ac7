//! Starts cargo and other programs in the workspace, and reports how they ended.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}

/// The cargo that started this program, in the caller's folder.
pub fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    if env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Mesa's layer that orders devices for a desktop would complain about each start outside of one.
        command.env("NODEVICE_SELECT", "1");
    }
    command
}

/// [`command`] in the workspace's root, so that it means the whole workspace from any folder of it.
pub fn in_workspace() -> Command {
    let mut command = command();
    command.current_dir(workspace_root());
    command
}

/// Runs `command` to its end with this program's input and output.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot start {command:?}"))
}

/// Runs `command`, to pass its exit status on; a command ended by a signal counts as a plain failure.
pub fn exit_code(command: &mut Command) -> Result<ExitCode> {
    let code = status(command)?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs `command`, whose failure is an error.
pub fn succeed(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Whether `command` can be started and succeeds; its output is dropped.
pub fn succeeds_quietly(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What `command` prints on its standard output, once it has succeeded.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command`, passing its standard output on to `output` line by line as it comes, and each line to `on_line`.
pub fn stream(command: &mut Command, mut output: impl Write, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {command:?}"))?;
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            output.write_all(&line)?;
            output.flush()?;
            on_line(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    Ok(child.wait()?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_stream_passes_on_every_byte_and_line() {
        let (mut output, mut lines) = (Vec::new(), Vec::new());
        let mut command = shell(r"printf 'one\n\377\nlast'; exit 3");
        let status = stream(&mut command, &mut output, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(output, b"one\n\xff\nlast");
        assert_eq!(lines, ["one", "\u{fffd}", "last"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(exit_code(&mut shell("exit 7")).unwrap(), ExitCode::from(7));
        assert_eq!(exit_code(&mut shell("kill -9 $$")).unwrap(), ExitCode::FAILURE);
    }

    #[test]
    fn a_program_that_fails_or_is_missing_is_an_error() {
        assert!(succeed(&mut shell("exit 1")).is_err());
        assert!(succeed(&mut shell("exit 0")).is_ok());
        assert!(output(&mut shell("exit 1")).is_err());
        let error = succeed(&mut Command::new("/no/such/program")).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/program"), "{error:#}");
    }
}
