//! How replicas come into the world, end, sleep, and come back.

use super::World;
use super::agenda::Happening;
use super::disk::Disk;
use super::host::{Host, State};
use crate::node::{Config, Input, Node};
use crate::wal::{self, WriteBatch};
use crate::wire::{Membership, NodeId};

/// The replica is to crash at its write of this number, counted by [`Disk::begun`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    pub id: NodeId,
    pub write: u64,
    /// Whether the write reaches the disk.
    pub survives: bool,
    /// Milliseconds until the replica is started again.
    pub back_in: u64,
}

impl World {
    /// A replica with the disk that a new cluster of `founders` begins with, running.
    pub fn add_host(&mut self, id: NodeId, founders: &[NodeId]) {
        let membership = Membership::of_voters(founders);
        self.replicas.founded(&membership);
        let first = wal::bootstrap(self.settings.cluster, id, membership);
        self.add_disk(id, first);
    }

    /// A replica that is no member yet and has nothing, running.
    pub fn add_joiner(&mut self, id: NodeId) {
        self.add_disk(id, wal::join(self.settings.cluster, id));
    }

    /// A replica with a disk of one batch, running.
    pub fn add_disk(&mut self, id: NodeId, first: WriteBatch) {
        self.hosts.insert(id, Host::new(id, Disk::of(first)));
        self.start(id);
        if let Some(tick_ms) = self.settings.tick_ms {
            let phase = self.rng.u64(0..tick_ms);
            self.agenda.add(phase, Happening::Tick(id));
        }
    }

    /// Empties the disk of a replica that is down, which begins anew as a joiner does.
    pub fn wipe(&mut self, id: NodeId) {
        let first = wal::join(self.settings.cluster, id);
        let down = |host: &&mut Host| host.state == State::Down;
        if let Some(host) = self.hosts.get_mut(&id).filter(down) {
            host.disk.wipe(first);
            self.replicas.wiped(id);
        }
    }

    /// Starts a replica that is down, from its disk. One that runs is left alone.
    pub fn start(&mut self, id: NodeId) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if host.state != State::Down {
            return self.story.tell(|| format!("{id} runs already"));
        }
        let config = Config {
            cluster: self.settings.cluster,
            id,
            epoch: host.disk.open(),
            seed: self.settings.seed,
            shared_store: self.settings.origin.shared_store,
            limits: self.settings.limits,
        };
        let recovered = match wal::replay(config.cluster, id, &host.disk.tables) {
            Ok(recovered) => recovered,
            Err(damage) => {
                return self
                    .replicas
                    .violated(format!("{id} cannot start: {damage}"));
            }
        };
        match Node::new(config, recovered) {
            Ok(node) => {
                host.state = State::Up(Box::new(node));
                self.replicas.reborn(id);
                self.carry_out(id);
            }
            Err(error) => self
                .replicas
                .violated(format!("{id} cannot start: {error}")),
        }
    }

    /// Ends a replica. A write under way may have reached the disk or not.
    pub fn crash(&mut self, id: NodeId, write_survives: bool) {
        if let Some(host) = self.hosts.get_mut(&id) {
            let lived = host.state != State::Down;
            host.crash(write_survives);
            self.story.tell(|| format!("{id} crashes"));
            if lived {
                self.announce_death(id);
            }
        }
    }

    /// Carries out the crash that was planned for this write, if it was.
    pub(super) fn crash_at(&mut self, id: NodeId, write: u64) {
        let this = |point: &mut CrashPoint| (point.id, point.write) == (id, write);
        if let Some(point) = self.crash_point.take_if(this) {
            self.crash(id, point.survives);
            self.agenda.add(point.back_in, Happening::Revival(id));
        }
    }

    /// Stops a replica as a browser freezes a tab: what arrives waits.
    pub fn pause(&mut self, id: NodeId) {
        let now = self.agenda.now();
        if let Some(host) = self.hosts.get_mut(&id) {
            host.pause(now);
        }
    }

    /// Lets it go on. Its host notices first how long it slept.
    pub fn resume(&mut self, id: NodeId) {
        let (now, tick_ms) = (self.agenda.now(), self.settings.tick_ms);
        let host = self.hosts.get_mut(&id);
        let waiting = host.map(|host| host.resume(now, tick_ms));
        for input in waiting.into_iter().flatten() {
            self.input(id, input);
        }
    }

    /// New limits, for all replicas that run and all that will be started.
    pub fn configure(&mut self, limits: crate::node::Limits) {
        self.settings.limits = limits;
        let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
        for id in ids {
            self.input(id, Input::Configure(limits));
        }
    }
}
