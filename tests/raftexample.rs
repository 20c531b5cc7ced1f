//! What the tests of etcd's raftexample assert, and after that what it never tested. Each of the
//! eight has its name there in its comment.

#[path = "raftexample/bounds.rs"]
mod bounds;
#[path = "raftexample/catch_up.rs"]
mod catch_up;
#[path = "raftexample/crashes.rs"]
mod crashes;
#[path = "raftexample/membership.rs"]
mod membership;
mod steer;
#[path = "raftexample/transfers.rs"]
mod transfers;

use std::collections::BTreeMap;

use tabraft::kv::{Command, Op, Store};
use tabraft::node::{Input, Limits};
use tabraft::sim::{Settings, World};
use tabraft::wal::{Snapshot, replay};
use tabraft::wire::{Answer, Ask, MemberChange, Membership, NodeId, Read};

use steer::{CLUSTER, Steered, put, settings};

/// Snapshots often, so that a few writes see several.
fn often(seed: u64, entries: u64) -> Settings {
    Settings {
        limits: Limits {
            snapshot_entries: entries,
            catchup_entries: 0,
            ..Limits::default()
        },
        ..settings(seed)
    }
}

/// Two followers read at once, again and again: each hears of its own read, without a retry.
#[test]
fn followers_that_read_at_once_are_all_answered() {
    let mut cluster = Steered::led(settings(3), 3);
    cluster.put("key", "value");
    let leader = cluster.leader().expect("a leader");
    let followers: Vec<NodeId> = (1..=3).filter(|id| *id != leader).collect();
    for round in 0..50 {
        let read = Ask::Get {
            key: "key".into(),
            read: Read::Linearizable,
        };
        let asked: Vec<u64> = followers
            .iter()
            .map(|id| cluster.ask(*id, read.clone()))
            .collect();
        // Half of what a lost read waits for.
        cluster.run(100);
        for request in asked {
            let answer = cluster.answer(request);
            let is_there = matches!(&answer, Some(Answer::Value(Some(value))) if value == "value");
            assert!(is_there, "round {round}: {answer:?}");
        }
    }
}

/// `TestProposeOnCommit`: what each replica sees committed it proposes again, a hundred times,
/// and none of them waits for another for ever.
#[test]
fn a_hundred_commits_are_proposed_again_by_each_replica() {
    let mut cluster = Steered::led(settings(1), 3);
    let mut seen: BTreeMap<NodeId, u64> = (1..=3).map(|id| (id, 2)).collect();
    let mut proposed: BTreeMap<NodeId, Vec<u64>> = BTreeMap::new();
    for _ in 0..2_000 {
        for id in 1..=3 {
            let applied = cluster.node(id).applied();
            let mine = proposed.entry(id).or_default();
            while seen[&id] < applied && mine.len() < 100 {
                let write = cluster.next_write(Some(put("fed back", &format!("{id}"))));
                mine.push(cluster.ask(id, write));
                *seen.entry(id).or_default() += 1;
            }
        }
        cluster.run(5);
    }
    assert_eq!(proposed.values().map(Vec::len).sum::<usize>(), 300);
    for request in proposed.into_values().flatten() {
        let answer = cluster.answer(request);
        assert!(matches!(answer, Some(Answer::Applied(_))), "{answer:?}");
    }
    cluster.all_is_there();
}

/// `TestCloseProposerBeforeReplay`: ended before they have done anything.
#[test]
fn replicas_end_before_replay_and_begin_again() {
    for survives in [false, true] {
        let mut cluster = Steered::new(settings(1), 3);
        for round in 0..10 {
            for id in 1..=3 {
                cluster.world.crash(id, survives);
                cluster.world.start(id);
                if round % 2 == 0 {
                    cluster.world.crash(id, survives);
                }
            }
            cluster.run(round);
            (1..=3).for_each(|id| cluster.world.start(id));
        }
        cluster.put("foo", "bar");
        cluster.all_is_there();
    }
}

