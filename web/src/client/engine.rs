//! What a tab asked for and has not been answered: its session, its window, its repetitions.
//!
//! A write keeps its session and sequence number through every attempt, so that it is applied
//! once. What is not answered is sent again when another leader shows, or after a while.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Weak;

use futures_channel::oneshot;
use gloo_timers::callback::Interval;
use tabraft::kv::{Op, Refusal};
use tabraft::wire::{Address, Answer, Ask, Body, Envelope, Reply, Request};
use wasm_bindgen::JsValue;

use crate::channel::Channel;
use crate::model::ApiError;
use crate::names;

/// How far the newest write in flight may be ahead of the oldest. Replicas keep this many answers
/// for a session, at the least.
const WINDOW: u64 = 2_048;
/// The most bytes of keys and values in one envelope (one request may be larger).
const ENVELOPE_BYTES_MAX: usize = 1 << 20;
/// After which time without an answer a request is sent again, in milliseconds.
const RESEND_MS: f64 = 500.0;
/// After which time a request that was given back is tried again, in milliseconds.
const RETRY_MS: f64 = 20.0;

/// Whom to ask now; the engine knows nothing else of the cluster.
pub trait Directory {
    fn somebody(&self) -> Somebody;
}

/// The best that there is to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Somebody {
    #[default]
    Nobody,
    /// A replica that may pass requests on, if only to a leader that is gone.
    Any(u64),
    /// It campaigns. In a dead leader's place, it keeps writes until it leads.
    Candidate(u64),
    Leader(u64),
}

impl Somebody {
    fn id(self) -> Option<u64> {
        match self {
            Self::Nobody => None,
            Self::Any(id) | Self::Candidate(id) | Self::Leader(id) => Some(id),
        }
    }
}

pub(super) enum What {
    /// Gets its session and sequence number when it is first sent.
    Write(Op),
    Other(Ask),
}

pub(super) struct Pending {
    pub(super) what: What,
    /// Its session and its sequence number there, once it has them.
    pub(super) place: Option<(u64, u64)>,
    /// The replica to ask, if it must be that one.
    pub(super) target: Option<u64>,
    pub(super) deadline_ms: f64,
    pub(super) attempts: u32,
    /// The candidate it was sent to, unless it was sent to another since.
    pub(super) kept_by: Option<u64>,
    /// When to send it (again).
    pub(super) due_ms: f64,
    pub(super) answer: Option<oneshot::Sender<Result<Answer, ApiError>>>,
}

enum Session {
    None,
    Opening,
    Open { id: u64, next_seq: u64 },
}

pub(super) struct Engine {
    cluster: String,
    pub(super) identity: u64,
    client: u64,
    directory: Weak<dyn Directory>,
    next_id: u64,
    pub(super) pending: BTreeMap<u64, Pending>,
    /// To be sent in the next flush.
    pub(super) outbox: VecDeque<u64>,
    session: Session,
    /// The session's sequence numbers that were given out and not answered.
    outstanding: BTreeSet<u64>,
    channels: HashMap<u64, Channel>,
    pub(super) sweep: Option<Interval>,
}

impl Engine {
    pub(super) fn new(
        cluster: &str,
        identity: u64,
        client: u64,
        directory: Weak<dyn Directory>,
    ) -> Self {
        Self {
            cluster: cluster.into(),
            identity,
            client,
            directory,
            next_id: 1,
            pending: BTreeMap::new(),
            outbox: VecDeque::new(),
            session: Session::None,
            outstanding: BTreeSet::new(),
            channels: HashMap::new(),
            sweep: None,
        }
    }

