//! A follower that is too far behind gets a snapshot: by reference where it can read its leader's
//! disk, in chunks where it cannot; whoever dies in the middle of it.

use tabraft::node::Event;
use tabraft::node::transfer::CHUNK_BYTES;
use tabraft::sim::network::Weather;
use tabraft::sim::{CrashPoint, Moment, World};

use crate::often;
use crate::steer::{COMBOS, Steered, leads, origin, told};

/// A cluster whose third replica misses what the others have forgotten: five chunks of it.
pub fn lagging(seed: u64, shared_store: bool, combo: (bool, bool)) -> Steered {
    let mut settings = often(seed, 5);
    settings.origin = origin(combo);
    settings.origin.shared_store = shared_store;
    let mut cluster = Steered::led(settings, 3);
    cluster.isolate(3);
    let large = "x".repeat(CHUNK_BYTES);
    for key in ["a", "b", "c", "d"] {
        cluster.put(key, &large);
    }
    cluster.puts("small", 8);
    let missing = cluster.node(3).log().last();
    assert!(cluster.node(1).log().first() > missing + 1);
    cluster
}

pub fn installed(world: &World, id: u64) -> bool {
    told(world, id, |event| {
        matches!(event, Event::SnapshotInstalled { .. })
    })
}

#[track_caller]
fn caught_up(cluster: &mut Steered) {
    cluster.until("3 has its snapshot", |world| installed(world, 3));
    cluster.all_is_there();
}

#[test]
fn by_reference_no_body_travels() {
    let mut cluster = lagging(1, true, COMBOS[0]);
    cluster.world.network.heal();
    let lines = cluster.until_told("3 installed the snapshot");
    assert!(lines.iter().any(|line| line.contains("in the store")));
    assert!(!lines.iter().any(|line| line.contains("bytes 0..")));
    caught_up(&mut cluster);
}

#[test]
fn in_chunks_of_bounded_size() {
    let mut cluster = lagging(1, false, COMBOS[0]);
    cluster.world.network.heal();
    let lines = cluster.until_told("3 installed the snapshot");
    let mut chunks = lines.iter().filter(|line| line.contains("bytes"));
    assert_eq!(chunks.clone().count(), 5, "{lines:#?}");
    assert!(chunks.all(|line| !line.contains("in the store")));
    caught_up(&mut cluster);
}

/// Lost chunks are sent again, and repeated ones do not spoil what has arrived: nothing is refused
/// as damaged.
#[test]
fn in_chunks_that_are_lost_and_repeated() {
    for seed in 0..12 {
        let mut cluster = lagging(seed, false, COMBOS[0]);
        cluster.world.network.heal();
        cluster.world.network.weather = Weather {
            loss_pct: 15,
            duplicate_pct: 40,
            delay_ms: 0..=40,
            ..Weather::FAIR
        };
        let lines = cluster.until_told("3 installed the snapshot");
        let damaged = lines.iter().filter(|line| line.contains("Damaged"));
        assert_eq!(damaged.count(), 0, "{lines:#?}");
        cluster.world.network.weather = Weather::FAIR;
        caught_up(&mut cluster);
    }
}

/// Killed when some chunks have arrived, it has none of them when it comes back, and says so.
#[test]
fn the_follower_dies_between_chunks() {
    for combo in COMBOS {
        for chunk in 0..4 {
            let mut cluster = lagging(chunk, false, combo);
            cluster.world.network.heal();
            cluster.until_told(&format!("bytes {}..", chunk * CHUNK_BYTES as u64));
            cluster.world.crash(3, false);
            cluster.run(chunk * 400);
            cluster.world.start(3);
            caught_up(&mut cluster);
        }
    }
}

/// etcd#10225: killed while the snapshot is on its way to the disk, it is not waited for for ever.
#[test]
fn the_follower_dies_while_it_installs() {
    for combo in COMBOS {
        for (shared_store, survives) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let mut cluster = lagging(1, shared_store, combo);
            // Its heartbeats make it write its commit index once; the install is the next write.
            let write = cluster.world.hosts[&3].disk.begun + 1;
            cluster.world.crash_point = Some(CrashPoint {
                id: 3,
                moment: Moment::Persist {
                    nth: write,
                    survives,
                },
                back_in: 100,
            });
            cluster.world.network.heal();
            let lines = cluster.until_told("3 crashes");
            let last = lines.iter().rfind(|line| line.starts_with("3 writes"));
            assert!(
                last.is_some_and(|line| line.contains("snapshot")),
                "{last:?}"
            );
            let before = cluster.world.agenda.now();
            cluster.all_is_there();
            let took = cluster.world.agenda.now() - before;
            assert!(took < 1_000, "it waited for {took} ms");
            cluster.put("and", "on");
            cluster.all_is_there();
        }
    }
}

#[test]
fn the_leader_dies_in_the_middle() {
    for combo in COMBOS {
        for shared_store in [false, true] {
            let mut cluster = lagging(1, shared_store, combo);
            cluster.world.network.heal();
            let middle = if shared_store {
                "in the store"
            } else {
                "bytes 262144"
            };
            cluster.until_told(middle);
            cluster.world.crash(1, false);
            // 3 lacks what is committed, unless it reads it from the dead one's disk in time.
            cluster.until("another leads", |world| {
                leads(world, 2) || (shared_store && leads(world, 3))
            });
            cluster.put("after", "it");
            cluster.world.start(1);
            caught_up(&mut cluster);
        }
    }
}
