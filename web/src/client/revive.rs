//! Bringing back replicas that died.
//!
//! A replica that dies with its tab is gone until somebody hosts it again, and of two replicas one
//! is no majority. So a tab that hosts a replica waits for the death of the others, and hosts what
//! died, from its database, as if its machine had rebooted. A tab that was opened for a replica
//! does so for that one, a little later, if nobody else has. Every page hears of a death at once,
//! since they share the lock that the dead host held, and so does the spare worker that each keeps; the
//! replica's own lock decides which of them revives it. A replica that was stopped on purpose stays
//! stopped, and one that gave up stays as it is, for a person to look at: the spare worker is told
//! beforehand, and the page looks again when it has taken one.

use std::collections::{BTreeMap, BTreeSet};

use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::{Cluster, now};
use crate::host::lock::{self, Mode};
use crate::host::registry;
use crate::model::{ApiError, Update};
use crate::names;
use crate::protocol::Order;
use crate::settings::{Hosting, Revive};

/// Ready, if with an error, when a host has died.
pub type Death = oneshot::Receiver<()>;

/// Whose deaths this tab waits for, and those it is acting on.
#[derive(Default)]
pub struct Revival {
    /// With who else in this tab wants to know.
    watched: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
    reviving: BTreeSet<u64>,
    /// Since when the locks have said that a replica is dead, in milliseconds of the clock.
    dead_since: BTreeMap<u64, f64>,
    /// A spare worker will be started.
    spare: Option<Timeout>,
}

/// How long a replica is dead before a tab acts that did not hear of its death: whoever did hear
/// needs the machine more, and has nearly always done it by then.
const DEAD_MS: f64 = 200.0;
/// How long after a replica was started a spare worker is, in milliseconds.
const SPARE_AFTER_MS: u32 = 50;
/// How long after a revival the origin's record is looked at, in milliseconds.
const LOOK_AFTER_MS: u32 = 100;

impl Cluster {
    /// Waits for the death of every replica: to know of it at once, and to act on it.
    pub(super) fn watch_peers(&self) {
        if !self.revives() || self.0.hosting.running().is_empty() {
            self.0.hosting.dismiss_spare();
        } else if self.0.hosting.has_spare() {
            self.0.hosting.stand(self.orders());
        } else {
            self.keep_spare_soon();
        }
        let running: Vec<u64> = self.0.view.borrow().running().collect();
        for id in running {
            if self.0.revival.borrow().watched.contains_key(&id) {
                continue;
            }
            self.0.revival.borrow_mut().watched.insert(id, Vec::new());
            let me = self.clone();
            spawn_local(async move { me.await_death(id).await });
        }
    }

    /// Prepares for a death, but not while replicas are starting: they need the machine more.
    fn keep_spare_soon(&self) {
        if self.0.revival.borrow().spare.is_some() {
            return;
        }
        let me = self.clone();
        let prepare = Timeout::new(SPARE_AFTER_MS, move || {
            me.0.revival.borrow_mut().spare.take();
            if !me.0.hosting.running().is_empty() && !me.0.hosting.has_spare() {
                me.0.hosting.keep_spare(me.orders());
            }
        });
        self.0.revival.borrow_mut().spare = Some(prepare);
    }

    /// What the spare worker is to host whenever nobody does: what has run and is to run. A replica that
    /// this tab was opened for is not among them: it comes back as such. What this tab hosts itself is
    /// not read ahead: it is the likelier to go elsewhere.
    fn orders(&self) -> Vec<Order> {
        let mut known: Vec<u64> = {
            let view = self.0.view.borrow();
            view.running().chain(view.dead()).collect()
        };
        let hosting = &self.0.hosting;
        known.retain(|id| !hosting.has(*id) || hosting.runs(*id) && !hosting.is_explicit(*id));
        known.retain(|id| self.is_wanted(*id));
        known.sort_unstable();
        let order = |id| {
            Some(Order {
                assignment: self.assignment(id)?,
                read_ahead: !hosting.has(id),
            })
        };
        known.into_iter().filter_map(order).collect()
    }

    /// Whether this cluster's dead are brought back without being asked for.
    fn revives(&self) -> bool {
        match self.settings().revive {
            Revive::Manual => false,
            Revive::All => true,
            Revive::Auto => self.0.view.borrow().voters().len() == 2,
        }
    }

    async fn await_death(&self, id: u64) {
        let name = names::watch_lock(self.cluster(), id);
        if let Err(error) = lock::acquire(&name, Mode::Shared).await {
            return self.notice(error.to_string());
        }
        // Dropped, the senders tell.
        drop(self.0.revival.borrow_mut().watched.remove(&id));
        // It may run again already, here.
        if !self.0.hosting.runs(id) {
            self.0.view.borrow_mut().end(id, None);
        }
        self.tell(Update::Died);
        self.tell(Update::Status);
        let is_left_to_spare = self.0.hosting.stands_for(id);
        self.watch_peers();
        if self.survives(id) && !is_left_to_spare {
            self.revive(id).await;
        }
    }

