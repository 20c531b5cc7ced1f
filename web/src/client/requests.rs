//! Requests on their way: batched, sent to the leader, sent again until answered or given up.
//!
//! All requests of one microtask travel in one envelope a replica. A write keeps its session and
//! sequence number through every attempt, so that it is applied once. What is not answered is
//! sent again when another leader shows, or after a while.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use gloo_timers::callback::Interval;
use tabraft::kv::{Applied, Op, Refusal};
use tabraft::wire::{Address, Answer, Ask, Body, Envelope, Reply, Request};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use crate::channel::{Channel, bytes_of};
use crate::model::ApiError;
use crate::names;

/// How far the newest write in flight may be ahead of the oldest. Replicas keep this many answers
/// for a session, at the least.
const WINDOW: u64 = 2_048;
/// Requests that wait in this tab; a caller beyond that is told to wait himself.
const PENDING_MAX: usize = 65_536;
/// The most bytes of keys and values in one envelope (one request may be larger).
const ENVELOPE_BYTES_MAX: usize = 1 << 20;
/// How often deadlines and repetitions are looked after, in milliseconds.
const SWEEP_MS: u32 = 25;
/// After which time without an answer a request is sent again, in milliseconds.
const RESEND_MS: f64 = 500.0;
/// After which time a request that was given back is tried again, in milliseconds.
const RETRY_MS: f64 = 20.0;

/// Whom to ask now; the engine knows nothing else of the cluster.
pub trait Directory {
    /// The leader, or who may know it.
    fn somebody(&self) -> Option<u64>;
}

enum What {
    /// Gets its session and sequence number when it is first sent.
    Write(Op),
    Other(Ask),
}

struct Pending {
    what: What,
    /// Its session and its sequence number there, once it has them.
    place: Option<(u64, u64)>,
    /// The replica to ask, if it must be that one.
    target: Option<u64>,
    deadline_ms: f64,
    attempts: u32,
    /// When to send it (again).
    due_ms: f64,
    answer: Option<oneshot::Sender<Result<Answer, ApiError>>>,
}

enum Session {
    None,
    Opening,
    Open { id: u64, next_seq: u64 },
}

struct Engine {
    cluster: String,
    identity: u64,
    client: u64,
    directory: Weak<dyn Directory>,
    next_id: u64,
    pending: BTreeMap<u64, Pending>,
    /// To be sent in the next flush.
    outbox: VecDeque<u64>,
    session: Session,
    /// The session's sequence numbers that were given out and not answered.
    outstanding: BTreeSet<u64>,
    channels: HashMap<u64, Channel>,
    sweep: Option<Interval>,
}

/// A handle to the requests of this tab.
#[derive(Clone)]
pub struct Requests {
    engine: Rc<RefCell<Engine>>,
    flushing: Rc<Cell<bool>>,
    _inbox: Rc<Channel>,
}

impl Requests {
    /// # Errors
    /// The browser's, where it has no channels.
    pub fn new(
        cluster: &str,
        identity: u64,
        client: u64,
        directory: Weak<dyn Directory>,
    ) -> Result<Self, JsValue> {
        let engine = Rc::new(RefCell::new(Engine {
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
        }));
        let flushing = Rc::new(Cell::new(false));
        let (hearing, schedule) = (Rc::downgrade(&engine), flushing.clone());
        let name = names::client_channel(cluster, client);
        let inbox = Channel::receiver(&name, move |message| {
            if let Some(engine) = hearing.upgrade() {
                hear(&engine, &message);
                flush_soon(&engine, &schedule);
            }
        })?;
        Ok(Self {
            engine,
            flushing,
            _inbox: Rc::new(inbox),
        })
    }

    /// A write, applied once.
    ///
    /// # Errors
    /// `TIMEOUT` with the outcome unknown; `NO_LEADER` if it was never sent; what a replica
    /// refused it for.
    pub async fn write(
        &self,
        op: Op,
        target: Option<u64>,
        timeout_ms: f64,
    ) -> Result<Applied, ApiError> {
        op.check()?;
        match self.ask(What::Write(op), target, timeout_ms).await? {
            Answer::Applied(applied) => Ok(applied),
            other => Err(unexpected(&other)),
        }
    }

