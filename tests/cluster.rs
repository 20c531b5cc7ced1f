//! Whole clusters under faults, one a seed: `SEEDS=1000 cargo test --test cluster` runs more of
//! them, `SEED=17` one.

use tabraft::node::Limits;
use tabraft::sim::client::{Client, Plan};
use tabraft::sim::host::Host;
use tabraft::sim::nemesis::Nemesis;
use tabraft::sim::origin::Origin;
use tabraft::sim::{Settings, World};

const SEEDS: u64 = 100;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn world(seed: u64) -> World {
    let mut world = World::new(Settings {
        seed,
        cluster: 0xc1,
        limits: Limits {
            snapshot_entries: 5 + seed % 40,
            snapshot_bytes: 1 << 20,
            catchup_entries: seed % 20,
            step_down_ticks: 7 + seed % 30,
            fold_records: 1 + seed % 9,
            apply_per_turn: 1 + seed % 11,
            ..Limits::default()
        },
        tick_ms: Some(50),
        origin: Origin {
            shared_store: seed.is_multiple_of(2),
            salvage: !seed.is_multiple_of(3),
            succession: seed % 5 > 1,
            revive: seed % 7 > 3,
        },
    });
    let ids: Vec<u64> = (1..=[3, 3, 5, 2][seed as usize % 4]).collect();
    for &id in &ids {
        world.add_host(id, &ids);
    }
    let plan = Plan {
        operations: 60,
        in_flight: 4,
        reads_pct: 40,
        keys: 3,
        patience_ms: 400,
    };
    for id in 1..=3 {
        world.add_client(Client::new(id, seed, plan));
    }
    world
}

/// Faults, then none: everything must have stayed true, and everything must go on.
fn run(seed: u64) -> Result<World, String> {
    let mut world = world(seed);
    let down_max = world.hosts.len() / 2 + (seed % 2) as usize;
    let mut nemesis = Nemesis::new(seed, down_max);
    nemesis.raises_zombies = true;
    survives(&mut world, nemesis)?;
    Ok(world)
}

/// The same while replicas are added, promoted, demoted and removed, the leader among them.
fn run_with_changing_members(seed: u64) -> Result<(), String> {
    let mut world = world(seed);
    for newcomer in [11, 12] {
        world.add_joiner(newcomer);
    }
    let mut nemesis = Nemesis::new(seed, 1);
    nemesis.changes_membership = true;
    survives(&mut world, nemesis)
}

fn survives(world: &mut World, mut nemesis: Nemesis) -> Result<(), String> {
    nemesis.torment(world, 25_000);
    Nemesis::relent(world);
    for _ in 0..60 {
        if world.clients.values().all(Client::is_done) {
            break;
        }
        world.run(1_000);
    }
    world.run(5_000);
    if let Some(what) = world.replicas.violations().first() {
        return Err(what.clone());
    }
    world.history.check(&world.replicas.model)?;
    if !world.clients.values().all(Client::is_done) {
        return Err("clients wait although all is well again".to_owned());
    }
    let last = world.replicas.newest();
    let nodes = || world.hosts.values().filter_map(Host::node);
    let leader = nodes().max_by_key(|node| (node.is_leader(), node.term()));
    let members = leader.ok_or("all replicas are down")?.report().membership;
    if !members.voters_outgoing.is_empty() {
        return Err(format!("the joint membership is not left: {members:?}"));
    }
    for id in members.voters.iter().chain(&members.learners) {
        let node = world.hosts[id].node().ok_or("a replica is down")?;
        if (node.applied(), node.commit()) != (last, last) {
            return Err(format!("{id} has not caught up with {last}"));
        }
        if node.store().scan("", usize::MAX) != world.replicas.model.pairs() {
            return Err(format!("{id} has other pairs than the model"));
        }
    }
    Ok(())
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(default),
    }
}

#[test]
fn nothing_is_lost_or_stale_under_faults() {
    for seed in seeds(SEEDS) {
        if let Err(what) = run(seed) {
            panic!("SEED={seed}: {what}");
        }
    }
}

#[test]
fn nothing_is_lost_while_members_change() {
    for seed in seeds(SEEDS) {
        if let Err(what) = run_with_changing_members(seed) {
            panic!("SEED={seed}: {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let hash = |seed| run(seed).expect("a sound run").story.hash();
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
}
