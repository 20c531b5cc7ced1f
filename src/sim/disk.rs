//! A replica's disk, as IndexedDB is one: two tables, at most one transaction under way, and an
//! owner. Whoever opens it last owns it, and nobody else writes: a host that was taken for dead and
//! was not is refused.
//!
//! - A transaction is whole or absent.
//! - With strict durability a completed one survives everything.
//! - With relaxed durability a power cut may lose the newest completed ones, and none before those.
//!   Opening the disk is relaxed always: a power cut leaves no host to be kept out.
//! - An aborted transaction has kept nothing, and may be tried again.
//! - Bytes may be damaged later, records may be missing, and everything may be gone at once.

use std::collections::VecDeque;

use crate::planted::{self, Bug};
use crate::wal::{Record, Tables, WriteBatch};

/// When a transaction is reported complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    #[default]
    Strict,
    Relaxed,
}

/// Completed transactions that a power cut may take back, at most, with relaxed durability.
const UNSYNCED_MAX: usize = 8;

/// What the disk holds of a replica's word, to check by what it may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    pub term: u64,
    pub vote: u64,
    pub commit: u64,
    pub last_index: u64,
}

/// A transaction that is complete.
pub struct Completed {
    /// The life of the replica that wrote it.
    pub life: u64,
    pub record: Record,
}

#[derive(Debug, Default)]
pub struct Disk {
    pub tables: Tables,
    pub durable: Durable,
    /// Which life of the replica owns it; counts the lives.
    owner: u64,
    /// Writes begun so far.
    pub begun: u64,
    writing: Option<(u64, WriteBatch)>,
    /// Writes begin but do not complete until told.
    pub held: bool,
    /// So many transactions are still to be aborted.
    pub aborts: u32,
    /// Every transaction is aborted for want of room.
    pub full: bool,
    unsynced: Option<Unsynced>,
}

/// What would be left after a power cut, and what is not sure to be.
#[derive(Debug)]
struct Unsynced {
    tables: Tables,
    durable: Durable,
    batches: VecDeque<WriteBatch>,
}

impl Disk {
    /// A disk that holds nothing but its first batch.
    pub fn of(first: WriteBatch, durability: Durability) -> Self {
        let mut disk = Self::default();
        if let Ok(record) = Record::decode(&first.record) {
            write(&mut disk.tables, &mut disk.durable, &first, &record);
        }
        if durability == Durability::Relaxed {
            disk.unsynced = Some(Unsynced {
                tables: disk.tables.clone(),
                durable: disk.durable,
                batches: VecDeque::new(),
            });
        }
        disk
    }

    /// Makes the next life the owner, and says which it is.
    pub fn open(&mut self) -> u64 {
        self.owner += u64::from(!planted::is(Bug::EpochNotRaised));
        self.owner
    }

    /// The life that owns it.
    pub fn owner(&self) -> u64 {
        self.owner
    }

    /// Everything is gone but the count of lives: no two of them may be taken for one.
    pub fn wipe(&mut self, first: WriteBatch) {
        let durability = match self.unsynced {
            Some(_) => Durability::Relaxed,
            None => Durability::Strict,
        };
        *self = Self {
            owner: self.owner,
            begun: self.begun,
            ..Self::of(first, durability)
        };
    }

    /// Everything is gone, and nobody was asked.
    pub fn evict(&mut self) {
        self.writing = None;
        self.tables = Tables::default();
        self.durable = Durable::default();
        self.sync();
    }

    /// Begins a write of one life; `false` if another one owns the disk.
    #[must_use]
    pub fn begin(&mut self, life: u64, batch: WriteBatch) -> bool {
        if life != self.owner && !planted::is(Bug::EpochNotChecked) {
            return false;
        }
        debug_assert!(self.writing.is_none(), "one write at a time");
        self.begun += 1;
        self.writing = Some((life, batch));
        true
    }

    /// The number of the batch under way.
    pub fn in_flight(&self) -> Option<u64> {
        self.writing.as_ref().map(|(_, batch)| batch.seq)
    }

    /// Whether a leader's snapshot is on its way to the tables.
    pub fn installs(&self) -> bool {
        let batch = self.writing.as_ref().map(|(_, batch)| batch);
        batch.is_some_and(installs)
    }

    /// The transaction under way is complete.
    pub fn complete(&mut self) -> Option<Completed> {
        let (life, batch) = self.writing.take()?;
        let Ok(record) = Record::decode(&batch.record) else {
            unreachable!("a replica's own record decodes");
        };
        write(&mut self.tables, &mut self.durable, &batch, &record);
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.batches.push_back(batch);
            if unsynced.batches.len() > UNSYNCED_MAX {
                unsynced.sync_one();
            }
        }
        Some(Completed { life, record })
    }

    /// The host is gone. A transaction under way is whole or absent.
    pub fn lose_host(&mut self, write_survives: bool) -> Option<Completed> {
        let completed = match write_survives {
            true => self.complete(),
            false => None,
        };
        self.writing = None;
        self.held = false;
        completed
    }

    /// Completed transactions that a power cut may take back.
    pub fn unsynced(&self) -> usize {
        self.unsynced.as_ref().map_or(0, |u| u.batches.len())
    }

    /// The newest completed transactions are gone, all but so many of those that may be.
    pub fn lose_unsynced(&mut self, kept: usize) {
        if let Some(unsynced) = &mut self.unsynced {
            for _ in 0..kept {
                unsynced.sync_one();
            }
            unsynced.batches.clear();
            self.tables = unsynced.tables.clone();
            self.durable = unsynced.durable;
        }
    }

    /// Whatever is in the tables is there to stay.
    fn sync(&mut self) {
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.batches.clear();
            unsynced.tables = self.tables.clone();
            unsynced.durable = self.durable;
        }
    }
}

impl Unsynced {
    fn sync_one(&mut self) {
        if let Some(batch) = self.batches.pop_front()
            && let Ok(record) = Record::decode(&batch.record)
        {
            write(&mut self.tables, &mut self.durable, &batch, &record);
        }
    }
}

/// Whether a batch holds a leader's snapshot, which replaces all there is.
pub fn installs(batch: &WriteBatch) -> bool {
    batch.snapshot.is_some() && batch.drop_records_below == Some(batch.seq)
}

fn write(tables: &mut Tables, durable: &mut Durable, batch: &WriteBatch, record: &Record) {
    tables.write(batch);
    durable.term = record.hard_state.term;
    durable.vote = record.hard_state.vote;
    durable.commit = record.hard_state.commit;
    if let Some((index, _)) = record.snapshot {
        durable.commit = durable.commit.max(index);
        // A leader's snapshot takes the place of all there was.
        durable.last_index = match installs(batch) {
            true => index,
            false => durable.last_index.max(index),
        };
    }
    if let Some(entry) = record.entries.last() {
        durable.last_index = entry.index;
    }
}
