//! What a replica sends, over links that work as they should or as they were told to.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use tabraft::wire::{Address, Body, Envelope, RaftKind, RaftMessage};

use super::budget::Budget;
use crate::channel::Channel;
use crate::model::{FaultyLink, Flight, LinkFault, MessageKind};
use crate::names;

/// Channels to clients that are kept open; clients come and go.
const CLIENT_CHANNELS_MAX: usize = 64;
/// Envelopes that may be on slow links at once; more are lost, as on a full wire.
const DELAYED_MAX: usize = 10_000;

/// The outgoing links of one replica. Faults act between replicas; clients always hear it.
pub struct Net {
    cluster: String,
    node: u64,
    faults: RefCell<HashMap<u64, LinkFault>>,
    channels: Rc<RefCell<HashMap<Address, Channel>>>,
    delayed: Rc<RefCell<Budget>>,
    /// What went out since it was last asked for: a kind, a peer and a fate once, however often.
    flights: RefCell<BTreeSet<Flight>>,
}

impl Net {
    pub fn new(cluster: &str, node: u64) -> Self {
        Self {
            cluster: cluster.into(),
            node,
            faults: RefCell::default(),
            channels: Rc::default(),
            delayed: Rc::new(RefCell::new(Budget::new(DELAYED_MAX))),
            flights: RefCell::default(),
        }
    }

    /// What went to other replicas since this was last called.
    pub fn take_flights(&self) -> Vec<Flight> {
        self.flights.take().into_iter().collect()
    }

    fn note(&self, to: Address, body: &Body, lost: bool) {
        let Address::Node(to) = to else {
            return;
        };
        let from = self.node;
        let mut flights = self.flights.borrow_mut();
        flights.extend(kinds_of(body).map(|kind| Flight {
            from,
            to,
            kind,
            lost,
        }));
    }

    /// Keeps those faults that concern this replica's outgoing links.
    pub fn set_faults(&self, faults: &[FaultyLink]) {
        let mine = faults.iter().filter(|link| link.from == self.node);
        *self.faults.borrow_mut() = mine.map(|link| (link.to, link.fault)).collect();
    }

    /// Sends an envelope, or loses it.
    pub fn send(&self, to: Address, envelope: &Envelope) {
        let fault = match to {
            Address::Node(id) => self.faults.borrow().get(&id).copied(),
            Address::Client(_) => None,
        };
        let lost = fault.is_some_and(|fault| happens(fault.loss_pct));
        self.note(to, &envelope.body, lost);
        let Some(fault) = fault else {
            post(&self.cluster, &self.channels, to, &envelope.encode());
            return;
        };
        if lost {
            return;
        }
        let bytes = envelope.encode();
        if happens(fault.duplicate_pct) {
            self.send_late(to, bytes.clone(), &fault);
        }
        self.send_late(to, bytes, &fault);
    }

    fn send_late(&self, to: Address, bytes: Vec<u8>, fault: &LinkFault) {
        let delay_ms = fault.delay_ms + fault.jitter_ms * js_sys::Math::random();
        if delay_ms < 1.0 {
            post(&self.cluster, &self.channels, to, &bytes);
            return;
        }
        let length = bytes.len();
        if !self.delayed.borrow_mut().take(length) {
            return;
        }
        let (cluster, channels) = (self.cluster.clone(), self.channels.clone());
        let delayed = self.delayed.clone();
        Timeout::new(delay_ms as u32, move || {
            delayed.borrow_mut().give(length);
            post(&cluster, &channels, to, &bytes);
        })
        .forget();
    }
}

fn kinds_of(body: &Body) -> impl Iterator<Item = MessageKind> {
    let (messages, other) = match body {
        Body::Raft(messages) => (&messages[..], None),
        Body::Snapshot { .. } | Body::SnapshotAnswer { .. } => {
            (&[][..], Some(MessageKind::Snapshot))
        }
        _ => (&[][..], None),
    };
    messages.iter().map(kind_of).chain(other)
}

fn kind_of(message: &RaftMessage) -> MessageKind {
    match message.kind {
        RaftKind::Append | RaftKind::AppendResponse => MessageKind::Append,
        RaftKind::Heartbeat
        | RaftKind::HeartbeatResponse
        | RaftKind::ReadIndex
        | RaftKind::ReadIndexResp => MessageKind::Heartbeat,
        RaftKind::Snapshot => MessageKind::Snapshot,
        RaftKind::RequestVote
        | RaftKind::RequestVoteResponse
        | RaftKind::RequestPreVote
        | RaftKind::RequestPreVoteResponse
        | RaftKind::TransferLeader
        | RaftKind::TimeoutNow => MessageKind::Vote,
    }
}

fn happens(percent: f64) -> bool {
    js_sys::Math::random() * 100.0 < percent
}

fn post(cluster: &str, channels: &RefCell<HashMap<Address, Channel>>, to: Address, bytes: &[u8]) {
    let mut channels = channels.borrow_mut();
    if channels.len() > CLIENT_CHANNELS_MAX && !channels.contains_key(&to) {
        channels.retain(|address, _| matches!(address, Address::Node(_)));
    }
    let sent = match channels.entry(to) {
        std::collections::hash_map::Entry::Occupied(channel) => channel.get().send_bytes(bytes),
        std::collections::hash_map::Entry::Vacant(vacant) => {
            let name = match to {
                Address::Node(id) => names::node_channel(cluster, id),
                Address::Client(id) => names::client_channel(cluster, id),
            };
            Channel::sender(&name).and_then(|channel| vacant.insert(channel).send_bytes(bytes))
        }
    };
    if let Err(error) = sent {
        // Lost, as a datagram may be; Raft and clients try again.
        web_sys::console::warn_2(&"tabraft: an envelope was lost:".into(), &error);
    }
}
