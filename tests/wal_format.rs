//! What the disk's format promises: damage is recognised, and everything else is replayed.

#[path = "wal/writer.rs"]
mod writer;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tabraft::frame::FrameError;
use tabraft::kv::{Command, Store};
use tabraft::wal::{
    Damage, HardState, Record, Replay, Snapshot, Tables, WriteBatch, bootstrap, replay,
};
use tabraft::wire::{EntryKind, LogEntry, Membership};

const CLUSTER: u64 = 0xc1;
const NODE: u64 = 1;

fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry {
        index,
        term,
        kind: EntryKind::Normal,
        data: Bytes::from(Command::Open.encode()),
        context: Bytes::new(),
    }
}

fn record(seq: u64, term: u64, commit: u64, entries: Vec<LogEntry>) -> Record {
    Record {
        cluster: CLUSTER,
        node: NODE,
        seq,
        from_seq: seq,
        oldest_seq: 1,
        hard_state: HardState {
            term,
            vote: 0,
            commit,
        },
        led_term: 0,
        entries,
        membership: None,
        snapshot: None,
    }
}

fn snapshot(index: u64, term: u64) -> Snapshot {
    let mut store = Store::default();
    store.apply(index, term, &Command::Open.encode());
    Snapshot {
        cluster: CLUSTER,
        index,
        term,
        membership: Membership::of_voters([1, 2, 3]),
        store,
    }
}

fn batch(record: &Record, body: Option<&Snapshot>) -> WriteBatch {
    WriteBatch {
        seq: record.seq,
        record: record.encode(),
        snapshot: body.map(|snapshot| (snapshot.index, snapshot.encode())),
        folds_from: None,
        drop_records_below: None,
        drop_snapshots_below: None,
    }
}

/// A new disk with the bootstrap record and one more with entries 2 to 5, of which 4 are committed.
fn young() -> Tables {
    let mut tables = Tables::default();
    tables.write(&bootstrap(CLUSTER, NODE, Membership::of_voters([1, 2, 3])));
    let entries = (2..=5).map(|index| entry(index, 2)).collect();
    tables.write(&batch(&record(2, 2, 4, entries), None));
    tables
}

/// The same with a snapshot of its own at 4, in record 3.
fn with_own_snapshot() -> Tables {
    let mut tables = young();
    let mut third = record(3, 2, 5, vec![entry(6, 2)]);
    third.snapshot = Some((4, 2));
    tables.write(&batch(&third, Some(&snapshot(4, 2))));
    tables
}

#[test]
fn a_bootstrapped_disk_is_where_a_cluster_begins() {
    let mut tables = Tables::default();
    let membership = Membership::of_voters([1, 2, 3]);
    tables.write(&bootstrap(CLUSTER, NODE, membership.clone()));
    let recovered = replay(CLUSTER, NODE, &tables).expect("it is whole");
    assert_eq!(recovered.membership, membership);
    assert_eq!((recovered.base, recovered.entries.len()), ((1, 1), 0));
    let commit = HardState {
        term: 1,
        vote: 0,
        commit: 1,
    };
    assert_eq!(recovered.hard_state, commit);
}

#[test]
fn what_was_committed_is_not_replaced() {
    let mut tables = young();
    tables.write(&batch(&record(3, 3, 4, vec![entry(4, 3)]), None));
    let damage = replay(CLUSTER, NODE, &tables).expect_err("4 was committed");
    assert!(
        matches!(damage, Damage::Inconsistent { seq: 3, .. }),
        "{damage}"
    );
    let mut tables = young();
    tables.write(&batch(&record(3, 3, 4, vec![entry(5, 3)]), None));
    let recovered = replay(CLUSTER, NODE, &tables).expect("5 was not");
    assert_eq!(recovered.entries.last(), Some(&entry(5, 3)));
}

#[test]
fn a_gap_is_refused() {
    let mut tables = with_own_snapshot();
    tables.records.remove(1);
    let missing = Damage::MissingRecord { seq: 2 };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(missing));
}

