//! The cases that raft-rs tries its own `MemStorage` with, tried with our [`Log`]: what raft-rs
//! expects of a storage, from the one source that knows. Where the log differs on purpose, the
//! case says why. What a disk gives back is tried with the whole replica.

mod steer;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{Error, GetEntriesContext, RaftState, Storage, StorageError};
use tabraft::node::log::{Log, cost};
use tabraft::node::{Event, Limits, Node};
use tabraft::wal;
use tabraft::wire::{
    Address, Body, Envelope, NodeId, Part, RaftKind, RaftMessage, SnapshotMessage,
};

use steer::{Steered, leads, put};

/// `MemStorage` has its terms from the entries alone, so that its first is what was compacted
/// last. Ours knows index and term before its first entry: the same log begins one later.
const BASE: u64 = 3;

fn entry(index: u64, term: u64) -> Entry {
    Entry {
        index,
        term,
        ..Entry::default()
    }
}

/// Entries, given as (index, term).
type Terms = [(u64, u64)];

fn entries(of: &Terms) -> Vec<Entry> {
    of.iter()
        .map(|(index, term)| entry(*index, *term))
        .collect()
}

/// Index and term 3 before the first entry, then 4, 5, ... of terms equal to the indices.
fn log_until(last: u64) -> Log {
    let all: Vec<(u64, u64)> = (BASE + 1..=last).map(|index| (index, index)).collect();
    Log::new((BASE, BASE), entries(&all), RaftState::default())
}

fn snapshot(index: u64, term: u64, voters: &[u64]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.mut_metadata().index = index;
    snapshot.mut_metadata().term = term;
    snapshot.mut_metadata().mut_conf_state().voters = voters.to_vec();
    snapshot
}

fn read(
    log: &Log,
    low: u64,
    high: u64,
    bytes_max: impl Into<Option<u64>>,
) -> raft::Result<Vec<u64>> {
    let found = log.entries(low, high, bytes_max, GetEntriesContext::empty(false))?;
    Ok(found.into_iter().map(|entry| entry.index).collect())
}

fn compacted<T>() -> raft::Result<T> {
    Err(Error::Store(StorageError::Compacted))
}

fn unavailable<T>() -> raft::Result<T> {
    Err(Error::Store(StorageError::Unavailable))
}

#[test]
fn terms() {
    let log = log_until(5);
    let cases = [
        (2, compacted()),
        (3, Ok(3)),
        (4, Ok(4)),
        (5, Ok(5)),
        (6, unavailable()),
    ];
    for (index, expected) in cases {
        assert_eq!(log.term(index), expected, "term of {index}");
    }
}

/// The first entry comes however large it is: else a follower would wait for it for ever.
#[test]
fn entries_with_limits() {
    let log = log_until(7);
    let one = cost(&entry(4, 4));
    let cases = [
        (3, 7, None, compacted()),
        (4, 5, None, Ok(vec![4])),
        (5, 6, None, Ok(vec![5])),
        (5, 7, None, Ok(vec![5, 6])),
        (5, 8, None, Ok(vec![5, 6, 7])),
        (5, 5, None, Ok(vec![])),
        (5, 8, Some(0), Ok(vec![5])),
        (5, 8, Some(2 * one), Ok(vec![5, 6])),
        (5, 8, Some(2 * one + one / 2), Ok(vec![5, 6])),
        (5, 8, Some(3 * one - 1), Ok(vec![5, 6])),
        (5, 8, Some(3 * one), Ok(vec![5, 6, 7])),
    ];
    for (low, high, bytes_max, expected) in cases {
        assert_eq!(
            read(&log, low, high, bytes_max),
            expected,
            "{low}..{high} in {bytes_max:?}"
        );
    }
    // MemStorage panics beyond its end. Ours refuses: what asks is as often a bug elsewhere as
    // here, and a replica that refuses can still tell.
    assert_eq!(read(&log, 5, 9, None), unavailable());
    // What counts is memory, not the encoding: an entry of no bytes costs, too.
    assert!(one > 0);
}

