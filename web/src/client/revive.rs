//! Bringing back replicas that died.
//!
//! A replica that dies with its tab is gone until somebody hosts it again, and of two replicas one
//! is no majority. So a tab that hosts a replica waits for the death of the others, and hosts what
//! died, from its database, as if its machine had rebooted. A tab that was opened for a replica
//! does so for that one, a little later, if nobody else has. Every page hears of a death at once,
//! since they share the lock that the dead host held; the replica's own lock decides which of them
//! revives it. A replica that was stopped on purpose stays stopped, and one that gave up stays as
//! it is, for a person to look at.

use std::collections::{BTreeMap, BTreeSet};

use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::{Cluster, now};
use crate::host::lock::{self, Mode};
use crate::host::registry;
use crate::model::Update;
use crate::names;
use crate::protocol::Prospect;
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
        if self.0.hosting.has_spare() || self.0.revival.borrow().spare.is_some() {
            return;
        }
        let me = self.clone();
        let prepare = Timeout::new(SPARE_AFTER_MS, move || {
            me.0.revival.borrow_mut().spare.take();
            if let Some(joined) = me.0.joined.get()
                && !me.0.hosting.running().is_empty()
            {
                let mut nodes = me.0.view.borrow().members();
                nodes.retain(|id| !me.0.hosting.has(*id));
                me.0.hosting.keep_spare(Prospect {
                    cluster: me.cluster().into(),
                    identity: format!("{:016x}", joined.identity),
                    nodes,
                });
            }
        });
        self.0.revival.borrow_mut().spare = Some(prepare);
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
        self.0.view.borrow_mut().end(id, None);
        self.tell(Update::Died);
        self.tell(Update::Status);
        if self.survives(id) {
            self.revive(id).await;
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
        let due: Vec<u64> = dead.into_iter().filter(is_due).collect();
        drop(revival);
        for id in due {
            let me = self.clone();
            spawn_local(async move { me.revive(id).await });
        }
    }

    async fn revive(&self, id: u64) {
        if !self.may_revive(id) || !self.0.revival.borrow_mut().reviving.insert(id) {
            return;
        }
        let hosted = self.host_again(id).await;
        self.0.revival.borrow_mut().reviving.remove(&id);
        if hosted {
            self.stop_if_stopped(id).await;
        }
    }

    fn may_revive(&self, id: u64) -> bool {
        let its_own = matches!(&self.settings().host, Hosting::Nodes(ids) if ids.contains(&id));
        let view = self.0.view.borrow();
        let stays = view.record().stopped.contains(&id) || view.has_failed(id);
        let is_dead = view.members().contains(&id) && !view.is_running(id) && !stays;
        self.revives() && (self.survives(id) || its_own) && is_dead && !self.0.hosting.has(id)
    }

    /// Hosts a replica; whether that came to something.
    async fn host_again(&self, id: u64) -> bool {
        match self.host(id, false, false).await {
            Ok(()) => {
                let text = format!("Node {id}'s host had ended. This tab brought node {id} back.");
                self.page_event(id, text);
                true
            }
            // Another tab was first, or its own tab has it again.
            Err(error) if error.code == "ALREADY_RUNNING" => false,
            Err(error) => {
                let reason = error.message;
                let text = format!("Node {id} could not be brought back. {reason}");
                self.page_event(id, text);
                false
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