    /// Anything else.
    ///
    /// # Errors
    /// As [`Requests::write`].
    pub async fn other(
        &self,
        ask: Ask,
        target: Option<u64>,
        timeout_ms: f64,
    ) -> Result<Answer, ApiError> {
        self.ask(What::Other(ask), target, timeout_ms).await
    }

    async fn ask(
        &self,
        what: What,
        target: Option<u64>,
        timeout_ms: f64,
    ) -> Result<Answer, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let now = js_sys::Date::now();
        {
            let mut engine = self.engine.borrow_mut();
            if engine.pending.len() >= PENDING_MAX {
                return Err(ApiError::new(
                    "BUSY",
                    format!("This tab has {PENDING_MAX} requests waiting already."),
                ));
            }
            engine.add(Pending {
                what,
                place: None,
                target,
                deadline_ms: now + timeout_ms,
                attempts: 0,
                due_ms: now,
                answer: Some(sender),
            });
            self.keep_sweeping(&mut engine);
        }
        flush_soon(&self.engine, &self.flushing);
        receiver.await.unwrap_or_else(|_| {
            Err(ApiError::new(
                "TIMEOUT",
                "The request was dropped; its outcome is unknown.",
            ))
        })
    }

    /// Another leader shows: everything is sent again, to him. Even what he was sent before: as a
    /// follower he passed it on to a leader that is gone.
    pub fn on_leader(&self) {
        self.engine.borrow_mut().send_all_again();
        flush_soon(&self.engine, &self.flushing);
    }

    fn keep_sweeping(&self, engine: &mut Engine) {
        if engine.sweep.is_some() {
            return;
        }
        let (weak, flushing) = (Rc::downgrade(&self.engine), self.flushing.clone());
        engine.sweep = Some(Interval::new(SWEEP_MS, move || {
            if let Some(engine) = weak.upgrade() {
                let idle = engine.borrow_mut().sweep(js_sys::Date::now());
                if idle {
                    // Dropped outside of its own callback.
                    let sweep = engine.borrow_mut().sweep.take();
                    spawn_local(async move { drop(sweep) });
                }
                flush_soon(&engine, &flushing);
            }
        }));
    }
}

/// Sends what is to be sent at the end of this microtask round: all of it at once.
fn flush_soon(engine: &Rc<RefCell<Engine>>, flushing: &Rc<Cell<bool>>) {
    if engine.borrow().outbox.is_empty() || flushing.replace(true) {
        return;
    }
    let (engine, flushing) = (engine.clone(), flushing.clone());
    spawn_local(async move {
        flushing.set(false);
        engine.borrow_mut().flush(js_sys::Date::now());
    });
}

fn hear(engine: &Rc<RefCell<Engine>>, message: &JsValue) {
    let Some(Ok(envelope)) = bytes_of(message).map(|bytes| Envelope::decode(&bytes)) else {
        return;
    };
    let mut engine = engine.borrow_mut();
    if envelope.cluster != engine.identity {
        return;
    }
    if let (Address::Node(_), Body::Replies { replies, .. }) = (envelope.from, envelope.body) {
        for reply in replies {
            engine.on_reply(reply);
        }
    }
}

impl Engine {
    fn add(&mut self, pending: Pending) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, pending);
        self.outbox.push_back(id);
        id
    }

    fn flush(&mut self, now: f64) {
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
            let Some(to) = pending.target.or(somebody) else {
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

    fn on_reply(&mut self, reply: Reply) {
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

    fn send_all_again(&mut self) {
        let now = js_sys::Date::now();
        for (id, pending) in &mut self.pending {
            if pending.target.is_none() {
                pending.due_ms = now;
                self.outbox.push_back(*id);
            }
        }
    }

    /// Gives up what is past its deadline and sends again what is due. Whether nothing is left.
    fn sweep(&mut self, now: f64) -> bool {
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

fn unexpected(answer: &Answer) -> ApiError {
    ApiError::new(
        "PROTOCOL",
        format!("A replica gave an answer of another kind: {answer:?}"),
    )
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
