//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// How figures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Markdown,
    Json,
}

/// Measures every kernel of every operation, at the shapes that networks have, at square and at awkward ones: each is checked
/// against the reference first, then timed.
#[derive(Debug, Parser)]
#[command(name = "kernels")]
pub struct CommandLine {
    /// Only operations of this name, or of this name and these attributes, such as "matmul transpose_rhs"
    #[arg(long, value_name = "NAME")]
    pub op: Option<String>,
    /// Only shapes that have this in them, such as 64x784
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub shape: String,
    /// Only workloads of this network, or "square"
    #[arg(long, value_name = "NAME", default_value = "")]
    pub of: String,
    /// The adapter: auto, gpu, software, part of its name, or its number
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub device: String,
    /// A WGSL file with a kernel of your own for just this --op, attributes and all, measured beside the built-in ones
    #[arg(long, value_name = "FILE", requires = "op")]
    pub file: Option<PathBuf>,
    /// How often each kernel is timed: only three times where that takes longer than five seconds
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    pub samples: u16,
    /// How the figures are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write them as JSON into this file too, in a folder that is there
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw them under the adapter's roofline into this PNG file
    #[arg(long, value_name = "FILE")]
    pub roofline: Option<PathBuf>,
    /// Say what is faster or slower than in this file, which --json has written
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// Exit with 1 where something is slower than on the same adapter with the same driver
    #[arg(long, requires = "compare")]
    pub fail_on_regression: bool,
    /// List the workloads, and measure nothing
    #[arg(long)]
    pub list: bool,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl CommandLine {
    /// Whether a workload of this label, these shapes and this origin is to be measured.
    pub fn chooses(&self, label: &str, shapes: &str, origin: &str) -> bool {
        // A kernel of one's own is for one variant of an operation.
        let is_op = |op: &str| label == op || self.file.is_none() && label.split(' ').next() == Some(op);
        self.op.as_deref().is_none_or(is_op) && shapes.contains(&self.shape) && origin.contains(&self.of)
    }
}
