//! Graphs on the CPU, and checks of gradients, with operations of the tests' own.

mod gradients;
mod graphs;
mod operations;
