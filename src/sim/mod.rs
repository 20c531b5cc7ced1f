//! A whole cluster in one thread: virtual time, a network and disks that fail on purpose, hosts
//! that crash, and clients that retry. One seed is one run, to the last byte.
//!
//! ```text
//!   Agenda: what happens when          Host: a Node and its Disk, up, paused or down
//!   Network: which envelope arrives,   Client: sessions, several requests in flight, retries
//!            when, how often           Nemesis: which fault comes next
//!   Origin: deaths that are told, disks that others read
//!   Zombie: a host that was taken for dead and was not
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
mod lives;
pub mod narrate;
pub mod nemesis;
pub mod network;
pub mod origin;
pub mod story;
mod zombie;

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::check::{History, Replicas};
use crate::node::{Event, Input, Limits, Node, Output};
use crate::wire::{Address, Body, ClientId, ClusterId, Envelope, NodeId};
use agenda::{Agenda, Happening};
use client::Client;
use host::Host;
pub use lives::CrashPoint;
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
    /// What replicas told of themselves.
    pub events: Vec<(NodeId, Event)>,
    /// Where the next crash is.
    pub crash_point: Option<CrashPoint>,
    /// Replicas that live on although another host has taken their place.
    zombies: BTreeMap<NodeId, Box<Node>>,
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
            events: Vec::new(),
            crash_point: None,
            zombies: BTreeMap::new(),
        }
    }

    pub fn add_client(&mut self, client: Client) {
        let id = client.id;
        self.clients.insert(id, client);
        self.agenda.add(0, Happening::Wake(id));
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
                    let (life, nth) = (disk.owner(), disk.begun + 1);
                    let begun = disk.begin(life, batch);
                    debug_assert!(begun, "a host owns its disk");
                    if !held {
                        let delay = self.network.disk_delay(id);
                        self.agenda.add(delay, Happening::Written { id, life, seq });
                    }
                    self.crash_at(id, nth);
                }
                Output::Send { to, body } => {
                    if let Body::Raft(messages) = &body {
                        self.replicas.promised(id, messages, disk);
                    }
                    let envelope = node.envelope(body);
                    self.send(envelope, to);
                }
                Output::Fetch { from, index } => {
                    let life = disk.owner();
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
                Output::Again => {
                    let life = disk.owner();
                    self.agenda.add(0, Happening::Again { id, life });
                }
                Output::Event(event) => {
                    self.replicas.told(id, &event);
                    self.story.tell(|| narrate::event(id, &event));
                    self.events.push((id, event));
                }
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
                if self.hosts.get(&id).is_some_and(|host| host.life() == life) {
                    self.written(id, seq);
                }
            }
            Happening::Again { id, life } => {
                if self.hosts.get(&id).is_some_and(|host| host.life() == life) {
                    self.input(id, Input::Again);
                }
            }
            Happening::Tick(id) => {
                self.input(id, Input::Tick);
                self.haunt(id, Input::Tick);
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
                if self.hosts.get(&to).is_some_and(|host| host.life() == life) {
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
            (Address::Node(id), Ok(envelope)) => {
                self.haunt(id, Input::Receive(envelope.clone()));
                self.input(id, Input::Receive(envelope));
            }
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
