//! Training and inference in the frames of an application that owns the device.

mod application;
mod checkpoints;
mod evaluations;
mod lending;
mod prediction;
mod steps;
mod textures;
