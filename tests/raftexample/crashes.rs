//! Replay after a crash at every step: of a run with elections, snapshots, changes of the
//! membership and an install, every write of every replica is its last once, and may have reached
//! the disk or not.

use std::collections::BTreeMap;

use tabraft::node::Limits;
use tabraft::sim::{CrashPoint, Moment, Settings};
use tabraft::wire::{MemberChange, NodeId};

use crate::steer::{COMBOS, Steered, origin, put, settings};

fn run_settings(combo: (bool, bool)) -> Settings {
    Settings {
        limits: Limits {
            snapshot_entries: 6,
            catchup_entries: 2,
            ..Limits::default()
        },
        origin: origin(combo),
        ..settings(3)
    }
}

/// The run. Whatever crashes comes back.
fn play(settings: Settings, crash: Option<CrashPoint>) -> Steered {
    let mut cluster = Steered::new(settings, 3);
    cluster.world.crash_point = crash;
    cluster.puts("a", 4);
    // 3 falls behind a snapshot and installs it.
    cluster.isolate(3);
    cluster.puts("b", 8);
    cluster.world.network.heal();
    cluster.until("3 is sent what it misses", |world| {
        let newest = world.replicas.newest();
        let node = world.hosts[&3].node();
        node.is_some_and(|node| node.applied() + 4 >= newest)
    });
    // 4 joins by snapshot, and becomes a voter while 2 becomes none.
    cluster.world.add_joiner(4);
    cluster.add(4);
    cluster.changed(&[MemberChange::Remove(2), MemberChange::AddLearner(3)]);
    cluster.puts("c", 4);
    cluster.changed(&[MemberChange::AddVoter(3)]);
    cluster.puts("d", 8);
    cluster.all_is_there();
    cluster
}

/// How many writes each replica makes in the run as it is without a crash.
fn writes(settings: Settings) -> BTreeMap<NodeId, u64> {
    let calm = play(settings, None);
    let hosts = calm.world.hosts.values();
    hosts.map(|host| (host.id, host.disk.begun)).collect()
}

fn crash_everywhere(combo: (bool, bool)) {
    let settings = run_settings(combo);
    let mut crashes = 0;
    for (id, many) in writes(settings) {
        for write in 1..=many {
            for survives in [false, true] {
                // Sooner than its absence is noticed, and later than that.
                let back_in = if write.is_multiple_of(2) { 60 } else { 1_700 };
                let point = CrashPoint {
                    id,
                    moment: Moment::Persist {
                        nth: write,
                        survives,
                    },
                    back_in,
                };
                let cluster = play(settings, Some(point));
                crashes += u64::from(cluster.world.crash_point.is_none());
            }
        }
    }
    assert!(crashes > 150, "only {crashes} crashes");
    println!("succession and salvage {combo:?}: {crashes} crashes");
}

#[test]
fn a_crash_at_every_step_by_timeouts_alone() {
    crash_everywhere(COMBOS[0]);
}

#[test]
fn a_crash_at_every_step_with_salvage() {
    crash_everywhere(COMBOS[1]);
}

#[test]
fn a_crash_at_every_step_with_succession() {
    crash_everywhere(COMBOS[2]);
}

#[test]
fn a_crash_at_every_step_with_succession_and_salvage() {
    crash_everywhere(COMBOS[3]);
}

/// All of them at once, in the middle of everything.
#[test]
fn everybody_crashes_at_any_moment() {
    for combo in COMBOS {
        for steps in (0..900).step_by(13) {
            let mut cluster = Steered::led(run_settings(combo), 3);
            cluster.world.add_joiner(4);
            let mut asked = Vec::new();
            for number in 0..steps {
                if number % 40 == 0 {
                    let key = format!("k{}", number % 7);
                    let write = cluster.next_write(Some(put(&key, &format!("{number}"))));
                    asked.push(cluster.ask(1, write));
                }
                if number == 150 {
                    let add = vec![MemberChange::AddLearner(4)];
                    cluster.ask(1, tabraft::wire::Ask::ChangeMembership(add));
                }
                cluster.world.step();
            }
            let ids = [1, 2, 3, 4];
            for id in ids {
                cluster.world.crash(id, (steps / 13) & id == 0);
            }
            ids.into_iter().for_each(|id| cluster.world.start(id));
            cluster.put("last", "1");
            cluster.all_is_there();
        }
    }
}
