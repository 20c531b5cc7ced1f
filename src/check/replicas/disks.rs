//! The disks: logs that agree, writes of one owner, and restarts that go on from them.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Replicas;
use crate::node::Node;
use crate::sim::disk::{Completed, Disk, Durable};
use crate::wal::{Record, Snapshot};
use crate::wire::{LogEntry, NodeId};

/// Snapshots on a disk: the newest, and the one before.
const SNAPSHOTS_MAX: usize = 2;

/// The newest write of a replica.
#[derive(Clone, Copy, Default)]
pub(super) struct Written {
    seq: u64,
    /// The life that wrote it.
    life: u64,
    /// Index and term of the last entry on the disk.
    last: (u64, u64),
}

impl Replicas {
    /// A write of a replica is complete.
    pub fn wrote(&mut self, id: NodeId, completed: &Completed, disk: &Disk) {
        let Completed { life, record, .. } = completed;
        let before = self.written.get(&id).copied().unwrap_or_default();
        let follows = before.seq == 0 || record.seq == before.seq + 1;
        if !follows || *life < before.life || *life != disk.owner() {
            let (seq, owner) = (record.seq, disk.owner());
            self.violated(format!(
                "{id} wrote #{seq} after #{} in life {life} after {}; its disk is that of {owner}",
                before.seq, before.life
            ));
        }
        let last = self.match_logs(id, record, before.last);
        let written = Written {
            seq: record.seq,
            life: *life,
            last,
        };
        self.written.insert(id, written);
        if record.snapshot.is_some() {
            self.is_bounded(id, disk);
        }
    }

    /// Log matching: two entries of one index and term are equal, and so is what precedes them.
    fn match_logs(&mut self, id: NodeId, record: &Record, last: (u64, u64)) -> (u64, u64) {
        let mut before = match record.snapshot {
            Some(at) if at > last => at,
            _ => last,
        };
        for entry in &record.entries {
            // Of the first one the record does not say what is before it, unless it is the end.
            let term_before = (before.0 + 1 == entry.index).then_some(before.1);
            let found = (fingerprint(entry), term_before);
            let place = (entry.index, entry.term);
            let known = self.entries.entry(place).or_insert(found);
            let agree = known.0 == found.0
                && (known.1.is_none() || found.1.is_none() || known.1 == found.1);
            known.1 = known.1.or(found.1);
            if !agree {
                self.violated(format!(
                    "{id} has another entry at {place:?}, or another before it, than others have"
                ));
            }
            before = place;
        }
        before
    }

    /// What a new snapshot stands for is deleted with it, but for what the one before it needs.
    fn is_bounded(&mut self, id: NodeId, disk: &Disk) {
        let tables = &disk.tables;
        // One that is damaged was done without, and stands beside those until the next.
        let is_whole = |(_, bytes): &&(u64, Vec<u8>)| Snapshot::decode(bytes).is_ok();
        let many = tables.snapshots.len();
        if many > SNAPSHOTS_MAX && tables.snapshots.iter().filter(is_whole).count() > SNAPSHOTS_MAX
        {
            self.violated(format!("{id} keeps {many} snapshots"));
        }
        let older = tables.snapshots.first().map_or(0, |(index, _)| *index);
        let needless = |bytes: &[u8]| {
            let last = Record::decode(bytes).ok()?.entries.last()?.index;
            (last <= older).then_some(last)
        };
        let first = tables.records.first();
        if let Some(last) = first.and_then(|(_, bytes)| needless(bytes)) {
            self.violated(format!(
                "{id} keeps a record of entries up to {last}, and a snapshot at {older}"
            ));
        }
    }

    /// A member's disk is gone, and its word with it.
    pub fn forgot(&mut self, id: NodeId) {
        self.forgetful.insert(id);
    }

    /// A replica came back from its disk: with all that is durable. The rest may be gone.
    pub fn restarted(&mut self, id: NodeId, node: &Node, durable: Durable) {
        self.seen.remove(&id);
        let report = node.report();
        let term_and_vote = (report.term, report.vote);
        let in_force = self.in_force.get(&id).copied().unwrap_or(0);
        if report.commit < in_force {
            let commit = report.commit;
            self.violated(format!(
                "{id} came back with commit {commit}, and had the membership of {in_force} in force"
            ));
        }
        // A sole voter leads at once, in the next term.
        let goes_on = report.term > durable.term || term_and_vote == (durable.term, durable.vote);
        if !goes_on || report.commit < durable.commit || report.last_index < durable.last_index {
            self.violated(format!(
                "{id} came back in term {} with a vote for {}, commit {} and log up to {}; its \
                 disk has {durable:?}",
                report.term, report.vote, report.commit, report.last_index
            ));
        }
    }
}

fn fingerprint(entry: &LogEntry) -> u64 {
    xxh3_64_with_seed(
        &entry.data,
        xxh3_64_with_seed(&entry.context, entry.kind as u64),
    )
}
