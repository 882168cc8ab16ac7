//! Programs that have a short form, and no other option.

use clap::Parser;

#[derive(Debug, Parser)]
struct Options {
    /// Less data and fewer epochs, to see that the program runs
    #[arg(long)]
    short: bool,
}

/// Whether a program is to take little time: its only option, `--short`. `--help` says so and ends the program, and so does an
/// option that it does not have, with a message.
pub fn is_short() -> bool {
    Options::parse().short
}
