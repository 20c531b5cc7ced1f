//! A client: it has a session, keeps several requests in flight, and tries each again, at another
//! replica if need be, until it is answered.

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;

use crate::check::History;
use crate::kv::{Op, Outcome};
use crate::wire::{Answer, Ask, Body, ClientId, Envelope, NodeId, Read, Request};

/// Virtual milliseconds between a client's turns.
pub const WAKE_MS: u64 = 20;

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub operations: u64,
    pub in_flight: usize,
    /// Of a hundred operations, so many are reads.
    pub reads_pct: u32,
    pub keys: u64,
    /// Virtual milliseconds after which an unanswered request is sent again.
    pub patience_ms: u64,
    /// Virtual milliseconds between two new requests, at least.
    pub think_ms: u64,
}

pub struct Client {
    pub id: ClientId,
    rng: Rng,
    plan: Plan,
    session: Option<u64>,
    next_seq: u64,
    next_request: u64,
    asked: u64,
    pending: BTreeMap<u64, Pending>,
    /// When it asks something new, at the soonest.
    asks_at: u64,
    leader: NodeId,
}

struct Pending {
    ask: Ask,
    /// When it is to be sent, if nothing is heard before.
    due_ms: u64,
    /// Its place in the history; opening a session has none.
    noted: Option<usize>,
}

impl Client {
    pub fn new(id: ClientId, seed: u64, plan: Plan) -> Self {
        Self {
            id,
            rng: Rng::with_seed(seed ^ (id << 32)),
            plan,
            session: None,
            next_seq: 1,
            next_request: 1,
            asked: 0,
            pending: BTreeMap::new(),
            asks_at: 0,
            leader: 0,
        }
    }

    /// Requests it has made so far.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// It has asked all it means to ask, and has all answers.
    pub fn is_done(&self) -> bool {
        self.asked == self.plan.operations && self.pending.is_empty()
    }

    /// It asks nothing new from now on.
    pub fn stop(&mut self) {
        self.plan.operations = self.asked;
    }

    /// Takes replies; `newest` is the newest entry committed so far.
    pub fn hear(&mut self, now: u64, newest: u64, envelope: Envelope, history: &mut History) {
        let Body::Replies { leader, replies } = envelope.body else {
            return;
        };
        self.leader = leader;
        for reply in replies {
            let Some(pending) = self.pending.get_mut(&reply.id) else {
                continue;
            };
            if matches!(reply.answer, Answer::Retry) {
                // Not at once, lest it does nothing else.
                pending.due_ms = now + WAKE_MS;
                continue;
            }
            if pending.ask == Ask::OpenSession
                && let Answer::Applied(applied) = &reply.answer
                && applied.outcome == Outcome::Opened
            {
                self.session = Some(applied.index);
            }
            if let Some(place) = pending.noted {
                history.answered(place, reply.answer, newest);
            }
            self.pending.remove(&reply.id);
        }
    }

    /// Asks what is to be asked now: new requests, and old ones again.
    pub fn speak(
        &mut self,
        now: u64,
        nodes: &[NodeId],
        history: &mut History,
    ) -> BTreeMap<NodeId, Vec<Request>> {
        if self.session.is_none() && self.pending.is_empty() {
            self.ask(Ask::OpenSession, None);
        }
        while self.session.is_some()
            && self.pending.len() < self.plan.in_flight
            && self.asked < self.plan.operations
            && self.asks_at <= now
        {
            self.asked += 1;
            self.asks_at = now + self.plan.think_ms;
            let ask = self.invent();
            let noted = history.asked(self.id, ask.clone());
            self.ask(ask, Some(noted));
        }
        let mut said: BTreeMap<NodeId, Vec<Request>> = BTreeMap::new();
        for (&id, pending) in &mut self.pending {
            if pending.due_ms > now || nodes.is_empty() {
                continue;
            }
            // Reads go to any replica; writes to the leader it knows, but not blindly: it may be
            // dead, or cut off.
            let reads = matches!(pending.ask, Ask::Get { .. });
            let known = nodes.contains(&self.leader) && self.rng.u32(0..4) > 0;
            let to = if known && !reads {
                self.leader
            } else {
                nodes[self.rng.u64(0..nodes.len() as u64) as usize]
            };
            pending.due_ms = now + self.plan.patience_ms;
            let ask = pending.ask.clone();
            said.entry(to).or_default().push(Request { id, ask });
        }
        said
    }

    fn ask(&mut self, ask: Ask, noted: Option<usize>) {
        let pending = Pending {
            ask,
            due_ms: 0,
            noted,
        };
        self.pending.insert(self.next_request, pending);
        self.next_request += 1;
    }

    fn invent(&mut self) -> Ask {
        let key = format!("k{}", self.rng.u64(0..self.plan.keys));
        if self.rng.u32(0..100) < self.plan.reads_pct {
            let read = Read::Linearizable;
            return Ask::Get { key, read };
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        // No two writes write the same value, so that a read tells which one it saw.
        let value = Bytes::from(format!("{}.{seq}", self.id));
        let op = match self.rng.u32(0..10) {
            0 => Op::Delete { key },
            1 => Op::Cas {
                key,
                expected: None,
                value,
            },
            2 => Op::Cas {
                key,
                expected: Some(Bytes::from(format!("{}.{}", self.id, seq - 1))),
                value,
            },
            _ => Op::Put { key, value },
        };
        let unanswered = |pending: &Pending| match &pending.ask {
            Ask::Write { seq, .. } => Some(*seq),
            _ => None,
        };
        let answered_below = self.pending.values().filter_map(unanswered).min();
        Ask::Write {
            session: self.session.unwrap_or_default(),
            seq,
            answered_below: answered_below.unwrap_or(seq),
            op,
        }
    }
}
