//! A whole cluster in one thread: virtual time, a network and disks that fail on purpose, hosts
//! that crash, and clients that retry. One seed is one run, to the last byte.
//!
//! ```text
//!   Agenda: what happens when          Host: a Node and its Disk, up, paused or down
//!   Network: which envelope arrives,   Client: sessions, several requests in flight, retries
//!            when, how often           Nemesis: which fault comes next
//!   Origin: deaths that are told, disks that others read
//!                    everything that is sent, written and said goes to the Story,
//!                    and past the checks of crate::check
//! ```
//!
//! Envelopes travel encoded, and disks hold what [`WriteBatch`](crate::wal::WriteBatch)es put
//! there, so that the formats are in every run.

pub mod agenda;
pub mod client;
pub mod disk;
pub mod host;
pub mod narrate;
pub mod nemesis;
pub mod network;
pub mod origin;
pub mod story;

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::check::{History, Replicas};
use crate::node::{Config, Input, Limits, Node, Output};
use crate::wal::{self, WriteBatch};
use crate::wire::{Address, Body, ClientId, ClusterId, Envelope, Membership, NodeId};
use agenda::{Agenda, Happening};
use client::Client;
use host::{Host, State};
use network::Network;
use origin::Origin;
use story::Story;

/// What a run is told at its start.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub seed: u64,
    pub cluster: ClusterId,
    pub limits: Limits,
    /// Virtual milliseconds between ticks; `None` where ticks come by hand.
    pub tick_ms: Option<u64>,
    pub origin: Origin,
}

