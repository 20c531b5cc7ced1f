//! The log stays bounded under endless writes, and nothing is forgotten before what replaces it is
//! durable.

use tabraft::node::{Input, Limits};
use tabraft::sim::World;
use tabraft::sim::client::{Client, Plan};
use tabraft::sim::network::Weather;
use tabraft::wal::{Record, replay};

use crate::often;
use crate::steer::{CLUSTER, Steered, settings};

/// Somebody who writes without end.
fn writer(seed: u64) -> Client {
    let plan = Plan {
        operations: 1_500,
        in_flight: 8,
        reads_pct: 0,
        keys: 10,
        patience_ms: 400,
        think_ms: 0,
    };
    Client::new(7, seed, plan)
}

fn all_done(world: &World) -> bool {
    world.clients.values().all(Client::is_done)
}

/// No more entries in memory than the limits imply, no more than two snapshots, and no more entries
/// on disk than since the older of them, all with what a few messages bring at once.
fn assert_bounded(world: &World, limits: Limits) {
    const AT_ONCE: u64 = 20;
    for node in world.hosts.values().filter_map(|host| host.node()) {
        let entries = node.log().last() + 1 - node.log().first();
        let most = limits.snapshot_entries + limits.catchup_entries + AT_ONCE;
        // One that came back has what its disk had.
        assert!(
            entries <= most.max(2 * limits.snapshot_entries + 2 * AT_ONCE),
            "{entries}"
        );
        let tables = &world.hosts[&node.id()].disk.tables;
        assert!(tables.snapshots.len() <= 2);
        let records = tables.records.len() as u64;
        // A record has an entry or a commit index; one of these may follow each of those.
        let most = 2 * (2 * limits.snapshot_entries + 2 * AT_ONCE);
        assert!(records <= most, "{records} records on {}", node.id());
        let told = node.report();
        if world.hosts[&node.id()].disk.in_flight().is_none() {
            let bytes: usize = tables.records.iter().map(|(_, bytes)| bytes.len()).sum();
            assert_eq!((records, bytes as u64), (told.wal_records, told.wal_bytes));
        }
    }
}

#[test]
fn the_log_is_bounded_under_endless_writes() {
    for shared_store in [false, true] {
        let mut settings = often(5, 30);
        settings.limits.catchup_entries = 10;
        settings.origin.shared_store = shared_store;
        let mut cluster = Steered::led(settings, 3);
        cluster.world.add_client(writer(5));
        for round in 0..2_000 {
            cluster.run(10);
            assert_bounded(&cluster.world, settings.limits);
            match round % 100 {
                20 => cluster.world.crash(3, true),
                40 => cluster.world.start(3),
                50 => cluster.world.pause(2),
                80 => cluster.world.resume(2),
                _ => {}
            }
            if all_done(&cluster.world) {
                break;
            }
        }
        assert!(all_done(&cluster.world));
        cluster.world.start(3);
        cluster.world.resume(2);
        cluster.all_is_there();
    }
}

/// Small records become few, through deaths too, and are written twice at most.
#[test]
fn small_records_are_folded() {
    let mut settings = often(3, 10_000);
    settings.limits.fold_records = 16;
    let mut cluster = Steered::led(settings, 3);
    for round in 0..40 {
        cluster.puts(&format!("{round}"), 10);
        let id = 1 + round % 3;
        cluster.world.crash(id, round % 2 == 0);
        cluster.run(1_000);
        cluster.world.start(id);
        cluster.run(100);
    }
    for id in 1..=3 {
        let disk = &cluster.world.hosts[&id].disk;
        let (written, left) = (disk.begun, disk.tables.records.len() as u64);
        assert!(written > 300, "{id} wrote {written}");
        // The memberships that begin and end a run stay, and what a run is short of.
        assert!(left < written / 16 + 2 * 16, "{id}: {left} of {written}");
        let log = cluster.node(id).log();
        let recovered = replay(CLUSTER, id, &disk.tables).expect("a whole disk");
        assert_eq!(
            recovered.base.0 + recovered.entries.len() as u64,
            log.last()
        );
    }
    cluster.all_is_there();
}