/// `TestCloseProposerInflight`: ended while they replay and while writes are under way, after every
/// one of the first steps. What was answered is there; what was not is there or is not, as a whole.
#[test]
fn replicas_end_with_writes_under_way_and_during_replay() {
    for steps in 0..120 {
        let mut cluster = Steered::led(often(steps, 4), 3);
        let asked: Vec<u64> = (0..8)
            .map(|number| {
                let write = cluster.next_write(Some(put(&format!("k{number}"), "v")));
                cluster.ask(1 + number % 3, write)
            })
            .collect();
        (0..steps).for_each(|_| assert!(cluster.world.step()));
        for id in 1..=3 {
            cluster.world.crash(id, (steps + id).is_multiple_of(2));
        }
        // And once more before they are back at work.
        (1..=3).for_each(|id| cluster.world.start(id));
        (0..steps % 5).for_each(|_| assert!(cluster.world.step()));
        (1..=3).for_each(|id| cluster.world.crash(id, false));
        (1..=3).for_each(|id| cluster.world.start(id));
        for (number, request) in asked.into_iter().enumerate() {
            if let Some(Answer::Applied(_)) = cluster.answer(request) {
                cluster
                    .acknowledged
                    .insert(format!("k{number}"), "v".to_owned());
            }
        }
        cluster.put("foo", "bar");
        cluster.all_is_there();
    }
}

/// `TestPutAndGetKeyValue`, at every replica.
#[test]
fn what_is_put_can_be_got() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.put("key", "value");
    for id in 1..=3 {
        assert_eq!(cluster.get(id, "key").as_deref(), Some("value"));
        assert_eq!(cluster.get(id, "another"), None);
    }
}

/// `TestAddNewNode`: a fourth is added and proposes; what it proposes is committed on the first.
#[test]
fn a_new_replica_proposes_and_commits_also_through_the_first() {
    let mut cluster = Steered::led(often(1, 5), 3);
    cluster.puts("before", 20);
    cluster.world.add_joiner(4);
    cluster.add(4);
    for (asked, other) in [(4, 1), (1, 4)] {
        let key = format!("through {asked}");
        let write = cluster.next_write(Some(put(&key, "foo")));
        let answer = cluster.answered(asked, write);
        assert!(matches!(answer, Answer::Applied(_)), "{answer:?}");
        assert_eq!(cluster.get(other, &key).as_deref(), Some("foo"));
    }
    cluster.all_is_there();
    assert_eq!(cluster.node(4).membership().voters, [1, 2, 3, 4]);
}

/// `TestSnapshot`: taken only when what it stands for is applied, by more entries than the limit.
#[test]
fn snapshots_are_taken_after_what_they_stand_for_is_applied() {
    let mut cluster = Steered::led(often(1, 6), 3);
    let mut taken: BTreeMap<NodeId, Vec<u64>> = BTreeMap::new();
    for round in 0..60 {
        let write = cluster.next_write(Some(put("key", &format!("{round}"))));
        let request = cluster.ask(1, write);
        while cluster.answer(request).is_none() {
            cluster.world.step();
            note_snapshots(&cluster.world, &mut taken);
        }
        cluster.sound();
    }
    for (id, indices) in taken {
        assert!(indices.len() > 5, "{id} took {indices:?}");
        let steps = indices.windows(2).map(|pair| pair[1] - pair[0]);
        assert_eq!(steps.min(), Some(7), "{id} took {indices:?}");
    }
}

/// Notes the snapshots that are on the disks for the first time, and checks them.
fn note_snapshots(world: &World, taken: &mut BTreeMap<NodeId, Vec<u64>>) {
    for host in world.hosts.values() {
        let Some((index, bytes)) = host.disk.tables.snapshots.last() else {
            continue;
        };
        let known = taken.entry(host.id).or_default();
        if *index == 1 || known.last() == Some(index) {
            continue;
        }
        known.push(*index);
        assert!(host.node().is_some_and(|node| node.applied() >= *index));
        let snapshot = Snapshot::decode(bytes).expect("a whole snapshot");
        assert_eq!(
            Some(snapshot.store.digest()),
            world.replicas.digest_at(*index)
        );
        let membership = world.replicas.membership_at(*index);
        assert_eq!(Some(&snapshot.membership), membership);
    }
}

