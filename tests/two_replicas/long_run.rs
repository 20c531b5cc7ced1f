//! Two replicas under constant writes, of which one or both are killed over and over.

use fastrand::Rng;
use tabraft::node::Input;
use tabraft::sim::World;
use tabraft::sim::client::{Client, Plan};
use tabraft::sim::host::Host;

use crate::of;
use crate::steer::{COMBOS, Steered, leader};

const KILLS: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Leader,
    Follower,
    Both,
}

fn kill(world: &mut World, rng: &mut Rng) -> Victim {
    let leads = leader(world).unwrap_or(1);
    let other = 3 - leads;
    let (victim, ids) = match rng.u32(0..5) {
        0 | 1 => (Victim::Leader, vec![leads]),
        2 | 3 => (Victim::Follower, vec![other]),
        _ => (Victim::Both, vec![leads, other]),
    };
    for id in ids {
        world.crash(id, rng.bool());
    }
    victim
}

fn long_run(combo: (bool, bool)) -> Vec<(Victim, u64)> {
    let mut settings = of(combo, true);
    settings.limits.snapshot_entries = 200;
    settings.limits.catchup_entries = 50;
    let mut cluster = Steered::led(settings, 2);
    for id in 1..=2 {
        let plan = Plan {
            operations: u64::MAX,
            in_flight: 1,
            reads_pct: 0,
            keys: 10,
            patience_ms: 40,
            think_ms: 0,
        };
        cluster.world.add_client(Client::new(id, 9, plan));
    }
    cluster.run(500);
    let mut rng = Rng::with_seed(combo.0 as u64 * 2 + combo.1 as u64);
    let mut downtimes = Vec::new();
    while downtimes.len() < KILLS {
        cluster.run(rng.u64(20..400));
        let world = &mut cluster.world;
        let at = world.agenda.now();
        let nodes = world.hosts.values().filter_map(Host::node);
        let last = nodes.map(|node| node.log().last()).max().unwrap_or(0);
        let victim = kill(world, &mut rng);
        if victim == Victim::Both {
            // Nobody is left to revive them, until a new tab is opened. It hosts all, so it has one
            // of them campaign.
            world.run(rng.u64(100..300));
            world.start(1);
            world.start(2);
            if combo.0 {
                let log = |id: &u64| world.hosts[id].node().map_or(0, |node| node.log().last());
                let first = if log(&1) < log(&2) { 2 } else { 1 };
                world.input(first, Input::Campaign);
            }
        }
        // Until a client has an answer from an entry that nobody had by then.
        cluster.until("it serves again", |world| {
            world.history.newest_applied > last
        });
        downtimes.push((victim, cluster.world.agenda.now() - at));
    }
    cluster.world.clients.values_mut().for_each(Client::stop);
    let done = |world: &World| world.clients.values().all(Client::is_done);
    cluster.until("every write is answered", done);
    cluster.all_is_there();
    let world = &cluster.world;
    world
        .history
        .check(&world.replicas.model)
        .expect("no acknowledged write is lost");
    let writes = world.history.requests.len();
    assert!(writes > KILLS * 5, "only {writes} writes");
    println!("succession and salvage {combo:?}: {writes} writes");
    downtimes
}

fn figures(combo: (bool, bool)) {
    let downtimes = long_run(combo);
    for victim in [Victim::Leader, Victim::Follower, Victim::Both] {
        let mut of: Vec<u64> = downtimes
            .iter()
            .filter(|(v, _)| *v == victim)
            .map(|d| d.1)
            .collect();
        of.sort_unstable();
        let (median, longest) = (of[of.len() / 2], of[of.len() - 1]);
        let p99 = of[of.len() * 99 / 100];
        println!(
            "  {victim:?} killed {} times, downtime in virtual ms: median {median}, p99 {p99}, longest {longest}",
            of.len()
        );
        let most = match (victim, combo.0) {
            (Victim::Follower, _) | (Victim::Leader, true) => 250,
            (Victim::Leader, false) => 1_500,
            (Victim::Both, _) => 1_800,
        };
        assert!(median <= most, "{combo:?} {victim:?}: {median} ms");
    }
}

#[test]
fn a_long_run_by_timeouts_alone() {
    figures(COMBOS[0]);
}

#[test]
fn a_long_run_with_salvage() {
    figures(COMBOS[1]);
}

#[test]
fn a_long_run_with_succession() {
    figures(COMBOS[2]);
}

#[test]
fn a_long_run_with_succession_and_salvage() {
    figures(COMBOS[3]);
}