    /// The spare worker has taken a replica whose host has died.
    pub(super) fn on_took(&self, id: u64) {
        let assignment = self.assignment(id);
        let is_free = !self.0.hosting.has(id) && !self.0.revival.borrow().reviving.contains(&id);
        let Some(assignment) = assignment.filter(|_| is_free && self.is_wanted(id)) else {
            return self.0.hosting.dismiss_spare();
        };
        self.0.revival.borrow_mut().reviving.insert(id);
        self.0.hosting.adopt(assignment);
        let me = self.clone();
        spawn_local(async move {
            let started = me.0.hosting.started(id).await;
            me.revived(id, started).await;
        });
        // The others that have died were left to it as well.
        let dead: Vec<u64> = self.0.view.borrow().dead().collect();
        for other in dead {
            let me = self.clone();
            spawn_local(async move { me.revive(other).await });
        }
    }

    /// Ready when the present host of a replica has died; none if this tab knows of no host.
    pub(super) fn death_of(&self, id: u64) -> Option<Death> {
        let mut revival = self.0.revival.borrow_mut();
        let waiting = revival.watched.get_mut(&id)?;
        let (sender, receiver) = oneshot::channel();
        // Those who gave up are not kept for a death that may not come.
        waiting.retain(|sender| !sender.is_canceled());
        waiting.push(sender);
        Some(receiver)
    }

    /// Whether this tab hosts another replica.
    fn survives(&self, id: u64) -> bool {
        self.0.hosting.running().iter().any(|other| *other != id)
    }

    /// Looks for replicas that ran and have not for a while: a revival may have come to nothing, or
    /// the tab that was to do it have died as well.
    pub(super) fn revive_the_dead(&self) {
        let dead: Vec<u64> = self.0.view.borrow().dead().collect();
        let now = now();
        let mut revival = self.0.revival.borrow_mut();
        revival.dead_since.retain(|id, _| dead.contains(id));
        let is_due = |id: &u64| now - *revival.dead_since.entry(*id).or_insert(now) >= DEAD_MS;
        let mut due: Vec<u64> = dead.into_iter().filter(is_due).collect();
        due.retain(|id| !self.0.hosting.stands_for(*id));
        drop(revival);
        for id in due {
            let me = self.clone();
            spawn_local(async move { me.revive(id).await });
        }
    }

    async fn revive(&self, id: u64) {
        let is_free = !self.0.view.borrow().is_running(id) && !self.0.hosting.has(id);
        if !is_free || !self.is_wanted(id) || !self.0.revival.borrow_mut().reviving.insert(id) {
            return;
        }
        let hosted = self.host(id, false, false).await;
        self.revived(id, hosted).await;
    }

    /// Whether a replica is to be brought back by this tab, should it be dead.
    fn is_wanted(&self, id: u64) -> bool {
        let its_own = matches!(&self.settings().host, Hosting::Nodes(ids) if ids.contains(&id));
        let view = self.0.view.borrow();
        let stays = view.record().stopped.contains(&id) || view.has_failed(id);
        let is_member = view.members().contains(&id);
        self.revives() && (self.survives(id) || its_own) && is_member && !stays
    }

    /// What came of a revival.
    async fn revived(&self, id: u64, hosted: Result<(), ApiError>) {
        self.0.revival.borrow_mut().reviving.remove(&id);
        match hosted {
            Ok(()) => {
                let text = format!("Node {id}'s host had ended. This tab brought node {id} back.");
                self.page_event(id, text);
                self.stop_if_stopped(id).await;
            }
            // Another tab was first, or its own tab has it again.
            Err(error) if error.code == "ALREADY_RUNNING" => {}
            Err(error) => {
                let reason = error.message;
                let text = format!("Node {id} could not be brought back. {reason}");
                self.page_event(id, text);
            }
        }
    }

    /// Sees whether the origin's record has a replica as stopped that was brought back here: this tab may
    /// not have heard of that in time.
    async fn stop_if_stopped(&self, id: u64) {
        // What it came back for needs the disk more.
        TimeoutFuture::new(LOOK_AFTER_MS).await;
        match registry::find(self.cluster()).await {
            Ok(Some(record)) if record.stopped.contains(&id) => {
                if let Err(error) = self.0.hosting.stop(id).await {
                    self.page_event(
                        id,
                        format!("Node {id} could not be stopped. {}", error.message),
                    );
                }
            }
            Ok(_) => {}
            Err(error) => self.notice(error.to_string()),
        }
    }
}
