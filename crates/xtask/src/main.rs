//! Sets up a machine for wgrad, and runs its programs, tests and lints.

fn main() {}
