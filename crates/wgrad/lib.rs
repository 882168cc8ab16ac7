//! Train and run neural networks with WGSL compute shaders, on any GPU, through wgpu.
