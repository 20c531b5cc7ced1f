//! A campaign: one scenario after another, each from its seed, with faults, then without, and the
//! verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use super::client::{Client, Plan};
use super::disk::Durability;
use super::fault::Faults;
use super::host::{Host, State};
use super::nemesis::Timed;
use super::nemesis::schedule::{self, Taste, draw};
use super::network::Weather;
use super::origin::Origin;
use super::{Settings, World};
use crate::check::linear::{Initial, Operation, Verdict, check, check_positions};
use crate::node::Node;
use crate::wire::{ClientId, NodeId};

/// Virtual milliseconds after the last fault until somebody leads, at most.
const LEADER_MS: u64 = 15_000;
/// And until everything is answered, replaced and equal.
const SETTLED_MS: u64 = 60_000;
/// States that the judge of a history may visit; one that is harder fails its run.
const WORK_MAX: u64 = 10_000_000;
/// How often that is looked at.
const LOOK_MS: u64 = 250;

/// All that a run follows from.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub settings: Settings,
    /// For each founder, the tab that it is in.
    pub tabs: Vec<u64>,
    /// Replicas that are no members yet, and may become some.
    pub joiners: Vec<NodeId>,
    /// Whether disks are lost for good.
    pub losses: bool,
    pub clients: u64,
    pub plan: Plan,
    pub torment_ms: u64,
    pub strikes: Vec<Timed>,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The first promise that was broken.
    pub violation: Option<String>,
    pub faults: Faults,
    /// Requests of clients.
    pub ops: u64,
    pub virtual_ms: u64,
    /// Of every byte sent and written.
    pub hash: u64,
}

/// Runs the scenario of a seed.
pub fn run(seed: u64) -> Outcome {
    Scenario::of(seed).play()
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x7363_656e);
        let founders = [3, 3, 3, 3, 5, 5, 2, 2, 4, 1][rng.u64(0..10) as usize];
        let tabs = (0..founders).map(|_| rng.u64(1..=founders)).collect();
        let churns = rng.u64(0..3) == 0;
        let joiners: Vec<NodeId> = if churns { vec![11, 12] } else { Vec::new() };
        let settings = Settings {
            seed,
            cluster: 0xc1,
            limits: schedule::limits(&mut rng),
            tick_ms: Some(50),
            origin: Origin {
                shared_store: rng.bool(),
                salvage: rng.u64(0..3) > 0,
                succession: rng.u64(0..3) > 0,
                revive: rng.u64(0..3) == 0,
            },
            durability: match rng.u64(0..3) {
                0 => Durability::Relaxed,
                _ => Durability::Strict,
            },
        };
        let taste = Taste {
            torment_ms: rng.u64(2_000..14_000),
            churned: (1..=founders)
                .filter(|_| churns)
                .chain(joiners.clone())
                .collect(),
            losses: !churns,
        };
        Self {
            settings,
            tabs,
            joiners,
            losses: taste.losses,
            clients: rng.u64(1..=3),
            plan: Plan {
                operations: rng.u64(20..300),
                in_flight: rng.u64(1..=6) as usize,
                reads_pct: rng.u32(10..70),
                keys: rng.u64(1..=5),
                patience_ms: 400,
                think_ms: rng.u64(0..150),
            },
            torment_ms: taste.torment_ms,
            strikes: draw(seed, &taste),
        }
    }

    /// Runs it.
    pub fn play(&self) -> Outcome {
        self.play_in(&mut self.world())
    }

    /// Runs it and tells what happens, line by line.
    pub fn trace(&self) -> (Outcome, Vec<String>) {
        let mut world = self.world();
        world.story.listen_with_times();
        let outcome = self.play_in(&mut world);
        (outcome, world.story.take_lines())
    }

    /// Runs it and tells what its clients saw.
    pub fn history(&self) -> (Outcome, Vec<Operation>) {
        let mut world = self.world();
        let outcome = self.play_in(&mut world);
        (outcome, Vec::from(&world.history))
    }

    fn world(&self) -> World {
        World::new(self.settings)
    }

    fn play_in(&self, world: &mut World) -> Outcome {
        // raft-rs ends the program where it finds itself at odds. The world is only read after that.
        let verdict = catch_unwind(AssertUnwindSafe(|| self.act(world)));
        let violation = match verdict {
            Ok(verdict) => verdict.err(),
            Err(panic) => Some(format!("panic: {}", message(panic.as_ref()))),
        };
        Outcome {
            violation,
            faults: world.faults.clone(),
            ops: world.clients.values().map(Client::asked).sum(),
            virtual_ms: world.agenda.now(),
            hash: world.story.hash(),
        }
    }

    /// Faults, then none: everything must have stayed true, and everything must go on.
    fn act(&self, world: &mut World) -> Result<(), String> {
        self.populate(world);
        for Timed { at_ms, strike } in &self.strikes {
            world.run(at_ms.saturating_sub(world.agenda.now()));
            is_sound(world)?;
            world.strike(strike);
        }
        world.run(self.torment_ms.saturating_sub(world.agenda.now()));
        is_sound(world)?;
        world.clients.values_mut().for_each(Client::stop);
        world.relent();
        let end = world.agenda.now();
        let mut waits_for = unsettled(world);
        while let Some(what) = waits_for {
            is_sound(world)?;
            let passed = world.agenda.now() - end;
            if passed > SETTLED_MS {
                return Err(format!("{what}, {passed} ms after the last fault"));
            }
            if passed > LEADER_MS && leader(world).is_none() {
                return Err(format!("nobody leads, {passed} ms after the last fault"));
            }
            world.operate();
            world.run(LOOK_MS);
            waits_for = unsettled(world);
        }
        is_sound(world)?;
        world.history.check(&world.replicas.model)?;
        by_what_clients_saw(world)
    }

    fn populate(&self, world: &mut World) {
        world.network.weather = Weather::FAIR;
        world.losses = self.losses;
        let founders: Vec<NodeId> = (1..).zip(&self.tabs).map(|(id, _)| id).collect();
        for (&id, &tab) in founders.iter().zip(&self.tabs) {
            world.add_host(id, &founders);
            if let Some(host) = world.hosts.get_mut(&id) {
                host.tab = tab;
            }
        }
        for &id in &self.joiners {
            world.add_joiner(id);
        }
        for id in 1..=self.clients as ClientId {
            world.add_client(Client::new(id, self.settings.seed, self.plan));
        }
    }
}

