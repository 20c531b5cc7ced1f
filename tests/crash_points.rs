//! A crash before and after every step: of a run with elections, changes of the membership,
//! snapshots, an install, a salvage and successions, every write, every message and everything
//! applied is a replica's last once. After each: it is started again, nothing that was promised is
//! broken, and everything goes on.

mod steer;

use tabraft::node::{Event, Input, Limits};
use tabraft::sim::fault::Fault;
use tabraft::sim::{CrashPoint, Moment, Settings, World};
use tabraft::wire::{MemberChange, NodeId};

use steer::{COMBOS, Steered, origin, put, settings};

fn run_settings(founders: u64, combo: (bool, bool)) -> Settings {
    let mut settings = Settings {
        limits: Limits {
            snapshot_entries: 6,
            catchup_entries: 2,
            ..Limits::default()
        },
        origin: origin(combo),
        ..settings(3)
    };
    settings.origin.shared_store = founders == 2;
    settings.origin.revive = founders == 2;
    settings
}

/// The leader has written what it did not send, and dies; and is started again after a while.
fn leader_dies_with_a_tail(cluster: &mut Steered) {
    let Some(leader) = cluster.leader() else {
        return;
    };
    cluster.isolate(leader);
    let write = cluster.next_write(Some(put("tail", "1")));
    cluster.ask(leader, write);
    cluster.run(20);
    cluster.world.network.heal();
    cluster.world.crash(leader, true);
    cluster.run(300);
    cluster.world.start(leader);
}

fn three(settings: Settings, crash: Option<CrashPoint>) -> Steered {
    let mut cluster = Steered::new(settings, 3);
    cluster.world.crash_point = crash;
    cluster.puts("a", 3);
    // 3 falls behind a snapshot and installs it.
    cluster.isolate(3);
    cluster.puts("b", 8);
    cluster.world.network.heal();
    leader_dies_with_a_tail(&mut cluster);
    cluster.puts("c", 2);
    // 4 joins by snapshot, and becomes a voter while 2 becomes none.
    cluster.world.add_joiner(4);
    cluster.add(4);
    cluster.changed(&[MemberChange::Remove(2), MemberChange::AddLearner(3)]);
    cluster.changed(&[MemberChange::AddVoter(3)]);
    if let Some(leader) = cluster.leader() {
        cluster.world.input(leader, Input::TransferLeader(None));
    }
    cluster.puts("d", 3);
    cluster.all_is_there();
    cluster
}

fn two(settings: Settings, crash: Option<CrashPoint>) -> Steered {
    let mut cluster = Steered::new(settings, 2);
    cluster.world.crash_point = crash;
    cluster.puts("a", 3);
    leader_dies_with_a_tail(&mut cluster);
    cluster.puts("b", 3);
    // A third without history, and one of the first two goes.
    cluster.world.add_joiner(3);
    cluster.add(3);
    cluster.changed(&[MemberChange::Remove(2)]);
    cluster.puts("c", 3);
    for victim in [1, 3] {
        cluster.world.crash(victim, true);
        cluster.put("after", &format!("{victim}"));
    }
    cluster.all_is_there();
    cluster
}

/// What the run is about does happen in it.
fn has_all(world: &World, (succession, salvage): (bool, bool)) {
    let told = |is_it: fn(&Event) -> bool| world.events.iter().any(|(_, event)| is_it(event));
    assert!(told(|e| matches!(e, Event::SnapshotTaken { .. })));
    assert!(told(|e| matches!(e, Event::SnapshotInstalled { .. })));
    assert!(told(|e| matches!(e, Event::MembershipChanged { .. })));
    if salvage {
        assert!(told(|e| matches!(e, Event::Salvaged { entries: 1.., .. })));
    }
    assert_eq!(world.faults.of(Fault::Succession) > 0, succession);
    assert!(told(|e| matches!(e, Event::Removed { .. })));
}

/// The steps of a replica, each with both sides of it.
fn moments(world: &World, id: NodeId) -> Vec<Moment> {
    let host = &world.hosts[&id];
    let mut moments = Vec::new();
    for after in [false, true] {
        let persist = |nth| Moment::Persist {
            nth,
            survives: after,
        };
        moments.extend((1..=host.disk.begun).map(persist));
        moments.extend((1..=host.sends).map(|nth| Moment::Send { nth, sent: after }));
        moments.extend((1..=host.applies).map(|nth| Moment::Apply { nth, told: after }));
    }
    moments
}

fn crash_everywhere(founders: u64, play: impl Fn(Settings, Option<CrashPoint>) -> Steered) {
    for combo in COMBOS {
        let settings = run_settings(founders, combo);
        let calm = play(settings, None);
        has_all(&calm.world, combo);
        let ids: Vec<NodeId> = calm.world.hosts.keys().copied().collect();
        let (mut crashes, mut runs) = (0, 0);
        for id in ids {
            for moment in moments(&calm.world, id) {
                // Sooner than its absence is noticed, and later than that.
                let back_in = if runs % 2 == 0 { 60 } else { 1_700 };
                let point = CrashPoint {
                    id,
                    moment,
                    back_in,
                };
                let cluster = play(settings, Some(point));
                runs += 1;
                crashes += u64::from(cluster.world.crash_point.is_none());
            }
        }
        // The run is the same up to there, so each of them happens.
        assert_eq!(crashes, runs);
        println!("{founders} founders, {combo:?}: a crash at each of {crashes} moments");
    }
}

#[test]
fn three_replicas() {
    crash_everywhere(3, three);
}

#[test]
fn two_replicas() {
    crash_everywhere(2, two);
}