/// One that comes back with a long log to apply votes and takes entries before it has.
#[test]
fn a_replica_answers_before_it_has_applied() {
    let mut settings = settings(4);
    settings.limits.apply_per_turn = 1;
    let mut cluster = Steered::led(settings, 3);
    cluster.puts("k", 200);
    cluster.run(1_000);
    let leader = cluster.leader().expect("one leads");
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    let (voter, other) = (followers[0], followers[1]);
    cluster.world.crash(voter, true);
    cluster.world.crash(leader, true);
    cluster.run(3_000);
    // Turns take no virtual time; so do messages and writes, lest all is applied meanwhile.
    cluster.world.network.weather = Weather::CALM;
    cluster.world.start(voter);
    let behind = |cluster: &Steered| {
        let node = cluster.node(voter);
        (node.applied(), node.commit())
    };
    let (applied, commit) = behind(&cluster);
    assert!(applied < commit, "{applied} of {commit}");
    cluster.world.input(other, Input::Campaign);
    while !cluster.node(other).is_leader() {
        cluster.world.step();
        let (applied, commit) = behind(&cluster);
        assert!(applied < commit, "all is applied before there is a leader");
    }
    cluster.world.start(leader);
    cluster.put("and", "on");
    cluster.all_is_there();
}

#[test]
fn large_entries_bring_a_snapshot_sooner() {
    let mut settings = settings(1);
    settings.limits.snapshot_bytes = 100_000;
    let mut cluster = Steered::led(settings, 3);
    let large = "x".repeat(10_000);
    for round in 0..60 {
        cluster.put(&format!("{}", round % 3), &large);
        for id in 1..=3 {
            assert!(cluster.node(id).log().bytes() <= 2 * 110_000);
            assert!(cluster.node(id).report().wal_bytes <= 3 * 110_000);
        }
    }
    for id in 1..=3 {
        let index = cluster.node(id).snapshot().0;
        assert!(index > 40, "{id} took its last snapshot at {index}");
    }
}

/// New limits take effect at once, on what is there already.
#[test]
fn limits_change_while_it_runs() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.puts("k", 40);
    assert_eq!(cluster.node(2).snapshot().0, 1);
    let small = Limits {
        snapshot_entries: 10,
        catchup_entries: 3,
        ..Limits::default()
    };
    cluster.world.configure(small);
    cluster.run(50);
    for id in 1..=3 {
        let (snapshot, first) = (
            cluster.node(id).snapshot().0,
            cluster.node(id).log().first(),
        );
        assert!(snapshot > 40, "{id}: {snapshot}");
        assert_eq!(first, snapshot - 2, "three are kept");
    }
    cluster.world.configure(Limits::default());
    let before = cluster.node(1).snapshot();
    cluster.puts("k", 40);
    assert_eq!(cluster.node(1).snapshot(), before);
    cluster.all_is_there();
}

/// While the snapshot is on its way to the disk, nothing of the log is gone, in memory or on disk;
/// if it never gets there, everything is still there.
#[test]
fn nothing_is_compacted_before_the_snapshot_is_durable() {
    for survives in [false, true] {
        let mut cluster = Steered::led(often(1, 1_000), 3);
        cluster.puts("k", 20);
        cluster.run(200);
        let first = cluster.node(1).log().first();
        let before = cluster.world.hosts[&1].disk.tables.clone();
        cluster.world.hosts.get_mut(&1).expect("it").disk.held = true;
        cluster.world.input(1, Input::Snapshot);
        cluster.run(30);
        assert!(cluster.world.hosts[&1].disk.in_flight().is_some());
        assert_eq!(cluster.node(1).log().first(), first);
        assert_eq!(cluster.world.hosts[&1].disk.tables, before);
        cluster.world.crash(1, survives);
        cluster.world.start(1);
        let snapshot = cluster.node(1).snapshot().0;
        assert_eq!(snapshot > 1, survives, "{snapshot}");
        cluster.put("and", "on");
        cluster.all_is_there();
    }
}

/// Two snapshots, and the log since the older one, so that the newer one can be done without.
#[test]
fn a_damaged_newest_snapshot_is_done_without() {
    let mut cluster = Steered::led(often(1, 8), 3);
    cluster.puts("k", 60);
    cluster.run(200);
    for id in 1..=3 {
        cluster.world.crash(id, true);
        let tables = &mut cluster.world.hosts.get_mut(&id).expect("it").disk.tables;
        assert_eq!(tables.snapshots.len(), 2);
        let (index, newest) = tables.snapshots.last_mut().expect("two");
        newest[40] ^= 1;
        let index = *index;
        let recovered = replay(CLUSTER, id, tables).expect("the older one does");
        assert_eq!(recovered.fell_back_from, Some(index));
        // What is dropped is not needed by either.
        let (_, oldest) = &tables.records[0];
        let oldest = Record::decode(oldest).expect("a record");
        assert!(
            oldest
                .entries
                .last()
                .is_none_or(|entry| entry.index > recovered.base.0)
        );
    }
    (1..=3).for_each(|id| cluster.world.start(id));
    cluster.put("and", "on");
    cluster.all_is_there();
}
