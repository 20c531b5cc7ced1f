//! A follower waits for its leader's death, and takes its place.
//!
//! Every host holds a second lock for as long as it lives (`alive`). Followers queue on that of
//! their leader. When the leader's worker or its whole process ends, however it ends, the browser
//! hands the lock to the first in the queue, which is the successor: one replica, so that votes are
//! not split. It reads what the dead one had persisted and not yet sent, campaigns, and keeps the
//! lock until there is a leader, or until it has tried for long enough. Then the next one in the
//! queue sees whether there is anything left to do.

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use tabraft::node::{Input, Role};
use wasm_bindgen_futures::spawn_local;

use super::disk::DiskError;
use super::disk::peek::{Peek, Tail};
use super::lock::{self, Held, Mode};
use super::replica::Replica;
use crate::names;

/// Record numbers read of a dead leader's log at first; four times as many whenever they do not reach
/// back to what this replica knows to be committed.
const TAIL_RECORDS: u32 = 64;
const TAIL_RECORDS_MAX: u32 = 1 << 14;

/// How long after it has heard of a leader a replica opens that one's log, in milliseconds.
const OPEN_LOG_AFTER_MS: u32 = 100;

/// Whose death a replica waits for, and the lock of the one whose place it takes.
#[derive(Default)]
pub struct Succession {
    watched: Option<Watched>,
    held: Option<Held>,
}

struct Watched {
    leader: u64,
    /// Dropped, it ends the wait.
    _wait: oneshot::Sender<()>,
}

impl Replica {
    /// Waits for the death of the present leader, and of no other. While nobody leads, the last
    /// one's death is still worth knowing.
    pub(super) fn watch_leader(&self) {
        let (id, role, leader) = {
            let node = self.0.node.borrow();
            (node.id(), node.role(), node.leader())
        };
        let mut succession = self.0.succession.borrow_mut();
        let follows = !matches!(role, Role::Leader | Role::Learner);
        let live = self.0.live.get();
        if !follows || !(live.succession || live.salvage) {
            succession.watched = None;
            return;
        }
        let known = succession.watched.as_ref().map(|watched| watched.leader);
        if leader == 0 || leader == id || known == Some(leader) {
            return;
        }
        let (wait, cancelled) = oneshot::channel();
        succession.watched = Some(Watched {
            leader,
            _wait: wait,
        });
        drop(succession);
        let me = self.clone();
        spawn_local(async move {
            let name = names::alive_lock(&me.0.cluster, leader);
            let mut log = me.open_log_soon(leader);
            let death = Box::pin(lock::acquire(&name, Mode::Wait));
            match select(death, cancelled).await {
                Either::Left((Ok(Some(held)), _)) => {
                    let log = log.try_recv().ok().flatten();
                    me.on_death(leader, held, log).await;
                }
                Either::Left((Err(error), _)) => me.tell("problem", error.to_string()),
                // There is another leader.
                _ => {}
            }
        });
    }

    /// Opens the log that it may have to read, for when its time comes; not while there is more urgent
    /// work for the disk, as there is when a leader is new.
    fn open_log_soon(&self, leader: u64) -> oneshot::Receiver<Peek> {
        let (mut opened, log) = oneshot::channel();
        if !self.0.live.get().salvage {
            return log;
        }
        let me = self.clone();
        spawn_local(async move {
            let wait = TimeoutFuture::new(OPEN_LOG_AFTER_MS);
            if let Either::Right(_) = select(wait, opened.cancellation()).await {
                return;
            }
            match Peek::open(&me.0.cluster, leader).await {
                // If nobody waits any more it is closed again.
                Ok(Some(log)) => drop(opened.send(log)),
                Ok(None) => {}
                // It is opened when it is needed, and the same error told then.
                Err(error) => web_sys::console::warn_1(&format!("tabraft: {error}").into()),
            }
        });
        log
    }

    async fn on_death(&self, leader: u64, held: Held, log: Option<Peek>) {
        self.forget_watch(leader);
        let (id, known) = {
            let node = self.0.node.borrow();
            (node.id(), node.leader())
        };
        if (known != leader && known != 0) || !self.lives() {
            return;
        }
        let live = self.0.live.get();
        let then = if live.succession {
            format!(" Node {id} takes its place.")
        } else {
            String::new()
        };
        self.tell("host", format!("Node {leader}'s host has ended.{then}"));
        if live.salvage
            && let Err(error) = self.salvage(leader, log).await
        {
            let sentence = format!("Node {leader}'s log could not be read. {error}");
            self.tell("problem", sentence);
        }
        if !live.succession {
            return;
        }
        self.0.succession.borrow_mut().held = Some(held);
        self.input(Input::Succeed(leader));
        self.end_succession();
    }

    fn forget_watch(&self, leader: u64) {
        let mut succession = self.0.succession.borrow_mut();
        succession
            .watched
            .take_if(|watched| watched.leader == leader);
    }

    async fn salvage(&self, leader: u64, log: Option<Peek>) -> Result<(), DiskError> {
        let log = match log.filter(Peek::is_open) {
            Some(log) => Some(log),
            None => Peek::open(&self.0.cluster, leader).await?,
        };
        let mut many = TAIL_RECORDS;
        loop {
            let tail = match &log {
                Some(log) => log.tail(many).await?,
                None => Tail::of_nothing(),
            };
            let (records, all) = (tail.records, tail.all || many >= TAIL_RECORDS_MAX);
            if all || self.0.node.borrow().reaches_back(leader, &records) {
                self.input(Input::Salvage { leader, records });
                return Ok(());
            }
            many *= 4;
        }
    }

    /// Lets go of the dead leader's lock once there is a leader, or none to be hoped for by this
    /// replica.
    pub(super) fn end_succession(&self) {
        let Ok(mut succession) = self.0.succession.try_borrow_mut() else {
            return;
        };
        if succession.held.is_some() && !self.0.node.borrow().is_succeeding() {
            succession.held = None;
        }
    }
}
