//! A replica's disk: two tables, at most one write under way, and an owner. Whoever opens it last
//! owns it, and nobody else writes: a host that was taken for dead and was not is refused.

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
    /// Which life of the replica owns it; counts the lives.
    owner: u64,
    /// Writes begun so far.
    pub begun: u64,
    writing: Option<WriteBatch>,
    /// Writes begin but do not complete until told.
    pub held: bool,
}

impl Disk {
    /// A disk that holds nothing but its first batch.
    pub fn of(first: WriteBatch) -> Self {
        let mut disk = Self {
            writing: Some(first),
            ..Self::default()
        };
        disk.complete();
        disk
    }

    /// Makes the next life the owner, and says which it is.
    pub fn open(&mut self) -> u64 {
        self.owner += 1;
        self.owner
    }

    /// The life that owns it.
    pub fn owner(&self) -> u64 {
        self.owner
    }

    /// Everything is gone but the count of lives: no two of them may be taken for one.
    pub fn wipe(&mut self, first: WriteBatch) {
        *self = Self {
            owner: self.owner,
            ..Self::of(first)
        };
    }

    /// Begins a write of one life; `false` if another one owns the disk.
    #[must_use]
    pub fn begin(&mut self, life: u64, batch: WriteBatch) -> bool {
        if life != self.owner {
            return false;
        }
        debug_assert!(self.writing.is_none(), "one write at a time");
        self.begun += 1;
        self.writing = Some(batch);
        true
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