#[test]
fn first_index() {
    let mut log = log_until(5);
    assert_eq!(log.first_index(), Ok(4));
    // MemStorage keeps the entry it is compacted to; ours is compacted up to and including it.
    log.compact(4, 0, u64::MAX);
    assert_eq!(log.first_index(), Ok(5));
}

#[test]
fn last_index() {
    let mut log = log_until(5);
    assert_eq!(log.last_index(), Ok(5));
    log.append(&entries(&[(6, 5)]));
    assert_eq!(log.last_index(), Ok(6));
    // A log compacted to its end has its last index from what was there, or raft-rs would think
    // that it is new.
    log.compact(6, 0, u64::MAX);
    assert_eq!(
        (log.first_index(), log.last_index(), log.term(6)),
        (Ok(7), Ok(6), Ok(5))
    );
    let empty = Log::default();
    assert_eq!(
        (empty.first_index(), empty.last_index(), empty.term(0)),
        (Ok(1), Ok(0), Ok(0))
    );
}

/// Up to an index; the first index then, its term, and the number of entries.
#[test]
fn compaction() {
    for (until, first, left) in [(2, 4, 3), (3, 4, 3), (4, 5, 2), (5, 6, 1), (6, 7, 0)] {
        let mut log = log_until(6);
        log.compact(until, 0, u64::MAX);
        assert_eq!(log.first_index(), Ok(first), "until {until}");
        assert_eq!(read(&log, first, 7, 10_000).map(|it| it.len()), Ok(left));
        // The term just before is kept: an append to a follower names it.
        assert_eq!(log.term(first - 1), Ok(first - 1));
        assert_eq!(log.term(first - 2), compacted());
        if left > 0 {
            assert_eq!(log.term(first), Ok(first));
        }
    }
    // MemStorage panics when it is compacted beyond its end. Ours has nothing left then.
    let mut log = log_until(6);
    log.compact(9, 0, u64::MAX);
    assert_eq!((log.first_index(), log.last_index()), (Ok(7), Ok(6)));
}

/// MemStorage makes a snapshot of nothing but its commit index. Ours has no state machine to make
/// one from: it hands out what its replica made, to whom it was made for, and notes who waits.
#[test]
fn creating_a_snapshot() {
    let temporarily = || Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable));
    let voters = [1, 2, 3];
    let mut log = log_until(5);
    assert_eq!(log.snapshot(0, 2), temporarily());
    assert_eq!(log.take_wanted().into_iter().collect::<Vec<_>>(), [2]);

    let made = snapshot(4, 4, &voters);
    log.offer_snapshot(2, made.clone());
    // Asked from, whether it has that.
    for (from, has) in [(0, true), (4, true), (5, false)] {
        let expected = if has { Ok(made.clone()) } else { temporarily() };
        assert_eq!(log.snapshot(from, 2), expected, "from {from}");
    }
    // It was asked for one from 5 on: another is to be made.
    assert_eq!(log.take_wanted().into_iter().collect::<Vec<_>>(), [2]);
    log.offer_snapshot(2, snapshot(5, 5, &voters));
    assert_eq!(log.snapshot(5, 2), Ok(snapshot(5, 5, &voters)));
    assert_eq!(log.snapshot(0, 3), temporarily());

    // One from before the log's first entry leads a follower nowhere.
    log.append(&entries(&[(6, 5), (7, 5)]));
    log.compact(7, 0, u64::MAX);
    assert_eq!(log.snapshot(0, 2), temporarily());
}

