//! A replica's disk: two tables and at most one write under way.

use crate::wal::{Record, Tables, WriteBatch};

/// What the disk holds of a replica's word, to check by what it may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    pub term: u64,
    pub vote: u64,
    pub last_index: u64,
}

#[derive(Debug, Default)]
pub struct Disk {
    pub tables: Tables,
    pub durable: Durable,
    writing: Option<WriteBatch>,
    /// Writes begin but do not complete until told.
    pub held: bool,
}

impl Disk {
    pub fn begin(&mut self, batch: WriteBatch) {
        debug_assert!(self.writing.is_none(), "one write at a time");
        self.writing = Some(batch);
    }

    /// The number of the batch under way.
    pub fn in_flight(&self) -> Option<u64> {
        self.writing.as_ref().map(|batch| batch.seq)
    }

    pub fn complete(&mut self) {
        let Some(batch) = self.writing.take() else {
            return;
        };
        self.tables.write(&batch);
        let Ok(record) = Record::decode(&batch.record) else {
            unreachable!("a replica's own record decodes");
        };
        self.durable.term = record.hard_state.term;
        self.durable.vote = record.hard_state.vote;
        if let Some((index, _)) = record.snapshot {
            self.durable.last_index = self.durable.last_index.max(index);
        }
        if let Some(entry) = record.entries.last() {
            self.durable.last_index = entry.index;
        }
    }

    /// The host is gone. A transaction under way is whole or absent.
    pub fn lose_power(&mut self, write_survives: bool) {
        if write_survives {
            self.complete();
        }
        self.writing = None;
        self.held = false;
    }
}
