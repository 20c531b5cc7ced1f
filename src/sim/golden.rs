//! Runs whose every byte is known: the same seed is the same run, natively and in wasm.

/// Seeds, and the hash of all that is sent and written in the run of each.
pub const GOLDEN: &[(u64, u64)] = &[];
