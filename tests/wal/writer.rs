//! Random histories of a disk, and what should come back from each.

use proptest::prelude::*;
use tabraft::wal::{Damage, HardState, Recovered, Replay, Tables, WriteBatch, bootstrap, replay};
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
    /// One record in place of the newest so many.
    Fold {
        records: usize,
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
        2 => (1usize..6).prop_map(|records| Deed::Fold { records }),
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
    written: Vec<Written>,
}

/// What a record covers: its number, the first one it stands for, its entries' first and last
/// index, and whether it speaks of a snapshot.
struct Written {
    seq: u64,
    from: u64,
    indices: Option<(u64, u64)>,
    marks: bool,
}

impl Written {
    fn last(&self) -> u64 {
        self.indices.map_or(0, |(_, last)| last)
    }
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
            written: vec![Written {
                seq: 1,
                from: 1,
                indices: None,
                marks: true,
            }],
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
                self.write(new, None, false, None);
            }
            Deed::Commit { more } => {
                self.hard_state.commit = self.last().min(self.hard_state.commit + more);
                self.write(Vec::new(), None, false, None);
            }
            Deed::Vote(vote) => {
                self.hard_state.term += 1;
                self.hard_state.vote = vote;
                self.write(Vec::new(), None, false, None);
            }
            Deed::TakeSnapshot => {
                let index = self.hard_state.commit;
                if index > self.newest.0 {
                    let at = (index, self.term_at(index));
                    self.write(Vec::new(), Some(at), false, None);
                }
            }
            Deed::InstallSnapshot { ahead } => {
                self.hard_state.term += 1;
                self.base = (self.last() + ahead, self.hard_state.term);
                self.log.clear();
                self.hard_state.commit = self.base.0;
                self.write(Vec::new(), Some(self.base), true, None);
            }
            Deed::Fold { records } => {
                let run = self.written.iter().rev();
                let run: Vec<_> = run.take_while(|it| !it.marks).take(records).collect();
                let Some(from) = run.last().map(|it| it.from) else {
                    return;
                };
                let firsts = run.iter().filter_map(|it| it.indices);
                let first = firsts.map(|(first, _)| first).min();
                let since = first.map_or(self.log.len(), |it| (it - self.base.0) as usize - 1);
                self.write(self.log[since..].to_vec(), None, false, Some(from));
            }
        }
    }

    fn write(
        &mut self,
        entries: Vec<LogEntry>,
        at: Option<(u64, u64)>,
        installed: bool,
        folds_from: Option<u64>,
    ) {
        self.seq += 1;
        self.written
            .retain(|it| folds_from.is_none_or(|from| it.seq < from));
        let ends = entries.first().zip(entries.last());
        self.written.push(Written {
            seq: self.seq,
            from: folds_from.unwrap_or(self.seq),
            indices: ends.map(|(first, last)| (first.index, last.index)),
            marks: at.is_some(),
        });
        let mut record = record(
            self.seq,
            self.hard_state.term,
            self.hard_state.commit,
            entries,
        );
        record.hard_state = self.hard_state;
        record.snapshot = at;
        let body = at.map(|(index, term)| snapshot(index, term));
        record.from_seq = folds_from.unwrap_or(self.seq);
        let (mut drop_records_below, mut drop_snapshots_below) = (None, None);
        if let Some(at) = at {
            let needed = |it: &&Written| it.last() > self.newest.0;
            let first = self.written.iter().find(needed).map(|it| it.seq);
            drop_records_below = if installed { Some(self.seq) } else { first };
            drop_snapshots_below = Some(if installed { at.0 } else { self.newest.0 });
            self.newest = at;
            self.written.retain(|it| Some(it.seq) >= drop_records_below);
        }
        record.oldest_seq = self.written.first().map_or(self.seq, |it| it.seq);
        self.tables.write(&WriteBatch {
            folds_from,
            drop_records_below,
            drop_snapshots_below,
            ..batch(&record, body.as_ref())
        });
    }

    pub fn check(&self, tables: &Tables, newest: u64) -> Result<(), TestCaseError> {
        let recovered = replay(CLUSTER, NODE, tables);
        let recovered = recovered.map_err(|damage| TestCaseError::fail(damage.to_string()))?;
        prop_assert_eq!(recovered.hard_state, self.hard_state);
        prop_assert_eq!(recovered.snapshot.0, newest);
        prop_assert_eq!(recovered.last_seq, self.seq);
        let first = recovered.base.0 + 1;
        prop_assert!(first <= newest + 1);
        prop_assert_eq!(recovered.base.1, self.term_at(recovered.base.0));
        let since = (recovered.base.0 - self.base.0) as usize;
        prop_assert_eq!(&recovered.entries[..], &self.log[since..]);
        Ok(())
    }

    /// What was read ahead, some time ago, comes to the same as what is read now.
    /// `is_new`: nothing was written since, so nothing is left to apply.
    pub fn check_ahead(&self, ahead: &Replay, is_new: bool) -> Result<(), TestCaseError> {
        let failed = |damage: Damage| TestCaseError::fail(damage.to_string());
        let plain = replay(CLUSTER, NODE, &self.tables).map_err(failed)?;
        let ahead = ahead.clone().finish(&self.tables).map_err(failed)?;
        prop_assert!((ahead.snapshot.0..=ahead.hard_state.commit).contains(&ahead.applied));
        prop_assert!(!is_new || ahead.applied == ahead.hard_state.commit);
        let as_plain = Recovered {
            store: plain.store.clone(),
            applied: plain.applied,
            ..ahead.clone()
        };
        prop_assert_eq!(&as_plain, &plain);
        prop_assert_eq!(ahead.committed(), plain.committed());
        Ok(())
    }
}