/// `TestProcessMessages`: a snapshot that is sent has the membership of now, not that of the last
/// one on disk, and a snapshot on disk that of its own index.
#[test]
fn a_sent_snapshot_has_the_membership_of_its_index() {
    for shared_store in [false, true] {
        let mut settings = often(1, 1_000);
        settings.origin.shared_store = shared_store;
        let mut cluster = Steered::led(settings, 3);
        cluster.isolate(3);
        for joiner in 4..=6 {
            cluster.world.add_joiner(joiner);
        }
        cluster.isolate(3);
        cluster.add(4);
        cluster.world.input(1, Input::Snapshot);
        cluster.put("before", "5");
        // After the snapshot on disk, before the one that is sent.
        cluster.add(5);
        cluster.changed(&[MemberChange::AddLearner(6)]);
        cluster.world.input(1, Input::Snapshot);
        cluster.run(100);
        cluster.put("after", "6");
        cluster.world.network.heal();
        cluster.until("3 catches up by snapshot", |world| {
            steer::told(world, 3, |event| {
                matches!(event, tabraft::node::Event::SnapshotInstalled { .. })
            })
        });
        cluster.all_is_there();
        let newest = Membership {
            learners: vec![6],
            ..Membership::of_voters([1, 2, 3, 4, 5])
        };
        assert_eq!(cluster.node(3).membership(), newest);
        for host in cluster.world.hosts.values() {
            for (index, bytes) in &host.disk.tables.snapshots {
                let snapshot = Snapshot::decode(bytes).expect("a whole snapshot");
                let then = cluster.world.replicas.membership_at(*index);
                assert_eq!(Some(&snapshot.membership), then);
            }
        }
    }
}

/// `Test_kvstore_snapshot`: what is saved and restored is what was there, sessions too.
#[test]
fn a_state_machine_is_saved_and_restored() {
    let mut store = Store::default();
    store.apply(2, 1, &Command::Open.encode());
    let write = |seq, op| Command::Write {
        session: 2,
        seq,
        answered_below: 1,
        op,
    };
    let first = write(1, put("foo", "bar")).encode();
    let answer = store.apply(3, 1, &first);
    let gone = write(2, put("gone", "x")).encode();
    store.apply(4, 1, &gone);
    let delete = write(3, Op::Delete { key: "gone".into() });
    store.apply(5, 1, &delete.encode());
    let saved = Snapshot {
        cluster: 7,
        index: 5,
        term: 1,
        membership: Membership::of_voters([1]),
        store,
    };
    let mut restored = Snapshot::decode(&saved.encode()).expect("a whole snapshot");
    assert_eq!(restored, saved);
    let store = &mut restored.store;
    assert_eq!(store.get("foo").map(|v| &v[..]), Some(&b"bar"[..]));
    assert_eq!(store.get("gone"), None);
    // A write from before the snapshot is known when it is tried again.
    assert_eq!(store.apply(6, 2, &first), answer);
}

/// What is read past a dead host, for a backup: all that is known to be committed, and nothing that
/// may be taken back.
#[test]
fn a_disk_tells_the_committed_state() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.puts("k", 5);
    cluster.run(1_000);
    let leader = cluster.leader().expect("one leads");
    cluster.isolate(leader);
    let write = cluster.next_write(Some(put("lost", "x")));
    cluster.ask(leader, write);
    cluster.run(200);
    let tables = &cluster.world.hosts[&leader].disk.tables;
    let recovered = replay(CLUSTER, leader, tables).expect("a whole disk");
    let node = cluster.node(leader);
    assert_eq!(recovered.entries.len() as u64 + 1, node.log().last());
    let state = recovered.committed();
    assert_eq!(state.index, node.applied());
    assert_eq!(state.store.digest(), node.store().digest());
    assert_eq!(state.store.get("lost"), None);
}
