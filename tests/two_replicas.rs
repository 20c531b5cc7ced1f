//! Few replicas whose disks all can read: what becomes of a write whose leader dies, and of a
//! cluster of two of which one dies, or both, or the same one twice at once.

#[path = "two_replicas/commit_lag.rs"]
mod commit_lag;
#[path = "two_replicas/long_run.rs"]
mod long_run;
#[path = "two_replicas/not_salvaged.rs"]
mod not_salvaged;
mod steer;
#[path = "two_replicas/zombies.rs"]
mod zombies;

use tabraft::node::Event;
use tabraft::sim::{Settings, World};
use tabraft::wal::Record;
use tabraft::wire::{Answer, Ask, MemberChange, NodeId};

use steer::{COMBOS, Steered, leads, origin, put, settings};

fn of(combo: (bool, bool), revive: bool) -> Settings {
    let mut settings = settings(1);
    settings.origin = origin(combo);
    settings.origin.revive = revive;
    settings.origin.shared_store = true;
    settings
}

/// How many of the disks have an entry at this index that begins with this write.
fn disks_with(world: &World, write: &Ask) -> usize {
    let Ask::Write { seq, .. } = write else {
        return 0;
    };
    let has = |bytes: &[u8]| {
        let record = Record::decode(bytes).expect("a record");
        let mut commands = record.entries.iter().filter_map(|entry| {
            match tabraft::kv::Command::decode(&entry.data) {
                Some(tabraft::kv::Command::Write { seq, .. }) => Some(seq),
                _ => None,
            }
        });
        commands.any(|of| of == *seq)
    };
    let hosts = world.hosts.values();
    let tables = hosts.map(|host| &host.disk.tables.records);
    tables
        .filter(|records| records.iter().any(|(_, bytes)| has(bytes)))
        .count()
}

/// The leader has persisted e4 and e5, which no follower has, and dies.
struct E4E5 {
    cluster: Steered,
    writes: [Ask; 2],
    asked: [u64; 2],
    last: u64,
}

fn e4_e5(settings: Settings) -> E4E5 {
    let mut cluster = Steered::led(settings, 3);
    cluster.put("e3", "z");
    cluster.run(100);
    let last = cluster.node(1).log().last();
    cluster.isolate(1);
    let writes = ["e4", "e5"].map(|key| cluster.next_write(Some(put(key, "x"))));
    let asked = writes.clone().map(|write| {
        let asked = cluster.ask(1, write);
        cluster.run(20);
        asked
    });
    assert_eq!(cluster.world.hosts[&1].disk.durable.last_index, last + 2);
    for write in &writes {
        assert_eq!(disks_with(&cluster.world, write), 1);
    }
    cluster.world.crash(1, true);
    cluster.world.network.heal();
    E4E5 {
        cluster,
        writes,
        asked,
        last,
    }
}

#[test]
fn e4_e5_with_salvage_are_on_the_next_leader_and_committed() {
    for succession in [false, true] {
        let E4E5 {
            mut cluster,
            writes,
            asked,
            last,
        } = e4_e5(of((succession, true), false));
        cluster.until("one has salvaged them", |world| {
            [2, 3].iter().any(|id| {
                steer::told(world, *id, |event| {
                    matches!(event, Event::Salvaged { entries: 2, .. })
                })
            })
        });
        // On one disk more, and not committed by that: nobody knows that they are.
        let salvager = [2, 3]
            .into_iter()
            .max_by_key(|id| cluster.node(*id).log().last());
        let salvager = salvager.expect("one of two");
        assert_eq!(cluster.node(salvager).log().last(), last + 2);
        assert_eq!(cluster.node(salvager).commit(), last);
        // By then the other one may have them, too.
        cluster.until("one of those leads", |world| {
            [2, 3].iter().any(|id| leads(world, *id))
        });
        for request in asked {
            assert_eq!(cluster.answer(request), None, "who was asked is dead");
        }
        let committed = cluster.world.replicas.committed();
        let e4 = &committed[usize::try_from(last).expect("small") - 1];
        assert_eq!(
            (e4.index, e4.term),
            (last + 1, 2),
            "as the dead leader wrote it"
        );
        // The client tries again, and gets the answer of the first attempt.
        for (write, index) in writes.into_iter().zip(last + 1..) {
            assert!(disks_with(&cluster.world, &write) >= 2);
            match cluster.done(write) {
                Answer::Applied(applied) => assert_eq!((applied.index, applied.term), (index, 2)),
                other => panic!("{other:?}"),
            }
        }
        cluster.world.start(1);
        cluster.acknowledged.insert("e5".into(), "x".into());
        cluster.all_is_there();
    }
}

