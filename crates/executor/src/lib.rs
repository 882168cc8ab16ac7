//! Runs wgrad's plans through wgpu.
