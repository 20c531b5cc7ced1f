//! Three replicas in one thread, without time, faults or checks: what they cost, and nothing else.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use tabraft::kv::Op;
use tabraft::node::{Config, Input, Limits, Node, Output};
use tabraft::wal::{Tables, bootstrap, replay};
use tabraft::wire::{Address, Answer, Ask, Body, Envelope, Membership, NodeId, Read, Request};

use super::CLUSTER;

const CLIENT: u64 = 9;

pub struct Trio {
    nodes: BTreeMap<NodeId, Node>,
    /// Encoded, as they travel.
    wire: VecDeque<(Address, Vec<u8>)>,
    persisted: VecDeque<(NodeId, u64)>,
    session: u64,
    next: u64,
    answered: Vec<Answer>,
}

impl Trio {
    /// Led by replica 1, with a session.
    pub fn led() -> Self {
        let start = |id| {
            let mut tables = Tables::default();
            tables.write(&bootstrap(CLUSTER, id, Membership::of_voters([1, 2, 3])));
            let config = Config {
                cluster: CLUSTER,
                id,
                epoch: 1,
                seed: 1,
                shared_store: true,
                limits: Limits::default(),
            };
            let recovered = replay(CLUSTER, id, &tables).expect("a new disk");
            (id, Node::new(config, recovered).expect("a new replica"))
        };
        let mut trio = Self {
            nodes: (1..=3).map(start).collect(),
            wire: VecDeque::new(),
            persisted: VecDeque::new(),
            session: 0,
            next: 1,
            answered: Vec::new(),
        };
        trio.input(1, Input::Campaign);
        trio.settle();
        trio.ask(vec![Ask::OpenSession]);
        let Some(Answer::Applied(opened)) = trio.answered.pop() else {
            panic!("replica 1 leads and opens a session");
        };
        trio.session = opened.index;
        trio
    }

    /// Puts so many values at once; returns how many were applied.
    pub fn put(&mut self, many: u64, bytes: usize) -> u64 {
        let value = Bytes::from(vec![b'x'; bytes]);
        let first = self.next;
        let put = |seq| Ask::Write {
            session: self.session,
            seq,
            answered_below: first,
            op: Op::Put {
                key: format!("key/{:04}", seq % 1_000),
                value: value.clone(),
            },
        };
        let asks = (first..first + many).map(put).collect();
        self.ask(asks);
        let applied = |answer: &Answer| matches!(answer, Answer::Applied(_));
        self.answered.drain(..).filter(applied).count() as u64
    }

    /// Reads so many keys at once; returns how many were answered with a value.
    pub fn get(&mut self, many: u64) -> u64 {
        let get = |n| Ask::Get {
            key: format!("key/{:04}", 2 + n % 64),
            read: Read::Linearizable,
        };
        self.ask((0..many).map(get).collect());
        let found = |answer: &Answer| matches!(answer, Answer::Value(Some(_)));
        self.answered.drain(..).filter(found).count() as u64
    }

    fn ask(&mut self, asks: Vec<Ask>) {
        let requests = asks.into_iter().map(|ask| {
            self.next += 1;
            Request { id: self.next, ask }
        });
        let envelope = Envelope {
            cluster: CLUSTER,
            from: Address::Client(CLIENT),
            body: Body::Requests(requests.collect()),
        };
        self.wire.push_back((Address::Node(1), envelope.encode()));
        self.settle();
    }

    /// Until nothing is under way.
    fn settle(&mut self) {
        loop {
            if let Some((to, bytes)) = self.wire.pop_front() {
                let envelope = Envelope::decode(&bytes).expect("a replica's or client's own");
                match to {
                    Address::Node(id) => self.input(id, Input::Receive(envelope)),
                    Address::Client(_) => self.hear(envelope),
                }
            } else if let Some((id, seq)) = self.persisted.pop_front() {
                self.input(id, Input::Persisted(seq));
            } else {
                return;
            }
        }
    }

    fn hear(&mut self, envelope: Envelope) {
        if let Body::Replies { replies, .. } = envelope.body {
            self.answered
                .extend(replies.into_iter().map(|reply| reply.answer));
        }
    }

    fn input(&mut self, id: NodeId, input: Input) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        node.handle(input);
        while let Some(output) = node.poll() {
            match output {
                Output::Persist(batch) => self.persisted.push_back((id, batch.seq)),
                Output::Send { to, body } => {
                    let bytes = node.envelope(body).encode();
                    self.wire.push_back((to, bytes));
                }
                Output::Again => node.handle(Input::Again),
                Output::Fetch { .. } | Output::Event(_) => {}
            }
        }
    }
}