#[test]
fn e4_e5_without_salvage_may_be_lost_and_are_never_said_to_be_written() {
    for succession in [false, true] {
        for back_at_once in [false, true] {
            let E4E5 {
                mut cluster,
                writes,
                asked,
                last,
            } = e4_e5(of((succession, false), false));
            if back_at_once {
                cluster.world.start(1);
            }
            cluster.put("after", "them");
            // Whether they are lost depends on who was elected. Nobody was told that they are not.
            for request in asked {
                assert_eq!(cluster.answer(request), None);
            }
            let lost = cluster.get(2, "e4").is_none();
            assert!(lost || back_at_once, "nobody alive had it");
            cluster.world.start(1);
            cluster.all_is_there();
            let kept = cluster
                .node(1)
                .log()
                .iter()
                .any(|e| (e.index, e.term) == (last + 1, 2));
            assert_eq!(kept, !lost, "the dead leader's log is as the others'");
            // Tried again they are written once, lost or not.
            for write in writes {
                let answer = cluster.done(write);
                assert!(matches!(answer, Answer::Applied(_)), "{answer:?}");
            }
            assert_eq!(cluster.get(3, "e4").as_deref(), Some("x"));
            cluster.all_is_there();
        }
    }
}

#[test]
fn two_replicas_one_dies_and_the_survivor_serves_when_it_is_revived() {
    for combo in COMBOS {
        for victim in [1, 2] {
            for survives in [false, true] {
                let mut cluster = Steered::led(of(combo, true), 2);
                for round in 0..5 {
                    cluster.put("before", &format!("{round}"));
                    cluster.world.crash(victim, survives);
                    let before = cluster.world.agenda.now();
                    cluster.put("after", &format!("{round}"));
                    let took = cluster.world.agenda.now() - before;
                    let most = if combo.0 || victim == 2 { 700 } else { 3_000 };
                    assert!(took < most, "{combo:?} {victim}: {took} ms");
                }
                cluster.all_is_there();
            }
        }
    }
}

/// Without anybody to revive it, the survivor is no majority, and says nothing that is not so.
#[test]
fn two_replicas_one_dies_for_good_and_nothing_is_acknowledged() {
    for combo in COMBOS {
        let mut cluster = Steered::led(of(combo, false), 2);
        cluster.put("before", "1");
        cluster.world.crash(1, true);
        let write = cluster.next_write(Some(put("alone", "1")));
        let asked = cluster.ask(2, write);
        cluster.run(20_000);
        assert!(matches!(cluster.answer(asked), None | Some(Answer::Retry)));
        assert!(!cluster.node(2).is_leader());
        assert_eq!(cluster.node(2).store().get("alone"), None);
        cluster.world.start(1);
        cluster.put("together", "1");
        cluster.all_is_there();
    }
}

#[test]
fn both_die_and_nothing_acknowledged_is_missing() {
    for combo in COMBOS {
        for survives in [[false, false], [false, true], [true, false], [true, true]] {
            let mut cluster = Steered::led(of(combo, true), 2);
            for round in 0..4 {
                cluster.puts(&format!("r{round}."), 7);
                let write = cluster.next_write(Some(put("perhaps", "1")));
                cluster.ask(1, write);
                cluster.run(round);
                cluster.world.crash(1, survives[0]);
                cluster.run(round * 2);
                cluster.world.crash(2, survives[1]);
                cluster.run(500);
                // A new tab.
                cluster.world.start(1);
                cluster.world.start(2);
                cluster.put("again", &format!("{round}"));
            }
            cluster.all_is_there();
        }
    }
}

/// It has the shared store alone: newest snapshot and the log after it.
#[test]
fn a_new_replica_without_the_old_storage() {
    for combo in COMBOS {
        let mut settings = of(combo, true);
        settings.limits.snapshot_entries = 10;
        settings.limits.catchup_entries = 0;
        let mut cluster = Steered::led(settings, 2);
        cluster.puts("k", 25);
        // 2's storage is gone, and its id with it: it does not come back as if it had never been.
        cluster.world.crash(2, false);
        cluster.until("it is revived: its storage is still there", |world| {
            world.hosts[&2].node().is_some()
        });
        cluster.world.add_joiner(3);
        cluster.world.story.listen();
        cluster.changed(&[MemberChange::AddLearner(3)]);
        let lines = cluster.until_told("3 installed the snapshot");
        assert!(
            lines.iter().any(|line| line.contains("in the store")),
            "{lines:#?}"
        );
        cluster.changed(&[MemberChange::AddVoter(3)]);
        cluster.changed(&[MemberChange::Remove(2)]);
        cluster.until("2 knows", |world| steer::removed(world, 2));
        cluster.put("and", "on");
        // Two again, and either may die.
        for victim in [1, 3] {
            cluster.world.crash(victim, false);
            cluster.put("after", &format!("{victim}"));
        }
        cluster.all_is_there();
        let leader: NodeId = cluster.leader().expect("one leads");
        assert_eq!(cluster.node(leader).membership().voters, [1, 3]);
    }
}