/// A record that stands for others must come right after what is left, and for nothing that is.
#[test]
fn a_fold_that_does_not_fit_is_refused() {
    let folded = |from_seq| {
        let mut tables = with_own_snapshot();
        let mut fold = record(9, 2, 5, vec![entry(6, 2), entry(7, 2)]);
        fold.from_seq = from_seq;
        tables.write(&batch(&fold, None));
        replay(CLUSTER, NODE, &tables)
    };
    let recovered = folded(4).expect("right after the third");
    assert_eq!((recovered.last_seq, recovered.entries.len()), (9, 5));
    assert_eq!(folded(5), Err(Damage::MissingRecord { seq: 4 }));
    for (from_seq, what) in [
        (3, "it stands for records that are still there"),
        (10, "it stands for records that come after it"),
    ] {
        let damage = Damage::Inconsistent { seq: 9, what };
        assert_eq!(folded(from_seq), Err(damage));
    }
}

#[test]
fn a_log_that_begins_too_late_is_refused() {
    let mut tables = young();
    tables.write(&batch(&record(3, 2, 5, vec![entry(6, 2)]), None));
    tables.records.drain(..2);
    let missing = Damage::MissingRecord { seq: 1 };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(missing));
}

/// Also where nothing that is left needs it: it may have held what was acknowledged.
#[test]
fn a_missing_first_record_is_noticed() {
    let mut tables = young();
    tables.write(&batch(&record(3, 2, 5, vec![entry(6, 2)]), None));
    let mut fourth = record(4, 2, 5, vec![]);
    fourth.snapshot = Some((5, 2));
    fourth.oldest_seq = 3;
    let dropping = WriteBatch {
        drop_records_below: Some(3),
        ..batch(&fourth, Some(&snapshot(5, 2)))
    };
    tables.write(&dropping);
    assert!(replay(CLUSTER, NODE, &tables).is_ok());
    tables.records.remove(0);
    let missing = Damage::MissingRecord { seq: 3 };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(missing));
}

/// A record alone does not do without the snapshot it speaks of.
#[test]
fn a_missing_snapshot_is_named() {
    let mut tables = with_own_snapshot();
    let mut fourth = record(4, 2, 6, vec![]);
    fourth.oldest_seq = 3;
    let dropping = WriteBatch {
        drop_records_below: Some(3),
        ..batch(&fourth, None)
    };
    tables.write(&dropping);
    tables.snapshots.pop();
    let missing = Damage::MissingSnapshot { index: 4 };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(missing));
}

#[test]
fn another_clusters_or_replicas_record_is_refused() {
    let tables = young();
    for (cluster, node) in [(CLUSTER + 1, NODE), (CLUSTER, NODE + 1)] {
        let damage = replay(cluster, node, &tables);
        assert!(
            matches!(damage, Err(Damage::Foreign { seq: 1, .. })),
            "{damage:?}"
        );
    }
}

/// It may hold a vote or an acknowledged entry: there are no torn writes that it could be.
#[test]
fn a_damaged_last_record_is_refused() {
    let mut tables = young();
    tables.records[1].1[40] ^= 1;
    let cause = FrameError::Checksum;
    let damage = Damage::Record { seq: 2, cause };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(damage));
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    let backwards = record(3, 1, 4, Vec::new());
    let gap = record(3, 2, 4, vec![entry(7, 2)]);
    let hole = record(3, 2, 4, vec![entry(6, 2), entry(8, 2)]);
    let descending = record(3, 3, 4, vec![entry(6, 3), entry(7, 2)]);
    let future = record(3, 2, 4, vec![entry(6, 3)]);
    let commit = record(3, 2, 6, Vec::new());
    let huge = record(3, u64::MAX, 4, Vec::new());
    for wrong in [backwards, gap, hole, descending, future, commit, huge] {
        let mut tables = young();
        tables.write(&batch(&wrong, None));
        let damage = replay(CLUSTER, NODE, &tables);
        assert!(
            matches!(damage, Err(Damage::Inconsistent { seq: 3, .. })),
            "{wrong:?}: {damage:?}"
        );
    }
}

/// Records 1 and 2 with entries 2 to 7 are dropped for a snapshot at 7, and record 3, the first one
/// left, is of entry 8 before 7 and 8 were replaced.
#[test]
fn a_record_may_replace_what_was_dropped() {
    let mut tables = Tables::default();
    let old = record(3, 2, 6, vec![entry(8, 2)]);
    let new = record(4, 3, 7, vec![entry(7, 3), entry(8, 3)]);
    let mut marker = record(5, 3, 7, Vec::new());
    marker.snapshot = Some((7, 3));
    marker.oldest_seq = 3;
    tables.write(&batch(&old, None));
    tables.write(&batch(&new, None));
    tables.write(&batch(&marker, Some(&snapshot(7, 3))));
    let recovered = replay(CLUSTER, NODE, &tables).expect("it is whole");
    assert_eq!((recovered.base, recovered.snapshot), ((7, 3), (7, 3)));
    assert_eq!(recovered.entries, [entry(8, 3)]);
}

