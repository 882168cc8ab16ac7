//! Data sets, loaders and transforms of wgrad.
