//! Runs wgrad's graphs on the CPU: the oracle of every kernel, and the device of last resort.
