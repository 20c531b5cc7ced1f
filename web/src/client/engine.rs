//! What a tab asked for and has not been answered: its session, its window, its repetitions.
//!
//! A write keeps its session and sequence number through every attempt, so that it is applied
//! once. What is not answered is sent again when another leader shows, or after a while.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Weak;

use gloo_timers::callback::Interval;
use tabraft::kv::Refusal;
use tabraft::wire::{Address, Answer, Ask, Body, Envelope, Reply, Request};
use wasm_bindgen::JsValue;

use super::flight::{Flight, Lane, WINDOW};
use super::pending::{Pending, What, size};
use crate::channel::Channel;
use crate::model::{ApiError, Traffic};
use crate::names;

/// The most bytes of keys and values in one envelope (one request may be larger).
const ENVELOPE_BYTES_MAX: usize = 1 << 20;
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
    /// To be sent in the next flush, whatever else is under way.
    outbox: VecDeque<u64>,
    /// By lane: not sent yet, in order.
    waiting: [VecDeque<u64>; Lane::ALL.len()],
    flight: Flight,
    /// Requests that were sent again, and sessions that were opened.
    repeated: u64,
    sessions: u64,
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
            waiting: Default::default(),
            flight: Flight::default(),
            repeated: 0,
            sessions: 0,
            session: Session::None,
            outstanding: BTreeSet::new(),
            channels: HashMap::new(),
            sweep: None,
        }
    }

    pub(super) fn add(&mut self, pending: Pending) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        match pending.lane() {
            Some(lane) => self.waiting[lane as usize].push_back(id),
            None => self.outbox.push_back(id),
        }
        self.pending.insert(id, pending);
        id
    }

    /// Whether a flush may have something to send.
    pub(super) fn has_work(&self) -> bool {
        !self.outbox.is_empty() || self.waiting.iter().any(|lane| !lane.is_empty())
    }

    pub(super) fn traffic(&self) -> Traffic {
        let under_way = self.pending.values().filter(|it| it.attempts > 0).count();
        Traffic {
            under_way: under_way as u64,
            waiting: (self.pending.len() - under_way) as u64,
            repeated: self.repeated,
            sessions: self.sessions,
        }
    }

    /// Sends what is due, and of what waits as much as there is room for.
    pub(super) fn flush(&mut self, now: f64) {
        let Some(directory) = self.directory.upgrade() else {
            return;
        };
        let somebody = directory.somebody();
        let mut batches: BTreeMap<u64, Vec<Request>> = BTreeMap::new();
        for lane in Lane::ALL {
            while let Some(&id) = self.waiting[lane as usize].front() {
                if let Some(pending) = self.pending.get(&id) {
                    let bytes = self.flight.cost(lane, pending.what.bytes());
                    if !self.flight.has_room(lane, bytes) {
                        break;
                    }
                    let Some((to, request)) = self.prepare(id, somebody, now) else {
                        break;
                    };
                    batches.entry(to).or_default().push(request);
                    self.flight.begin(lane, bytes);
                    if let Some(pending) = self.pending.get_mut(&id) {
                        pending.flies = Some((lane, bytes));
                        pending.sent_ms = now;
                    }
                }
                self.waiting[lane as usize].pop_front();
            }
        }
        // Last: a write may just have asked for a session.
        while let Some(id) = self.outbox.pop_front() {
            // It may be answered, or sent in this very flush.
            if self.pending.get(&id).is_none_or(|it| it.due_ms > now) {
                continue;
            }
            match self.prepare(id, somebody, now) {
                Some((to, request)) => batches.entry(to).or_default().push(request),
                None => self.postpone(id, now + RETRY_MS),
            }
        }
        for (to, requests) in batches {
            self.send(to, requests);
        }
    }

    /// The request, and whom to send it to; `None` while there is nobody, or while it must wait for
    /// a session or its window.
    fn prepare(&mut self, id: u64, somebody: Somebody, now: f64) -> Option<(u64, Request)> {
        let to = self.pending.get(&id)?.target.or(somebody.id())?;
        let ask = self.ask_of(id, now)?;
        let resend_ms = self.flight.resend_ms();
        let pending = self.pending.get_mut(&id)?;
        if std::mem::replace(&mut pending.awaits, true) {
            self.flight.note_silence(now);
        }
        self.repeated += u64::from(pending.attempts > 0);
        let backoff = f64::from(pending.attempts.min(4) + 1);
        pending.attempts += 1;
        pending.kept_by = Some(to).filter(|_| somebody == Somebody::Candidate(to));
        pending.due_ms = now + resend_ms * backoff;
        Some((to, Request { id, ask }))
    }

    fn postpone(&mut self, id: u64, due_ms: f64) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.due_ms = due_ms;
        }
    }

    fn given_back(&mut self, id: u64, due_ms: f64) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.awaits = false;
            pending.due_ms = due_ms;
        }
    }

    /// What to ask; `None` while a write must wait for a session or its window.
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
                let open = What::Other(Ask::OpenSession);
                self.add(Pending::new(open, None, f64::INFINITY, now));
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
            Answer::Retry => self.given_back(reply.id, now + RETRY_MS),
            Answer::Refused(Refusal::Busy | Refusal::WindowFull) => {
                self.given_back(reply.id, now + 2.0 * RETRY_MS);
            }
            Answer::Refused(Refusal::SessionExpired) => self.on_expired(reply.id, now),
            Answer::Refused(refusal) => self.finish(reply.id, Err(refusal.into())),
            Answer::Applied(applied) if self.is_session_opening(reply.id) => {
                self.pending.remove(&reply.id);
                // A second answer to a repeated opening: its session is left unused.
                if matches!(self.session, Session::Opening) {
                    self.sessions += 1;
                    self.session = Session::Open {
                        id: applied.index,
                        next_seq: 1,
                    };
                    self.outstanding.clear();
                }
            }
            answer => {
                self.learn(reply.id, &answer, now);
                self.finish(reply.id, Ok(answer));
            }
        }
    }

    /// How long answers take, and how large they are.
    fn learn(&mut self, id: u64, answer: &Answer, now: f64) {
        let Some(pending) = self.pending.get(&id).filter(|it| it.flies.is_some()) else {
            return;
        };
        if pending.attempts == 1 {
            self.flight.note_ms(now - pending.sent_ms);
        }
        if let Answer::Value(value) = answer {
            let bytes = value.as_ref().map_or(0, |value| value.len());
            self.flight.note_bytes(bytes);
        }
    }

    fn is_session_opening(&self, id: u64) -> bool {
        let pending = self.pending.get(&id);
        pending.is_some_and(|p| matches!(p.what, What::Other(Ask::OpenSession)))
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
            // It was an entry, if one that was refused.
            self.repeated += 1;
            pending.attempts = 0;
            pending.awaits = false;
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
        if let Some((lane, bytes)) = pending.flies {
            self.flight.end(lane, bytes);
        }
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
            if pending.target.is_none() && pending.attempts > 0 && !kept {
                pending.awaits = false;
                pending.due_ms = now;
                self.outbox.push_back(*id);
            }
        }
    }

    /// Gives up what is past its deadline and sends again what is due. Whether nothing is left.
    pub(super) fn sweep(&mut self, now: f64) -> bool {
        let mut late = Vec::new();
        for (id, pending) in &self.pending {
            let was_sent = pending.flies.is_some() || pending.lane().is_none();
            if now >= pending.deadline_ms {
                late.push((*id, self.given_up(pending)));
            } else if now >= pending.due_ms && was_sent {
                self.outbox.push_back(*id);
            }
        }
        for (id, error) in late {
            self.finish(id, Err(error));
        }
        self.pending.is_empty()
    }

    /// What to tell of a request whose time is up.
    fn given_up(&self, pending: &Pending) -> ApiError {
        let bytes = pending.what.bytes();
        let busy = |lane| {
            let bytes = self.flight.cost(lane, bytes);
            !self.flight.has_room(lane, bytes)
        };
        if pending.attempts > 0 {
            let words = match pending.lane() {
                Some(Lane::Writes) => {
                    "No answer in time. Whether the write took effect is unknown."
                }
                Some(Lane::Linearizable) => {
                    "No answer in time. A linearizable read takes a leader that reaches a majority."
                }
                Some(Lane::Stale) | None => "No answer in time.",
            };
            ApiError::new("TIMEOUT", words)
        } else if pending.lane().is_some_and(busy) {
            ApiError::new(
                "BUSY",
                "It waited behind what this tab asked for before, and that was not answered in time \
                 to make room for it. Nothing was sent.",
            )
        } else {
            ApiError::new(
                "NO_LEADER",
                "No replica could be asked in time: none is running, or none knows a leader. \
                 Nothing was sent.",
            )
        }
    }
}
