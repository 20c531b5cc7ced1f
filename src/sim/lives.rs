//! How replicas come into the world, end, sleep, and come back.

use super::World;
use super::agenda::Happening;
use super::disk::{Completed, Disk, Durable};
use super::fault::Fault;
use super::host::{Host, State};
use super::loss::Loss;
use super::origin::Notice;
use crate::node::{Config, Input, Node};
use crate::planted::{self, Bug};
use crate::wal::{self, Damage, Recovered, Replay, Tables, WriteBatch};
use crate::wire::{Membership, NodeId};

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
        let disk = Disk::of(first, self.settings.durability);
        self.hosts.insert(id, Host::new(id, disk));
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
            self.lost.remove(&id);
            self.spoiled.remove(&id);
            self.replicas.wiped(id);
        }
    }

    /// Starts a replica that is down, from its disk. One that runs is left alone, and one that
    /// forgot its word stays down.
    pub fn start(&mut self, id: NodeId) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if host.state != State::Down {
            return self.story.tell(|| format!("{id} runs already"));
        }
        if host.disk.full {
            return self
                .story
                .tell(|| format!("{id} has no room to raise its epoch"));
        }
        if host.disk.tables.is_empty() {
            self.replicas.forgot(id);
            self.lost.entry(id).or_insert(Loss::Evicted);
            if planted::is(Bug::ForgottenVotes) {
                host.disk.wipe(wal::join(self.settings.cluster, id));
                self.lost.remove(&id);
            }
        }
        if let Some(loss) = self.lost.get(&id) {
            return self.story.tell(|| format!("{id} stays down: {loss:?}"));
        }
        let limits = self.settings.limits;
        let config = Config {
            cluster: self.settings.cluster,
            id,
            epoch: host.disk.open(),
            seed: self.settings.seed,
            shared_store: self.settings.origin.shared_store,
            limits,
        };
        if host
            .limits
            .replace(limits)
            .is_some_and(|last| last != limits)
        {
            self.faults.count(Fault::OtherSettings);
        }
        let durable = host.disk.durable;
        match recover(&config, &host.disk.tables) {
            Ok(recovered) => self.begin_life(config, recovered, durable),
            Err(damage) => self.is_damaged(id, &damage),
        }
    }

    fn begin_life(&mut self, config: Config, recovered: Recovered, durable: Durable) {
        let id = config.id;
        if let Some(index) = recovered.fell_back_from {
            self.faults.count(Fault::FlippedSnapshot);
            self.story
                .tell(|| format!("{id} does without its snapshot at {index}"));
        }
        match Node::new(config, recovered) {
            Ok(node) => {
                self.replicas.restarted(id, &node, durable);
                if let Some(host) = self.hosts.get_mut(&id) {
                    host.state = State::Up(Box::new(node));
                }
                self.carry_out(id);
            }
            Err(error) => self
                .replicas
                .violated(format!("{id} cannot start: {error}")),
        }
    }

    /// What was damaged on purpose is to be found, and nothing else.
    fn is_damaged(&mut self, id: NodeId, damage: &Damage) {
        if !self.spoiled.contains(&id) {
            return self
                .replicas
                .violated(format!("{id} cannot start: {damage}"));
        }
        self.faults.count(match damage {
            Damage::MissingRecord { .. } => Fault::MissingRecord,
            Damage::Snapshot { .. } => Fault::FlippedSnapshot,
            _ => Fault::FlippedRecord,
        });
        self.story.tell(|| format!("{id} stays down: {damage}"));
        self.lost.insert(id, Loss::Damaged);
    }

    /// Ends a replica. A write under way may have reached the disk or not.
    pub fn crash(&mut self, id: NodeId, write_survives: bool) {
        self.crash_told(id, write_survives, Notice::Soon);
    }

    /// The same, and says how the others hear of it. Returns whether it was alive.
    pub fn crash_told(&mut self, id: NodeId, write_survives: bool, notice: Notice) -> bool {
        let lived = self.end(id, write_survives);
        if lived {
            self.announce_death(id, notice);
        }
        lived
    }

    /// Ends a replica before anybody can hear of it.
    pub(super) fn end(&mut self, id: NodeId, write_survives: bool) -> bool {
        let Some(host) = self.hosts.get_mut(&id) else {
            return false;
        };
        let lived = host.state != State::Down;
        if host.disk.installs() {
            self.faults.count(Fault::InstallInterrupted);
        }
        let completed = host.crash(write_survives);
        self.completed(id, completed);
        self.story.tell(|| format!("{id} crashes"));
        lived
    }

    /// A write is on the disk, whether its host is there to hear it or not.
    pub(super) fn completed(&mut self, id: NodeId, completed: Option<Completed>) {
        if let (Some(completed), Some(host)) = (completed, self.hosts.get(&id)) {
            self.replicas.wrote(id, &completed, &host.disk);
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

/// Every third life was read ahead.
fn recover(config: &Config, tables: &Tables) -> Result<Recovered, Damage> {
    let mut replay = Replay::new(config.cluster, config.id);
    if config.epoch.is_multiple_of(3) {
        replay.follow(tables)?;
    }
    replay.finish(tables)
}
