//! Snapshots that are not what they should be, or not where.

use bytes::Bytes;
use tabraft::node::transfer::CHUNK_BYTES;
use tabraft::wal::Snapshot;
use tabraft::wire::{
    Address, Body, Envelope, Membership, Part, RaftKind, RaftMessage, SnapshotMessage,
};

use crate::catch_up::{installed, lagging};
use crate::steer::{CLUSTER, COMBOS, Steered};

/// What a leader's store has under the index of its newest snapshot, put in its place.
fn replace_stored(
    cluster: &mut Steered,
    body: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> (u64, Vec<u8>) {
    let disk = &mut cluster.world.hosts.get_mut(&1).expect("the leader").disk;
    let (index, stored) = disk.tables.snapshots.pop().expect("it took one");
    if let Some(other) = body(&stored) {
        disk.tables.snapshots.push((index, other));
    }
    (index, stored)
}

/// The follower refuses what it finds, says why, and is sent the body in chunks.
fn falls_back(why: &str, body: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut cluster = lagging(1, true, COMBOS[0]);
    let (index, stored) = replace_stored(&mut cluster, body);
    cluster.world.network.heal();
    let lines = cluster.until_told("3 installed the snapshot");
    let at = |what: &str| lines.iter().position(|line| line.contains(what));
    let (offered, refused, sent) = (at("in the store"), at(why), at("bytes 0.."));
    assert!(
        offered.is_some() && offered < refused && refused < sent,
        "{lines:#?}"
    );
    let tables = &mut cluster.world.hosts.get_mut(&1).expect("it").disk.tables;
    tables.snapshots.retain(|(at, _)| *at != index);
    tables.snapshots.push((index, stored));
    tables.snapshots.sort_by_key(|(at, _)| *at);
    cluster.all_is_there();
}

#[test]
fn a_stored_snapshot_is_gone() {
    falls_back("NotFound", |_| None);
}

#[test]
fn a_stored_snapshot_is_damaged() {
    falls_back("Damaged", |stored| {
        let mut bytes = stored.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        Some(bytes)
    });
}

/// Whole, but of another index, term, membership or cluster than the message says.
#[test]
fn a_stored_snapshot_is_another() {
    let others: [fn(&mut Snapshot); 4] = [
        |snapshot| snapshot.index -= 1,
        |snapshot| snapshot.term -= 1,
        |snapshot| snapshot.membership = Membership::of_voters([2, 3]),
        |snapshot| snapshot.cluster += 1,
    ];
    for other in others {
        falls_back("Damaged", |stored| {
            let mut snapshot = Snapshot::decode(stored).expect("a whole snapshot");
            snapshot.store = tabraft::kv::Store::default();
            other(&mut snapshot);
            Some(snapshot.encode())
        });
    }
}

/// Chunks are checked as a whole: what was put together is refused, and all of it sent again.
#[test]
fn a_damaged_body_is_refused_and_sent_again() {
    let mut cluster = lagging(1, false, COMBOS[0]);
    let report = cluster.node(1).report();
    let (_, body) = cluster.world.hosts[&1]
        .disk
        .tables
        .snapshots
        .last()
        .expect("one")
        .clone();
    cluster.world.network.heal();
    // As soon as it is clear which snapshot is sent, a wrong beginning of it gets there first.
    let lines = cluster.until_told("Snapshot term");
    let line = lines
        .iter()
        .find(|line| line.contains("bytes 0.."))
        .expect("in chunks");
    let number = |after: &str| -> u64 {
        let (_, rest) = line.split_once(after).expect("it says so");
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("a number")
    };
    let message = RaftMessage {
        kind: RaftKind::Snapshot,
        to: 3,
        from: 1,
        term: report.term,
        snapshot: Some(SnapshotMessage {
            index: number("state at "),
            term: report.term,
            membership: report.membership,
            body: Bytes::new(),
        }),
        ..RaftMessage::empty()
    };
    let mut wrong = body[..CHUNK_BYTES].to_vec();
    wrong[CHUNK_BYTES / 2] ^= 1;
    let part = Part::Chunk {
        total: number(" of "),
        offset: 0,
        bytes: wrong.into(),
    };
    let forged = Envelope {
        cluster: CLUSTER,
        from: Address::Node(1),
        body: Body::Snapshot {
            message: Box::new(message),
            part,
        },
    };
    cluster
        .world
        .input(3, tabraft::node::Input::Receive(forged));
    let lines = cluster.until_told("3 installed the snapshot");
    let refused = lines.iter().position(|line| line.contains("Damaged"));
    let again = lines.iter().rposition(|line| line.contains("bytes 0.."));
    assert!(refused.is_some() && refused < again, "{lines:#?}");
    assert!(installed(&cluster.world, 3));
    cluster.all_is_there();
}
