//! Pictures of training: curves and grids of digits.