    pub(super) fn add(&mut self, pending: Pending) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, pending);
        self.outbox.push_back(id);
        id
    }

    pub(super) fn flush(&mut self, now: f64) {
        let Some(directory) = self.directory.upgrade() else {
            return;
        };
        let somebody = directory.somebody();
        let mut batches: BTreeMap<u64, Vec<Request>> = BTreeMap::new();
        let mut later = Vec::new();
        while let Some(id) = self.outbox.pop_front() {
            // It may be answered, or sent in this very flush.
            let Some(pending) = self.pending.get(&id).filter(|p| p.due_ms <= now) else {
                continue;
            };
            let Some(to) = pending.target.or(somebody.id()) else {
                self.postpone(id, now + RETRY_MS);
                continue;
            };
            let Some(ask) = self.ask_of(id, now) else {
                later.push(id);
                continue;
            };
            if let Some(pending) = self.pending.get_mut(&id) {
                let backoff = f64::from(pending.attempts.min(4) + 1);
                pending.attempts += 1;
                pending.kept_by = Some(to).filter(|_| somebody == Somebody::Candidate(to));
                pending.due_ms = now + RESEND_MS * backoff;
            }
            batches.entry(to).or_default().push(Request { id, ask });
        }
        for id in later {
            self.postpone(id, now + RETRY_MS);
        }
        for (to, requests) in batches {
            self.send(to, requests);
        }
    }

    fn postpone(&mut self, id: u64, due_ms: f64) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.due_ms = due_ms;
        }
    }

    /// What to send for a request; `None` while a write must wait for a session or its window.
    fn ask_of(&mut self, id: u64, now: f64) -> Option<Ask> {
        let first_outstanding = self.outstanding.first().copied();
        let pending = self.pending.get_mut(&id)?;
        let op = match &pending.what {
            What::Other(ask) => return Some(ask.clone()),
            What::Write(op) => op.clone(),
        };
        match &mut self.session {
            Session::Open { id, next_seq } => {
                let (session, seq) = match pending.place {
                    Some(place) => place,
                    None if *next_seq >= first_outstanding.unwrap_or(*next_seq) + WINDOW => {
                        return None;
                    }
                    None => {
                        let place = (*id, *next_seq);
                        pending.place = Some(place);
                        self.outstanding.insert(*next_seq);
                        *next_seq += 1;
                        place
                    }
                };
                let answered_below = match self.outstanding.first() {
                    Some(first) if session == *id => *first,
                    // A session that was given up: nothing new is said of its answers.
                    _ => 0,
                };
                Some(Ask::Write {
                    session,
                    seq,
                    answered_below,
                    op,
                })
            }
            Session::Opening => None,
            Session::None => {
                self.session = Session::Opening;
                self.add(Pending {
                    what: What::Other(Ask::OpenSession),
                    place: None,
                    target: None,
                    deadline_ms: f64::INFINITY,
                    attempts: 0,
                    kept_by: None,
                    due_ms: now,
                    answer: None,
                });
                None
            }
        }
    }

    fn send(&mut self, to: u64, requests: Vec<Request>) {
        let mut rest = requests.into_iter().peekable();
        while rest.peek().is_some() {
            let mut bytes = 0;
            let mut requests = Vec::new();
            while let Some(request) = rest.next_if(|request| {
                let fits = bytes == 0 || bytes + size(&request.ask) <= ENVELOPE_BYTES_MAX;
                bytes += size(&request.ask);
                fits
            }) {
                requests.push(request);
            }
            let envelope = Envelope {
                cluster: self.identity,
                from: Address::Client(self.client),
                body: Body::Requests(requests),
            };
            if let Err(error) = self.post(to, &envelope.encode()) {
                // Lost: it is sent again when its time comes.
                web_sys::console::warn_2(&"tabraft: requests were lost:".into(), &error);
            }
        }
    }

    fn post(&mut self, to: u64, bytes: &[u8]) -> Result<(), JsValue> {
        if !self.channels.contains_key(&to) {
            let channel = Channel::sender(&names::node_channel(&self.cluster, to))?;
            self.channels.insert(to, channel);
        }
        match self.channels.get(&to) {
            Some(channel) => channel.send_bytes(bytes),
            None => Ok(()),
        }
    }

    pub(super) fn on_reply(&mut self, reply: Reply) {
        let now = js_sys::Date::now();
        match reply.answer {
            Answer::Retry => self.postpone(reply.id, now + RETRY_MS),
            Answer::Refused(Refusal::Busy | Refusal::WindowFull) => {
                self.postpone(reply.id, now + 2.0 * RETRY_MS);
            }
            Answer::Refused(Refusal::SessionExpired) => self.on_expired(reply.id, now),
            Answer::Refused(refusal) => self.finish(reply.id, Err(refusal.into())),
            Answer::Applied(applied) if self.is_session_opening(reply.id) => {
                self.pending.remove(&reply.id);
                // A second answer to a repeated opening: its session is left unused.
                if matches!(self.session, Session::Opening) {
                    self.session = Session::Open {
                        id: applied.index,
                        next_seq: 1,
                    };
                    self.outstanding.clear();
                    self.send_waiting_writes(now);
                }
            }
            answer => self.finish(reply.id, Ok(answer)),
        }
    }

    fn is_session_opening(&self, id: u64) -> bool {
        let pending = self.pending.get(&id);
        pending.is_some_and(|p| matches!(p.what, What::Other(Ask::OpenSession)))
    }

    fn send_waiting_writes(&mut self, now: f64) {
        for (id, pending) in &mut self.pending {
            if pending.place.is_none() && matches!(pending.what, What::Write(_)) {
                pending.due_ms = now;
                self.outbox.push_back(*id);
            }
        }
    }

    /// The replicas forgot this tab's session. A write that was sent once was not applied and can
    /// be sent in a new session; of one sent more often, an earlier attempt may have been.
    fn on_expired(&mut self, id: u64, now: f64) {
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        let once = pending.attempts <= 1;
        let expired = pending.place.take().map(|(session, _)| session);
        if matches!(self.session, Session::Open { id, .. } if Some(id) == expired) {
            self.session = Session::None;
        }
        if once {
            pending.attempts = 0;
            pending.due_ms = now;
        } else {
            let error = ApiError::new(
                "SESSION_EXPIRED",
                "The cluster forgot this tab's session; whether the write took effect is unknown.",
            );
            self.finish(id, Err(error));
        }
    }

    fn finish(&mut self, id: u64, result: Result<Answer, ApiError>) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        if let (Some((session, seq)), Session::Open { id, .. }) = (pending.place, &self.session)
            && session == *id
        {
            self.outstanding.remove(&seq);
        }
        if let Some(answer) = pending.answer {
            // A caller that is gone does not mind.
            drop(answer.send(result));
        }
    }

    /// Everything is to be sent again, but for what a candidate keeps.
    pub(super) fn send_all_again(&mut self, but_for: Option<u64>) {
        let now = js_sys::Date::now();
        for (id, pending) in &mut self.pending {
            let kept = but_for.is_some() && pending.kept_by == but_for;
            if pending.target.is_none() && !kept {
                pending.due_ms = now;
                self.outbox.push_back(*id);
            }
        }
    }

    /// Gives up what is past its deadline and sends again what is due. Whether nothing is left.
    pub(super) fn sweep(&mut self, now: f64) -> bool {
        let mut late = Vec::new();
        for (id, pending) in &self.pending {
            if now >= pending.deadline_ms {
                late.push(*id);
            } else if now >= pending.due_ms {
                self.outbox.push_back(*id);
            }
        }
        for id in late {
            let sent = self.pending.get(&id).is_some_and(|p| p.attempts > 0);
            self.finish(id, Err(given_up(sent)));
        }
        self.pending.is_empty()
    }
}

fn given_up(sent: bool) -> ApiError {
    if sent {
        ApiError::new(
            "TIMEOUT",
            "No answer in time. If it was a write, whether it took effect is unknown.",
        )
    } else {
        ApiError::new(
            "NO_LEADER",
            "No replica could be asked in time: none is running, or none knows a leader. \
             Nothing was sent.",
        )
    }
}

fn size(ask: &Ask) -> usize {
    match ask {
        Ask::Write { op, .. } => {
            op.key().len()
                + match op {
                    Op::Put { value, .. } => value.len(),
                    Op::Delete { .. } => 0,
                    Op::Cas {
                        expected, value, ..
                    } => value.len() + expected.as_ref().map_or(0, |bytes| bytes.len()),
                }
        }
        _ => 64,
    }
}