fn is_sound(world: &World) -> Result<(), String> {
    match world.replicas.violations().first() {
        Some(what) => Err(what.clone()),
        None => Ok(()),
    }
}

/// The same without the log's help, as anybody could judge it.
fn by_what_clients_saw(world: &World) -> Result<(), String> {
    let seen: Vec<Operation> = Vec::from(&world.history);
    check_positions(&seen)?;
    match check(&seen, Initial::Absent, WORK_MAX) {
        Verdict::Linearizable { .. } => Ok(()),
        verdict => Err(format!("{verdict:?}")),
    }
}

fn leader(world: &World) -> Option<&Node> {
    let up = |host: &&Host| matches!(host.state, State::Up(_));
    let nodes = world.hosts.values().filter(up).filter_map(Host::node);
    let leaders = nodes.filter(|node| node.is_leader());
    leaders.max_by_key(|node| node.term())
}

/// What is not as it is to be in the end, if anything is.
fn unsettled(world: &World) -> Option<String> {
    if !world.clients.values().all(Client::is_done) {
        return Some("clients wait".to_owned());
    }
    if !world.is_mended() {
        return Some("lost replicas are not replaced".to_owned());
    }
    let Some(leader) = leader(world) else {
        return Some("nobody leads".to_owned());
    };
    let members = leader.membership();
    if !members.voters_outgoing.is_empty() {
        return Some(format!("the joint membership is not left: {members:?}"));
    }
    let last = world.replicas.newest();
    if leader.log().last() != last {
        return Some(format!(
            "the leader's log is not committed up to its end, {last}"
        ));
    }
    for id in members.members() {
        let Some(node) = world.hosts.get(&id).and_then(Host::node) else {
            return Some(format!("{id} is down"));
        };
        if (node.applied(), node.commit()) != (last, last) {
            return Some(format!("{id} has not caught up with {last}"));
        }
        if node.store().digest() != world.replicas.store().digest() {
            return Some(format!("{id} has another state than the log makes"));
        }
        if node.store().scan("", usize::MAX) != world.replicas.model.pairs() {
            return Some(format!("{id} has other pairs than the model"));
        }
    }
    None
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
