//! What a run of pairs is, in short: to tell whether two clusters hold the same.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

/// Count, bytes and digest of pairs. Equal runs in the order of their keys have equal tallies,
/// wherever they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub pairs: u64,
    /// Of keys and values.
    pub bytes: u64,
    digest: u128,
}

impl Tally {
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut tally = Self::default();
        for (key, value) in pairs {
            tally.add(key, value);
        }
        tally
    }

    /// Counts the next pair; keys come in ascending order.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        // The lengths, so that no byte can pass from a key to its value unseen.
        let mut all = Vec::with_capacity(32 + key.len() + value.len());
        all.extend(self.digest.to_le_bytes());
        all.extend((key.len() as u64).to_le_bytes());
        all.extend((value.len() as u64).to_le_bytes());
        all.extend(key);
        all.extend(value);
        self.digest = xxh3_128(&all);
        self.pairs += 1;
        self.bytes += (key.len() + value.len()) as u64;
    }

    /// 32 hex digits; of no pairs, zeros.
    pub fn digest(&self) -> String {
        format!("{:032x}", self.digest)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} pairs of digest {}", self.pairs, self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(pairs: &[(&[u8], &[u8])]) -> Tally {
        Tally::of(pairs.iter().copied())
    }

    #[test]
    fn whatever_differs_tells() {
        let pairs: [&[(&[u8], &[u8])]; 7] = [
            &[],
            &[(b"a", b"")],
            &[(b"", b"a")],
            &[(b"ab", b"c")],
            &[(b"a", b"bc")],
            &[(b"a", b"1"), (b"b", b"2")],
            &[(b"a", b"2"), (b"b", b"1")],
        ];
        for (n, one) in pairs.iter().enumerate() {
            for other in &pairs[..n] {
                assert_ne!(tally(one).digest(), tally(other).digest());
            }
            assert_eq!(tally(one), tally(one));
        }
        assert_eq!(tally(pairs[5]).pairs, 2);
        assert_eq!(tally(pairs[4]).bytes, 3);
    }
}
