//! How a disk begins: the first batch of every replica.

use super::record::{HardState, Record, WriteBatch};
use super::replay::Tables;
use super::snapshot::Snapshot;
use crate::wire::{ClusterId, Membership, NodeId};

/// The first batch of a founder of a new cluster. A cluster begins as a snapshot at index 1, the
/// same on every founder, so that a replica added later is never taken for one that has only to
/// read the log from the start: the membership it needs is in the snapshot.
pub fn bootstrap(cluster: ClusterId, node: NodeId, membership: Membership) -> WriteBatch {
    let snapshot = Snapshot {
        membership,
        ..beginning(cluster)
    };
    first(cluster, node, snapshot)
}

/// The first batch of a founder of a cluster that goes on from a backup. It is another cluster
/// than the one the backup was taken from: it has an identity, terms and indices of its own, and
/// knows none of the old one's sessions.
pub fn found(
    cluster: ClusterId,
    node: NodeId,
    membership: Membership,
    backup: &Snapshot,
) -> WriteBatch {
    let snapshot = Snapshot {
        membership,
        store: backup.store.without_sessions(),
        ..beginning(cluster)
    };
    first(cluster, node, snapshot)
}

/// The first batch of a replica that joins a cluster which is there already. It has nothing, not
/// even members, and waits for a leader's snapshot. Until it has one it grants no vote: it may
/// have had another life under its id, and forgotten it.
pub fn join(cluster: ClusterId, node: NodeId) -> WriteBatch {
    first(cluster, node, Snapshot::nothing(cluster))
}

/// Whether a disk is that of a replica which joins and has promised nothing yet: no vote, no entry.
pub fn is_untouched(tables: &Tables) -> bool {
    let newest = tables
        .records
        .last()
        .map(|(_, bytes)| Record::decode(bytes));
    let no_vote = matches!(newest, Some(Ok(record)) if record.hard_state.vote == 0);
    let at_nothing = |(index, _): &(u64, Vec<u8>)| *index == 0;
    no_vote && !tables.snapshots.is_empty() && tables.snapshots.iter().all(at_nothing)
}

fn beginning(cluster: ClusterId) -> Snapshot {
    Snapshot {
        index: 1,
        term: 1,
        ..Snapshot::nothing(cluster)
    }
}

fn first(cluster: ClusterId, node: NodeId, snapshot: Snapshot) -> WriteBatch {
    let (index, term) = (snapshot.index, snapshot.term);
    let membership = (index > 0).then(|| (index, snapshot.membership.clone()));
    let record = Record {
        cluster,
        node,
        seq: 1,
        from_seq: 1,
        oldest_seq: 1,
        hard_state: HardState {
            term,
            vote: 0,
            commit: index,
        },
        led_term: 0,
        entries: Vec::new(),
        membership,
        snapshot: Some((index, term)),
    };
    WriteBatch {
        seq: 1,
        record: record.encode(),
        snapshot: Some((index, snapshot.encode())),
        folds_from: None,
        drop_records_below: None,
        drop_snapshots_below: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::replay;

    fn tables(batches: &[WriteBatch]) -> Tables {
        let mut tables = Tables::default();
        batches.iter().for_each(|batch| tables.write(batch));
        tables
    }

    #[test]
    fn a_joiner_begins_before_the_first_entry_and_is_untouched_until_it_votes() {
        let mut disk = tables(&[join(7, 4)]);
        let recovered = replay(7, 4, &disk).expect("a whole disk");
        assert_eq!((recovered.snapshot, recovered.applied), ((0, 0), 0));
        assert_eq!((recovered.base, recovered.entries.len()), ((0, 0), 0));
        assert!(recovered.committed().is_nothing());
        assert!(is_untouched(&disk));
        let mut record = Record::decode(&disk.records[0].1).expect("a record");
        record.seq = 2;
        record.snapshot = None;
        record.hard_state.term = 3;
        let batch = |record: &Record| WriteBatch {
            seq: record.seq,
            record: record.encode(),
            snapshot: None,
            folds_from: None,
            drop_records_below: None,
            drop_snapshots_below: None,
        };
        disk.write(&batch(&record));
        assert!(is_untouched(&disk), "hearing of a term promises nothing");
        record.seq = 3;
        record.hard_state.vote = 1;
        disk.write(&batch(&record));
        assert!(!is_untouched(&disk));
    }

    #[test]
    fn founders_and_empty_disks_are_not_untouched_joiners() {
        let founder = bootstrap(7, 1, Membership::of_voters([1]));
        assert!(!is_untouched(&tables(&[founder])));
        assert!(!is_untouched(&Tables::default()));
    }

    #[test]
    fn a_restored_founder_has_the_pairs_and_no_sessions() {
        let mut old = Snapshot::decode(
            &bootstrap(7, 1, Membership::of_voters([1]))
                .snapshot
                .expect("one")
                .1,
        )
        .expect("a snapshot");
        old.store.apply(2, 1, &crate::kv::Command::Open.encode());
        let put = crate::kv::Command::Write {
            session: 2,
            seq: 1,
            answered_below: 1,
            op: crate::kv::Op::Put {
                key: "a".into(),
                value: "1".into(),
            },
        };
        old.store.apply(3, 1, &put.encode());
        let backup = Snapshot::decode_backup(&old.encode_backup()).expect("a backup");
        let disk = tables(&[found(8, 2, Membership::of_voters([1, 2]), &backup)]);
        let mut new = replay(8, 2, &disk).expect("a whole disk");
        assert_eq!((new.cluster, new.snapshot), (8, (1, 1)));
        assert_eq!(new.store.get("a").map(|value| &value[..]), Some(&b"1"[..]));
        let again = new.store.apply(2, 2, &put.encode());
        let expired = crate::kv::Refusal::SessionExpired;
        assert_eq!(again.outcome, crate::kv::Outcome::Refused(expired));
    }

    #[test]
    fn a_backup_is_no_snapshot_and_the_other_way_round() {
        use crate::frame::FrameError;
        let snapshot = Snapshot::decode(
            &bootstrap(7, 1, Membership::of_voters([1]))
                .snapshot
                .expect("one")
                .1,
        )
        .expect("a snapshot");
        let wrong = FrameError::Kind {
            found: 2,
            wanted: 4,
        };
        assert_eq!(Snapshot::decode_backup(&snapshot.encode()), Err(wrong));
        let wrong = FrameError::Kind {
            found: 4,
            wanted: 2,
        };
        assert_eq!(Snapshot::decode(&snapshot.encode_backup()), Err(wrong));
        let nothing = Snapshot::nothing(7).encode_backup();
        assert_eq!(Snapshot::decode_backup(&nothing), Err(FrameError::Contents));
    }
}
