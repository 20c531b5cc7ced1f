//! Which fault comes next.

use fastrand::Rng;

use super::World;
use super::host::State;
use super::network::Weather;
use crate::node::Input;
use crate::wire::{Address, Ask, Body, ClientId, Envelope, MemberChange, NodeId, Request};

/// Makes faults, one every now and then; which ones follows from the seed.
pub struct Nemesis {
    rng: Rng,
    /// Replicas that may be down at once.
    pub down_max: usize,
    /// Whether it asks for new memberships, too.
    pub changes_membership: bool,
    /// Whether a host may be taken for dead that is not.
    pub raises_zombies: bool,
}

/// The client in whose name it asks.
const ADMINISTRATOR: ClientId = 999;

impl Nemesis {
    pub fn new(seed: u64, down_max: usize) -> Self {
        Self {
            rng: Rng::with_seed(seed ^ 0x6e65_6d65),
            down_max,
            changes_membership: false,
            raises_zombies: false,
        }
    }

    /// Lets the world run for so long with faults.
    pub fn torment(&mut self, world: &mut World, ms: u64) {
        let end = world.agenda.now() + ms;
        world.network.weather = Weather::FAIR;
        while world.agenda.now() < end && world.replicas.is_sound() {
            self.strike(world);
            world.run(self.rng.u64(50..1_200));
        }
    }

    /// Ends all faults: everything is up and reaches everything.
    pub fn relent(world: &mut World) {
        world.network.heal();
        world.network.weather = Weather::FAIR;
        let ids: Vec<NodeId> = world.hosts.keys().copied().collect();
        for id in ids {
            world.resume(id);
            world.start(id);
        }
    }

    fn strike(&mut self, world: &mut World) {
        let ids: Vec<NodeId> = world.hosts.keys().copied().collect();
        let id = ids[self.rng.usize(0..ids.len())];
        let down = |world: &World| {
            let states = world.hosts.values().map(|host| &host.state);
            states
                .filter(|state| !matches!(state, State::Up(_)))
                .count()
        };
        match self.rng.u32(0..15) {
            0 | 1 if down(world) < self.down_max => world.crash(id, self.rng.bool()),
            2..=4 => {
                let state = &world.hosts[&id].state;
                match state {
                    State::Down => world.start(id),
                    State::Paused(_) => world.resume(id),
                    State::Up(_) => {}
                }
            }
            5 if down(world) < self.down_max => world.pause(id),
            6 => self.split(world, &ids),
            7 => {
                let other = ids[self.rng.usize(0..ids.len())];
                world.network.cut(id, other);
            }
            8 => world.network.heal(),
            9 => {
                world.network.slow_disks.insert(id);
            }
            10 => {
                world.network.weather = match self.rng.u32(0..3) {
                    0 => Weather::FAIR,
                    _ => Weather::STORM,
                };
            }
            11 if self.changes_membership => self.change_membership(world, &ids),
            12 if self.raises_zombies => world.take_over(id, self.rng.bool()),
            13 => world.input(id, Input::Snapshot),
            _ => world.input(id, Input::TransferLeader(None)),
        }
    }

    /// Asks every replica, since it does not know who leads; most will not be able to.
    fn change_membership(&mut self, world: &mut World, ids: &[NodeId]) {
        let rng = &mut self.rng;
        let mut change = || {
            let id = ids[rng.usize(0..ids.len())];
            match rng.u32(0..4) {
                0 => MemberChange::AddLearner(id),
                1 => MemberChange::Remove(id),
                _ => MemberChange::AddVoter(id),
            }
        };
        // One change, or two by joint consensus.
        let mut changes = vec![change(), change()];
        changes.truncate(self.rng.usize(1..=2));
        let envelope = Envelope {
            cluster: world.settings.cluster,
            from: Address::Client(ADMINISTRATOR),
            body: Body::Requests(vec![Request {
                id: 1,
                ask: Ask::ChangeMembership(changes),
            }]),
        };
        for &id in ids {
            world.send(envelope.clone(), Address::Node(id));
        }
    }

    fn split(&mut self, world: &mut World, ids: &[NodeId]) {
        let (one, other): (Vec<NodeId>, Vec<NodeId>) = ids.iter().partition(|_| self.rng.bool());
        world.network.partition(&one, &other);
    }
}