#[test]
fn appending() {
    let cases: [(&Terms, Option<&Terms>); 7] = [
        (&[], Some(&[(4, 4), (5, 5)])),
        (&[(4, 4), (5, 5)], Some(&[(4, 4), (5, 5)])),
        // Another leader's entries take the place of those that were never committed.
        (&[(4, 6), (5, 6)], Some(&[(4, 6), (5, 6)])),
        (&[(4, 4), (5, 5), (6, 5)], Some(&[(4, 4), (5, 5), (6, 5)])),
        (&[(4, 5)], Some(&[(4, 5)])),
        (&[(6, 6)], Some(&[(4, 4), (5, 5), (6, 6)])),
        // What is compacted was committed: nothing takes its place, and whoever tries is broken.
        (&[(3, 3), (4, 4)], None),
    ];
    for (appended, expected) in cases {
        let mut log = log_until(5);
        let ended = catch_unwind(AssertUnwindSafe(|| log.append(&entries(appended))));
        assert_eq!(ended.is_ok(), expected.is_some(), "{appended:?}");
        if let Some(expected) = expected {
            let now: Vec<_> = log.iter().cloned().collect();
            assert_eq!(now, entries(expected), "{appended:?}");
            assert_eq!(log.bytes(), now.iter().map(cost).sum::<u64>());
        }
    }
    // And nothing is left out.
    let mut log = log_until(5);
    let gap = catch_unwind(AssertUnwindSafe(|| log.append(&entries(&[(7, 7)]))));
    assert!(gap.is_err());
}

/// What raft-rs asks for first: the hard state, and the membership as of the log's beginning.
#[test]
fn the_initial_state() {
    let state = RaftState {
        hard_state: HardState {
            term: 5,
            vote: 2,
            commit: 4,
            ..HardState::default()
        },
        conf_state: ConfState {
            voters: vec![1, 2, 3],
            ..ConfState::default()
        },
    };
    let log = Log::new((3, 3), entries(&[(4, 4)]), state.clone());
    let initial = log.initial_state().expect("a state");
    assert_eq!(initial.hard_state, state.hard_state);
    assert_eq!(initial.conf_state, state.conf_state);
    assert!(initial.initialized());
    let nothing = Log::default().initial_state().expect("a state");
    assert!(!nothing.initialized());
}

/// MemStorage refuses a snapshot that is older than its own. Here the replica does, before it
/// comes to the log: it takes none that does not go beyond what it has committed, since raft-rs
/// restores none.
#[test]
fn a_snapshot_out_of_date() {
    let mut log = log_until(5);
    log.install(&snapshot(9, 7, &[1, 2, 3]));
    assert_eq!(
        (log.first_index(), log.last_index(), log.term(9)),
        (Ok(10), Ok(9), Ok(7))
    );
    assert_eq!(log.term(8), compacted());
    assert_eq!(log.hard_state.commit, 9);
    assert_eq!(log.conf_state.voters, [1, 2, 3]);

    let mut cluster = behind_and_back();
    let (before, of_3) = (terms_of(cluster.node(3)), cluster.node(3).applied());
    let leader = cluster.leader().expect("somebody leads");
    let disk = &cluster.world.hosts[&leader].disk.tables;
    let (index, bytes) = disk.snapshots.first().expect("a snapshot").clone();
    assert!(index < of_3);
    let old = wal::Snapshot::decode(&bytes).expect("a snapshot");
    let term = cluster.node(leader).term();
    let part = Part::Chunk {
        total: bytes.len() as u64,
        offset: 0,
        bytes: bytes.into(),
    };
    let message = RaftMessage {
        snapshot: Some(SnapshotMessage {
            index: old.index,
            term: old.term,
            membership: old.membership,
            body: Bytes::new(),
        }),
        ..message(leader, term)
    };
    let envelope = Envelope {
        cluster: steer::CLUSTER,
        from: Address::Node(leader),
        body: Body::Snapshot {
            message: Box::new(message),
            part,
        },
    };
    cluster.world.send(envelope, Address::Node(3));
    cluster.run(100);
    assert_eq!(terms_of(cluster.node(3)), before);
    assert_eq!(cluster.node(3).applied(), of_3);
    cluster.all_is_there();
}

