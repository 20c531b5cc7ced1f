//! Random histories of a disk, and what should come back from each.

use proptest::prelude::*;
use tabraft::wal::{HardState, Tables, bootstrap, replay};
use tabraft::wire::{LogEntry, Membership};

use super::{CLUSTER, NODE, batch, entry, record, snapshot};

/// What a replica does that ends up on its disk.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Entries are appended, after so many uncommitted ones are replaced.
    Append {
        replaced: u64,
        count: u64,
        new_term: bool,
    },
    Commit {
        more: u64,
    },
    Vote(u64),
    TakeSnapshot,
    InstallSnapshot {
        ahead: u64,
    },
}

pub fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0u64..3, 1u64..5, any::<bool>()).prop_map(|(replaced, count, new_term)| {
            Deed::Append { replaced, count, new_term: new_term || replaced > 0 }
        }),
        3 => (1u64..5).prop_map(|more| Deed::Commit { more }),
        1 => (1u64..4).prop_map(Deed::Vote),
        2 => Just(Deed::TakeSnapshot),
        1 => (1u64..4).prop_map(|ahead| Deed::InstallSnapshot { ahead }),
    ]
}

/// A disk and, beside it, what should come back from it.
pub struct Writer {
    pub tables: Tables,
    hard_state: HardState,
    seq: u64,
    /// Everything since the last installed snapshot.
    log: Vec<LogEntry>,
    base: (u64, u64),
    pub newest: (u64, u64),
    /// Number and last index of each record.
    extents: Vec<(u64, u64)>,
}

impl Writer {
    pub fn new() -> Self {
        let mut tables = Tables::default();
        tables.write(&bootstrap(CLUSTER, NODE, Membership::of_voters([1, 2, 3])));
        Self {
            tables,
            hard_state: HardState {
                term: 1,
                vote: 0,
                commit: 1,
            },
            seq: 1,
            log: Vec::new(),
            base: (1, 1),
            newest: (1, 1),
            extents: vec![(1, 0)],
        }
    }

    fn last(&self) -> u64 {
        self.base.0 + self.log.len() as u64
    }

    fn term_at(&self, index: u64) -> u64 {
        match index - self.base.0 {
            0 => self.base.1,
            offset => self.log[offset as usize - 1].term,
        }
    }

    pub fn does(&mut self, deed: &Deed) {
        match *deed {
            Deed::Append {
                replaced,
                count,
                new_term,
            } => {
                let uncommitted = self.last() - self.hard_state.commit;
                let kept = self.last() - self.base.0 - replaced.min(uncommitted);
                self.log.truncate(kept as usize);
                self.hard_state.term += u64::from(new_term);
                let first = self.last() + 1;
                let new: Vec<_> = (first..first + count)
                    .map(|index| entry(index, self.hard_state.term))
                    .collect();
                self.log.extend(new.clone());
                self.write(new, None, false);
            }
            Deed::Commit { more } => {
                self.hard_state.commit = self.last().min(self.hard_state.commit + more);
                self.write(Vec::new(), None, false);
            }
            Deed::Vote(vote) => {
                self.hard_state.term += 1;
                self.hard_state.vote = vote;
                self.write(Vec::new(), None, false);
            }
            Deed::TakeSnapshot => {
                let index = self.hard_state.commit;
                if index > self.newest.0 {
                    self.write(Vec::new(), Some((index, self.term_at(index))), false);
                }
            }
            Deed::InstallSnapshot { ahead } => {
                self.hard_state.term += 1;
                self.base = (self.last() + ahead, self.hard_state.term);
                self.log.clear();
                self.hard_state.commit = self.base.0;
                self.write(Vec::new(), Some(self.base), true);
            }
        }
    }

    fn write(&mut self, entries: Vec<LogEntry>, at: Option<(u64, u64)>, installed: bool) {
        self.seq += 1;
        let last_index = entries.last().map_or(0, |entry| entry.index);
        self.extents.push((self.seq, last_index));
        let mut record = record(
            self.seq,
            self.hard_state.term,
            self.hard_state.commit,
            entries,
        );
        record.hard_state = self.hard_state;
        record.snapshot = at;
        let body = at.map(|(index, term)| snapshot(index, term));
        let mut batch = batch(&record, body.as_ref());
        if let Some(at) = at {
            let needed = |&&(_, last): &&(u64, u64)| last > self.newest.0;
            let first = self.extents.iter().find(needed).map(|(seq, _)| *seq);
            batch.drop_records_below = if installed { Some(self.seq) } else { first };
            batch.drop_snapshots_below = Some(if installed { at.0 } else { self.newest.0 });
            self.newest = at;
            self.extents
                .retain(|(seq, _)| Some(*seq) >= batch.drop_records_below);
        }
        self.tables.write(&batch);
    }

    pub fn check(&self, tables: &Tables, newest: u64) -> Result<(), TestCaseError> {
        let recovered = replay(CLUSTER, NODE, tables);
        let recovered = recovered.map_err(|damage| TestCaseError::fail(damage.to_string()))?;
        prop_assert_eq!(recovered.hard_state, self.hard_state);
        prop_assert_eq!(recovered.snapshot.index, newest);
        prop_assert_eq!(recovered.last_seq, self.seq);
        let first = recovered.base.0 + 1;
        prop_assert!(first <= newest + 1);
        prop_assert_eq!(recovered.base.1, self.term_at(recovered.base.0));
        let since = (recovered.base.0 - self.base.0) as usize;
        prop_assert_eq!(&recovered.entries[..], &self.log[since..]);
        Ok(())
    }
}
