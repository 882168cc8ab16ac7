//! What programs write for other programs.

use serde_json::Value;

/// The objects that a program wrote, one a line and nothing else.
pub fn objects(stdout: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    stdout.lines().map(parse).collect()
}
