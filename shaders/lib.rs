//! The operations of wgrad: each one a pair of a WGSL and a Rust file.
