//! Requests on their way: batched, sent to the leader, and answered.
//!
//! All requests of one microtask travel in one envelope a replica. [`engine`](super::engine) has
//! what becomes of them until they are answered, [`flight`](super::flight) how many may be under
//! way, [`room`](super::room) how many may wait for that.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use gloo_timers::callback::Interval;
use tabraft::kv::{Applied, Op};
use tabraft::wire::{Address, Answer, Ask, Body, Envelope};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::engine::{Directory, Engine, Somebody};
use super::pending::{Pending, What};
use super::room::Room;
use crate::channel::{Channel, bytes_of};
use crate::model::{ApiError, Traffic};
use crate::names;

/// How often deadlines and repetitions are looked after, in milliseconds.
const SWEEP_MS: u32 = 25;

/// A handle to the requests of this tab.
#[derive(Clone)]
pub struct Requests {
    engine: Rc<RefCell<Engine>>,
    room: Room,
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
        let engine = Engine::new(cluster, identity, client, directory);
        let engine = Rc::new(RefCell::new(engine));
        let flushing = Rc::new(Cell::new(false));
        let room = Room::default();
        let (hearing, schedule) = (Rc::downgrade(&engine), flushing.clone());
        let freed = room.clone();
        let name = names::client_channel(cluster, client);
        let inbox = Channel::receiver(&name, move |message| {
            if let Some(engine) = hearing.upgrade() {
                hear(&engine, &message);
                freed.let_in();
                flush_soon(&engine, &schedule);
            }
        })?;
        Ok(Self {
            engine,
            room,
            flushing,
            _inbox: Rc::new(inbox),
        })
    }

    /// A write, applied once.
    ///
    /// # Errors
    /// `TIMEOUT` with the outcome unknown; `NO_LEADER` or `BUSY` if it was never sent; what a
    /// replica refused it for.
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
        let deadline_ms = js_sys::Date::now() + timeout_ms;
        let room = match what.needs_room() {
            true => Some(self.room.enter(what.bytes(), deadline_ms).await?),
            false => None,
        };
        let (sender, receiver) = oneshot::channel();
        {
            let mut engine = self.engine.borrow_mut();
            let pending = Pending::new(what, target, deadline_ms, js_sys::Date::now());
            engine.add(pending.answered_to(room, sender));
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

    /// What this tab asks for, in figures.
    pub fn traffic(&self) -> Traffic {
        let traffic = self.engine.borrow().traffic();
        let waiting = traffic.waiting + self.room.waiting() as u64;
        Traffic { waiting, ..traffic }
    }

    /// Another leader shows, or who is about to be one: everything is sent again, to him. Even what
    /// he was sent before: as a follower he passed it on to a leader that is gone. Only a candidate
    /// who now leads has what he was sent.
    pub fn on_somebody(&self, before: Somebody, now: Somebody) {
        let but_for = match (before, now) {
            (Somebody::Candidate(was), Somebody::Leader(is)) if was == is => Some(is),
            (_, Somebody::Candidate(_) | Somebody::Leader(_)) => None,
            _ => return,
        };
        self.engine.borrow_mut().send_all_again(but_for);
        flush_soon(&self.engine, &self.flushing);
    }

    fn keep_sweeping(&self, engine: &mut Engine) {
        if engine.sweep.is_some() {
            return;
        }
        let (weak, flushing) = (Rc::downgrade(&self.engine), self.flushing.clone());
        let room = self.room.clone();
        engine.sweep = Some(Interval::new(SWEEP_MS, move || {
            if let Some(engine) = weak.upgrade() {
                let now = js_sys::Date::now();
                let idle = engine.borrow_mut().sweep(now);
                room.sweep(now);
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
    if !engine.borrow().has_work() || flushing.replace(true) {
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

fn unexpected(answer: &Answer) -> ApiError {
    ApiError::new(
        "PROTOCOL",
        format!("A replica gave an answer of another kind: {answer:?}"),
    )
}