#[test]
fn a_record_under_another_number_is_refused() {
    let mut tables = young();
    tables
        .records
        .push((3, record(4, 2, 4, Vec::new()).encode()));
    let damage = replay(CLUSTER, NODE, &tables);
    assert!(matches!(damage, Err(Damage::Inconsistent { seq: 3, .. })));
}

#[test]
fn the_older_snapshot_and_the_log_stand_in_for_a_damaged_newer_one() {
    let mut tables = with_own_snapshot();
    let whole = replay(CLUSTER, NODE, &tables).expect("it is whole");
    assert_eq!((whole.snapshot.0, whole.fell_back_from), (4, None));
    tables.snapshots[1].1[30] ^= 0x40;
    let older = replay(CLUSTER, NODE, &tables).expect("there is the one at 1");
    assert_eq!((older.snapshot.0, older.fell_back_from), (1, Some(4)));
    assert_eq!(older.entries.first().map(|entry| entry.index), Some(2));
    assert_eq!(older.hard_state, whole.hard_state);
}

#[test]
fn a_damaged_snapshot_that_nothing_stands_in_for_is_refused() {
    let mut tables = with_own_snapshot();
    tables.snapshots.remove(0);
    tables.snapshots[0].1[30] ^= 0x40;
    let damage = replay(CLUSTER, NODE, &tables);
    assert!(
        matches!(damage, Err(Damage::Snapshot { index: 4, .. })),
        "{damage:?}"
    );
    tables.snapshots.clear();
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(Damage::NoSnapshot));
}

#[test]
fn an_empty_disk_with_a_snapshot_has_lost_its_records() {
    let mut tables = young();
    tables.records.clear();
    let missing = Damage::MissingRecord { seq: 1 };
    assert_eq!(replay(CLUSTER, NODE, &tables), Err(missing));
}

#[test]
fn every_truncation_and_every_flipped_bit_is_recognised() {
    let record = record(7, 3, 4, vec![entry(5, 2), entry(6, 3)]);
    let snapshot = snapshot(9, 3);
    assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
    assert_eq!(Snapshot::decode(&snapshot.encode()), Ok(snapshot.clone()));
    let (record, snapshot) = (record.encode(), snapshot.encode());
    for length in 0..record.len() {
        assert!(Record::decode(&record[..length]).is_err());
    }
    for length in 0..snapshot.len() {
        assert!(Snapshot::decode(&snapshot[..length]).is_err());
    }
    for (mut bytes, is_record) in [(record, true), (snapshot, false)] {
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused = match is_record {
                true => Record::decode(&bytes).is_err(),
                false => Snapshot::decode(&bytes).is_err(),
            };
            assert!(refused, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_history_is_replayed_to_where_it_ended(deeds in vec(writer::deed(), 1..60)) {
        let mut writer = writer::Writer::new();
        for deed in &deeds {
            writer.does(deed);
            writer.check(&writer.tables, writer.newest.0)?;
            // And without its newest snapshot, if there is another.
            if let [.., older, _] = writer.tables.snapshots.as_slice() {
                let older = older.0;
                let mut damaged = writer.tables.clone();
                if let Some((_, bytes)) = damaged.snapshots.last_mut() {
                    bytes[20] ^= 1;
                }
                writer.check(&damaged, older)?;
            }
        }
    }

    #[test]
    fn what_is_read_ahead_is_what_is_there_in_the_end(
        deeds in vec((writer::deed(), any::<bool>()), 1..60),
    ) {
        let mut writer = writer::Writer::new();
        let mut ahead = Replay::new(CLUSTER, NODE);
        for (deed, is_read) in &deeds {
            writer.does(deed);
            writer.check_ahead(&ahead, false)?;
            if *is_read {
                let followed = ahead.follow(&writer.tables);
                prop_assert_eq!(followed, Ok(()));
                writer.check_ahead(&ahead, true)?;
            }
        }
    }

    #[test]
    fn records_come_back_as_they_were(
        seq in any::<u64>(),
        term in any::<u64>(),
        lengths in vec(0usize..300, 0..6),
    ) {
        let mut record = record(seq, term, 0, Vec::new());
        for (length, index) in lengths.into_iter().zip(1..) {
            record.entries.push(LogEntry { data: Bytes::from(vec![7; length]), ..entry(index, term) });
        }
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}
