//! Tensors, graphs, automatic differentiation, fusion and plans of wgrad, without a GPU.
