//! Folding: many small records become one.
//!
//! Where few write at a time a record holds little, and reading a thousand of them takes a restart
//! far longer than reading the same bytes in one. So the newest record, when enough small ones
//! precede it, holds their entries too, and they are deleted in the transaction that writes it:
//! it has the newest hard state, as every record has. Each entry is folded once, and large records
//! are not, so that at most twice the bytes are written, and that only where bytes are few.

use crate::wal::replay::Extent;

/// Bytes of the records folded into one: beyond that they are large enough to be read one by one.
const BYTES_MAX: u64 = 64 << 10;

/// The newest records, as far back as they could be folded.
#[derive(Debug, Default)]
pub struct Run {
    records: u64,
    bytes: u64,
    from_seq: u64,
    /// The least index of their entries; 0 for none.
    first_index: u64,
}

impl Run {
    pub fn of<'a>(extents: impl Iterator<Item = &'a Extent>) -> Self {
        let mut run = Self::default();
        extents.for_each(|extent| run.add(extent));
        run
    }

    /// Takes in the newest record.
    pub fn add(&mut self, extent: &Extent) {
        if !extent.foldable || self.bytes + extent.bytes > BYTES_MAX {
            *self = Self::default();
            return;
        }
        if self.records == 0 {
            self.from_seq = extent.seq;
        }
        self.records += 1;
        self.bytes += extent.bytes;
        self.first_index = match (self.first_index, extent.first_index) {
            (0, index) | (index, 0) => index,
            (one, other) => one.min(other),
        };
    }

    /// Ends the run if it has so many records: from which record, and with the entries from which index
    /// (0 for none), the next one is to stand for them all.
    pub fn take_due(&mut self, records: u64) -> Option<(u64, u64)> {
        if self.records < records.max(1) {
            return None;
        }
        let run = std::mem::take(self);
        Some((run.from_seq, run.first_index))
    }
}
