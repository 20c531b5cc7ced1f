//! A whole cluster in one thread: virtual time, a network and disks that fail on purpose, hosts
//! that crash, and clients that retry. One seed is one run, to the last byte.
//!
//! ```text
//!   Agenda: what happens when          Host: a Node and its Disk, up, paused or down
//!   Network: which envelope arrives,   Client: sessions, several requests in flight, retries
//!            when, how often           Nemesis: which fault comes when
//!   Origin: deaths that are told, disks that others read
//!   Zombie: a host that was taken for dead and was not
//!   Loss: disks that are gone          Operator: who replaces their replicas
//!                    everything that is sent, written and said goes to the Story,
//!                    and past the checks of crate::check
//! ```
//!
//! Envelopes travel encoded, and disks hold what [`WriteBatch`](crate::wal::WriteBatch)es put
//! there, so that the formats are in every run.
//!
//! [`campaign`] runs one scenario after another; [`shrink`] makes one that fails small.

pub mod agenda;
pub mod campaign;
pub mod client;
mod crash_point;
pub mod disk;
mod duties;
pub mod fault;
pub mod golden;
pub mod host;
mod lives;
pub mod loss;
pub mod narrate;
pub mod nemesis;
pub mod network;
mod operator;
pub mod origin;
pub mod shrink;
pub mod story;
mod zombie;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::check::{History, Replicas};
use crate::frame::FrameError;
use crate::node::{Event, Input, Limits};
use crate::wire::{Address, Body, ClientId, ClusterId, Envelope, NodeId};
use agenda::{Agenda, Happening};
use client::Client;
pub use crash_point::{CrashPoint, Moment};
use disk::Durability;
use fault::{Fault, Faults};
use host::Host;
use loss::Loss;
use nemesis::Trap;
use network::Network;
use operator::Operator;
use origin::Origin;
use story::Story;
use zombie::Zombie;

/// What a run is told at its start.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub seed: u64,
    pub cluster: ClusterId,
    pub limits: Limits,
    /// Virtual milliseconds between ticks; `None` where ticks come by hand.
    pub tick_ms: Option<u64>,
    pub origin: Origin,
    pub durability: Durability,
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
    /// What happened of what can go wrong.
    pub faults: Faults,
    /// Replicas that stay down, since they forgot their word.
    pub lost: BTreeMap<NodeId, Loss>,
    /// Whether disks may be lost for good.
    pub losses: bool,
    /// Replicas whose disks were damaged on purpose.
    spoiled: BTreeSet<NodeId>,
    /// Until then a request to change the membership may be about.
    calm_at: u64,
    /// What is to happen to whoever next takes in a snapshot.
    trap: Option<Trap>,
    operator: Operator,
    /// Replicas that live on although another host has taken their place.
    zombies: BTreeMap<NodeId, Zombie>,
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
            faults: Faults::default(),
            lost: BTreeMap::new(),
            losses: false,
            spoiled: BTreeSet::new(),
            calm_at: 0,
            trap: None,
            operator: Operator::default(),
            zombies: BTreeMap::new(),
        }
    }

    pub fn add_client(&mut self, client: Client) {
        let id = client.id;
        self.clients.insert(id, client);
        self.agenda.add(0, Happening::Wake(id));
    }

    /// Puts an envelope on the network.
    pub fn send(&mut self, envelope: Envelope, to: Address) {
        let bytes = envelope.encode();
        let now = self.agenda.now();
        self.story.sent(now, &envelope, to, &bytes);
        let way = (envelope.from, to);
        let deliveries = self.network.deliveries(now, way, &mut self.faults);
        if deliveries.is_empty() {
            self.story.tell(|| "  lost".to_owned());
        }
        for (delay, state) in deliveries {
            let bytes = state.of(&bytes, &envelope);
            self.agenda.add(delay, Happening::Arrive { to, bytes });
        }
    }

    /// Lets the next thing happen; `false` if nothing is to come.
    pub fn step(&mut self) -> bool {
        let Some(happening) = self.agenda.pop() else {
            return false;
        };
        self.story.at(self.agenda.now());
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
                    let pace = self.hosts.get(&id).map_or(100, |host| host.pace_pct);
                    let next = (tick_ms * 100 / pace).max(1);
                    self.agenda.add(next, Happening::Tick(id));
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
            Happening::Start(id) => self.start(id),
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

    fn arrive(&mut self, to: Address, bytes: &[u8]) {
        match (to, Envelope::decode(bytes)) {
            (Address::Node(id), Ok(envelope)) => {
                if envelope.cluster != self.settings.cluster {
                    self.faults.count(Fault::ForeignCluster);
                }
                self.haunt(id, Input::Receive(envelope.clone()));
                self.input(id, Input::Receive(envelope));
            }
            (Address::Node(id), Err(error)) => {
                self.faults.count(match error {
                    FrameError::Version { .. } => Fault::ForeignVersion,
                    _ => Fault::Corruption,
                });
                self.input(id, Input::Garbage(error));
            }
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
        let arrived = arrived.filter(|envelope| envelope.cluster == self.settings.cluster);
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