/// A world with one cluster in it.
pub struct World {
    settings: Settings,
    rng: Rng,
    pub agenda: Agenda,
    pub network: Network,
    pub hosts: BTreeMap<NodeId, Host>,
    pub clients: BTreeMap<ClientId, Client>,
    pub story: Story,
    pub replicas: Replicas,
    pub history: History,
    /// Envelopes for clients that are not of this world: those of whoever steers it by hand.
    pub mailbox: Vec<Envelope>,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            rng: Rng::with_seed(settings.seed),
            agenda: Agenda::default(),
            network: Network::new(settings.seed),
            hosts: BTreeMap::new(),
            clients: BTreeMap::new(),
            story: Story::default(),
            replicas: Replicas::default(),
            history: History::default(),
            mailbox: Vec::new(),
        }
    }

    /// A replica with the disk that a new cluster of `founders` begins with, running.
    pub fn add_host(&mut self, id: NodeId, founders: &[NodeId]) {
        let membership = Membership::of_voters(founders);
        let first = wal::bootstrap(self.settings.cluster, id, membership);
        self.add_disk(id, first);
    }

    /// A replica that is no member yet and has nothing, running.
    pub fn add_joiner(&mut self, id: NodeId) {
        self.add_disk(id, wal::join(self.settings.cluster, id));
    }

    /// A replica with a disk of one batch, running.
    pub fn add_disk(&mut self, id: NodeId, first: WriteBatch) {
        let mut host = Host::new(id);
        host.disk.begin(first);
        host.disk.complete();
        self.hosts.insert(id, host);
        self.start(id);
        if let Some(tick_ms) = self.settings.tick_ms {
            let phase = self.rng.u64(0..tick_ms);
            self.agenda.add(phase, Happening::Tick(id));
        }
    }

    pub fn add_client(&mut self, client: Client) {
        let id = client.id;
        self.clients.insert(id, client);
        self.agenda.add(0, Happening::Wake(id));
    }

    /// Starts a replica that is down, from its disk.
    pub fn start(&mut self, id: NodeId) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if host.state != State::Down {
            return;
        }
        host.life += 1;
        let config = Config {
            cluster: self.settings.cluster,
            id,
            epoch: host.life,
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

    /// Stops a replica as a browser freezes a tab: what arrives waits.
    pub fn pause(&mut self, id: NodeId) {
        if let Some(host) = self.hosts.get_mut(&id) {
            host.pause();
        }
    }

    pub fn resume(&mut self, id: NodeId) {
        let waiting = self.hosts.get_mut(&id).map(Host::resume);
        for input in waiting.into_iter().flatten() {
            self.input(id, input);
        }
    }

    /// Gives a replica one input and carries out what it wants done.
    pub fn input(&mut self, id: NodeId, input: Input) {
        if let Some(host) = self.hosts.get_mut(&id)
            && host.take(input)
        {
            self.carry_out(id);
        }
    }

    /// A host's duty after every input: to carry out all outputs.
    fn carry_out(&mut self, id: NodeId) {
        while let Some((node, disk)) = self.hosts.get_mut(&id).and_then(Host::running) {
            let Some(output) = node.poll() else {
                break;
            };
            match output {
                Output::Persist(batch) => {
                    let (seq, held) = (batch.seq, disk.held);
                    self.story.wrote(id, &batch);
                    disk.begin(batch);
                    let life = self.hosts[&id].life;
                    if !held {
                        let delay = self.network.disk_delay(id);
                        self.agenda.add(delay, Happening::Written { id, life, seq });
                    }
                }
                Output::Send { to, body } => {
                    if let Body::Raft(messages) = &body {
                        self.replicas.promised(id, messages, disk);
                    }
                    let envelope = node.envelope(body);
                    self.send(envelope, to);
                }
                Output::Fetch { from, index } => {
                    let life = self.hosts[&id].life;
                    let delay = self.network.disk_delay(id);
                    let to = id;
                    let fetched = Happening::Fetched {
                        to,
                        life,
                        from,
                        index,
                    };
                    self.agenda.add(delay, fetched);
                }
                Output::Event(event) => self.story.tell(|| narrate::event(id, &event)),
            }
        }
        if let Some((node, disk)) = self.hosts.get_mut(&id).and_then(Host::running) {
            self.replicas.observe(id, node, disk);
        }
    }

    /// Puts an envelope on the network.
    pub fn send(&mut self, envelope: Envelope, to: Address) {
        let bytes = envelope.encode();
        self.story.sent(self.agenda.now(), &envelope, to, &bytes);
        let delays = self.network.deliveries(envelope.from, to);
        if delays.is_empty() {
            self.story.tell(|| "  lost".to_owned());
        }
        for delay in delays {
            let bytes = bytes.clone();
            self.agenda.add(delay, Happening::Arrive { to, bytes });
        }
    }

    /// Lets the next thing happen; `false` if nothing is to come.
    pub fn step(&mut self) -> bool {
        let Some(happening) = self.agenda.pop() else {
            return false;
        };
        match happening {
            Happening::Arrive { to, bytes } => self.arrive(to, &bytes),
            Happening::Written { id, life, seq } => {
                if self.hosts.get(&id).is_some_and(|host| host.life == life) {
                    self.written(id, seq);
                }
            }
            Happening::Tick(id) => {
                self.input(id, Input::Tick);
                if let Some(tick_ms) = self.settings.tick_ms {
                    self.agenda.add(tick_ms, Happening::Tick(id));
                }
            }
            Happening::Fetched {
                to,
                life,
                from,
                index,
            } => {
                if self.hosts.get(&to).is_some_and(|host| host.life == life) {
                    self.fetched(to, from, index);
                }
            }
            Happening::Death { of, line } => self.pass_on(of, line),
            Happening::Revival(id) => self.revive(id),
            Happening::Wake(id) => {
                self.talk(id, None);
                self.agenda.add(client::WAKE_MS, Happening::Wake(id));
            }
        }
        true
    }

    /// Lets everything happen for so many virtual milliseconds, or until a check fails.
    pub fn run(&mut self, ms: u64) {
        let end = self.agenda.now() + ms;
        while self.agenda.next_at().is_some_and(|at| at <= end) && self.replicas.is_sound() {
            self.step();
        }
        self.agenda.advance_to(end);
    }

    /// The batch under way at a replica's disk is complete.
    pub fn written(&mut self, id: NodeId, seq: u64) {
        if let Some(host) = self.hosts.get_mut(&id)
            && host.disk.in_flight() == Some(seq)
        {
            host.disk.complete();
            self.story.tell(|| format!("{id} disk has #{seq}"));
            self.input(id, Input::Persisted(seq));
        }
    }

    fn arrive(&mut self, to: Address, bytes: &[u8]) {
        match (to, Envelope::decode(bytes)) {
            (Address::Node(id), Ok(envelope)) => self.input(id, Input::Receive(envelope)),
            (Address::Node(id), Err(error)) => self.input(id, Input::Garbage(error)),
            (Address::Client(id), Ok(envelope)) => self.talk(id, Some(envelope)),
            (Address::Client(_), Err(_)) => {}
        }
    }

    /// Gives a client what arrived, or its turn; sends what it says.
    fn talk(&mut self, id: ClientId, arrived: Option<Envelope>) {
        let now = self.agenda.now();
        let newest = self.replicas.newest();
        let nodes: Vec<NodeId> = self.hosts.keys().copied().collect();
        let Some(client) = self.clients.get_mut(&id) else {
            self.mailbox.extend(arrived);
            return;
        };
        if let Some(envelope) = arrived {
            client.hear(now, newest, envelope, &mut self.history);
        }
        let said = client.speak(now, &nodes, &mut self.history);
        for (to, requests) in said {
            let envelope = Envelope {
                cluster: self.settings.cluster,
                from: Address::Client(id),
                body: Body::Requests(requests),
            };
            self.send(envelope, Address::Node(to));
        }
    }
}
