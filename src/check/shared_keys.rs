//! The keys that other clients write, as hashes.

use xxhash_rust::xxh3::xxh3_64;

/// Keys are remembered as bits, of which this many can be set.
const BITS: usize = 1 << 22;

/// What other clients are told of a key.
pub fn hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

/// A set of keys that may say yes where it should say no, never the contrary (Bloom, 1970).
#[derive(Default)]
pub(super) struct SharedKeys {
    /// Made when there is a first key.
    bits: Vec<u64>,
}

impl SharedKeys {
    pub fn add(&mut self, hash: u64) {
        if self.bits.is_empty() {
            self.bits = vec![0; BITS / 64];
        }
        for bit in bits_of(hash) {
            self.bits[bit / 64] |= 1 << (bit % 64);
        }
    }

    pub fn has(&self, hash: u64) -> bool {
        !self.bits.is_empty()
            && bits_of(hash)
                .iter()
                .all(|bit| self.bits[bit / 64] >> (bit % 64) & 1 == 1)
    }
}

fn bits_of(hash: u64) -> [usize; 3] {
    [0, 21, 42].map(|shift| (hash >> shift) as usize % BITS)
}
