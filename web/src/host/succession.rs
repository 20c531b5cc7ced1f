//! A follower waits for its leader's death, and takes its place.
//!
//! Every host holds a second lock for as long as it lives (`alive`). Followers queue on that of
//! their leader. When the leader's worker or its whole process ends, however it ends, the browser
//! hands the lock to the first in the queue, which is the successor: one replica, so that votes are
//! not split. It reads what the dead one had persisted and not yet sent, campaigns, and keeps the
//! lock until there is a leader, or until it has tried for long enough. Then the next one in the
//! queue sees whether there is anything left to do.

use futures_channel::oneshot;
use futures_util::future::{Either, join, select};
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
            // The log that it may have to read is open when its time comes. Opened apart: a
            // database that comes after the wait has ended is closed again.
            let (opened, log) = oneshot::channel();
            let cluster = me.0.cluster.clone();
            spawn_local(async move {
                let log = match live.salvage {
                    true => Peek::open(&cluster, leader).await,
                    false => Ok(None),
                };
                drop(opened.send(log));
            });
            let opened = async { log.await.unwrap_or(Ok(None)) };
            let death = lock::acquire(&name, Mode::Wait);
            let death = Box::pin(join(death, opened));
            match select(death, cancelled).await {
                Either::Left(((Ok(Some(held)), log), _)) => me.on_death(leader, held, log).await,
                Either::Left(((Err(error), _), _)) => me.tell("problem", error.to_string()),
                // There is another leader.
                _ => {}
            }
        });
    }

    async fn on_death(&self, leader: u64, held: Held, log: Result<Option<Peek>, DiskError>) {
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

    async fn salvage(
        &self,
        leader: u64,
        log: Result<Option<Peek>, DiskError>,
    ) -> Result<(), DiskError> {
        let log = match log {
            Ok(Some(log)) if log.is_open() => Some(log),
            _ => Peek::open(&self.0.cluster, leader).await?,
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