/// A snapshot on its way to 3.
fn message(from: NodeId, term: u64) -> RaftMessage {
    RaftMessage {
        kind: RaftKind::Snapshot,
        to: 3,
        from,
        term,
        log_term: 0,
        index: 0,
        entries: tabraft::wire::Entries::default(),
        commit: 0,
        commit_term: 0,
        snapshot: None,
        request_snapshot: 0,
        reject: false,
        reject_hint: 0,
        context: Bytes::new(),
        priority: 0,
    }
}

/// Three replicas of which the third missed more than the others' logs still have.
fn behind_and_back() -> Steered {
    let mut settings = steer::settings(1);
    settings.limits = Limits {
        snapshot_entries: 10,
        catchup_entries: 3,
        ..Limits::default()
    };
    let mut cluster = Steered::led(settings, 3);
    cluster.world.crash(3, true);
    cluster.puts("k", 60);
    cluster.world.start(3);
    cluster.until("3 has caught up", |world| {
        let node = world.hosts[&3].node();
        node.is_some_and(|node| node.applied() == world.replicas.newest())
    });
    let installed = |event: &Event| matches!(event, Event::SnapshotInstalled { .. });
    assert!(cluster.told(3, installed), "it came back by its log alone");
    cluster
}

fn terms_of(node: &Node) -> Vec<(u64, u64)> {
    node.log().iter().map(|it| (it.index, it.term)).collect()
}

/// What a disk gives back is what raft-rs had of it: the same entries, terms, vote and membership,
/// after appends, snapshots taken and installed, and another leader's entries in place of some.
#[test]
fn a_disk_gives_the_log_back() {
    let mut cluster = behind_and_back();
    // A leader on its own takes writes that others will take the place of.
    cluster.isolate(1);
    for n in 0..3 {
        let write = cluster.next_write(Some(put("lost", &n.to_string())));
        cluster.ask(1, write);
    }
    cluster.until("another leads", |world| {
        world.hosts.keys().any(|id| *id != 1 && leads(world, *id))
    });
    let last = |cluster: &Steered| cluster.node(1).log().last();
    let overwritten = last(&cluster);
    assert!(cluster.node(1).commit() < overwritten, "it took none");
    cluster.puts("after", 2);
    cluster.world.network.heal();
    cluster.puts("healed", 5);
    cluster.run(2_000);
    assert!(overwritten < last(&cluster));

    for (id, host) in &cluster.world.hosts {
        let node = host.node().expect("it is up");
        let found = wal::replay(steer::CLUSTER, *id, &host.disk.tables).expect("a sound disk");
        let on_disk: Vec<_> = found.entries.iter().map(|it| (it.index, it.term)).collect();
        let in_memory = terms_of(node);
        // The disk goes back to the older of two snapshots; memory only as far as followers need.
        assert!(
            on_disk.ends_with(&in_memory) && !in_memory.is_empty(),
            "of {id}"
        );
        let (index, term) = found.base;
        assert!(index < in_memory[0].0, "of {id}");
        let kept = node.log().initial_state().expect("a state").hard_state;
        let disk = found.hard_state;
        assert_eq!((disk.term, disk.vote), (kept.term, kept.vote), "of {id}");
        assert_eq!(found.membership.voters, [1, 2, 3]);

        let entries = found.entries.into_iter().map(Entry::from).collect();
        let log = Log::new((index, term), entries, RaftState::default());
        assert_eq!(log.last_index(), node.log().last_index(), "of {id}");
        for index in log.first()..=log.last() {
            let before = node.log().term(index);
            assert!(
                before == log.term(index) || before == compacted(),
                "{index} of {id}"
            );
        }
        assert_eq!(log.term(index), Ok(term));
        assert_eq!(log.term(index - 1), compacted());
    }
}
