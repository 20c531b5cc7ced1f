//! What this tab hears: from other tabs and their workers, from its own, and from the browser.

use wasm_bindgen_futures::spawn_local;

use super::hosting::Heard;
use super::opening;
use super::{Cluster, now};
use crate::host::lock::{self, LockState};
use crate::host::registry;
use crate::model::{Event, NodeStatus, Update};
use crate::names;
use crate::protocol::{Action, Word};

impl Cluster {
    pub(super) fn on_word(&self, from: String, word: Word) {
        match word {
            Word::Hello => {
                if let Some(joined) = self.0.joined.get() {
                    if !self.0.view.borrow().faults.is_empty() {
                        joined.tabs.say(self.faults_word());
                    }
                    if self.0.changed.borrow().stamp.0 > 0 {
                        joined.tabs.say(self.configure_word());
                    }
                    self.tell_open_writes();
                }
            }
            Word::Status(status, sent) => {
                self.on_status(Some(from), *status);
                if !sent.is_empty() {
                    self.tell(Update::Flights(sent));
                }
            }
            Word::Event {
                node,
                kind,
                text,
                term,
                at_ms,
            } => self.add_event(Event {
                seq: 0,
                at_ms,
                node,
                kind,
                text,
                term,
            }),
            Word::Ended { node, problem } => {
                self.0.view.borrow_mut().end(node, problem);
                self.watch_peers();
                self.tell(Update::Status);
            }
            Word::Faults { stamp, links } => {
                let mut view = self.0.view.borrow_mut();
                if stamp <= view.faults_stamp {
                    return;
                }
                view.faults_stamp = stamp;
                view.faults.clone_from(&links);
                drop(view);
                self.watch_peers();
                self.tell(Update::Faults);
                let me = self.clone();
                spawn_local(async move {
                    if let Err(error) = me.0.hosting.set_faults(&links).await {
                        me.notice(format!("Faults were not set: {}", error.message));
                    }
                });
            }
            Word::Configure { stamp, change } => self.on_configure(stamp, change),
            Word::Purpose { node, stopped } => {
                self.0.view.borrow_mut().mark_stopped(node, stopped);
                self.watch_peers();
                self.tell(Update::Status);
            }
            Word::Record => {
                let me = self.clone();
                spawn_local(async move { me.read_record().await });
            }
            Word::Wiped { node } => {
                self.0.view.borrow_mut().forget_status(node);
                self.tell(Update::Status);
            }
            Word::Call { id, node, action } => {
                if self.0.hosting.has(node) {
                    let me = self.clone();
                    spawn_local(async move { me.on_call(from, id, node, action).await });
                }
            }
            Word::Result { to, id, result } => {
                if let Some(joined) = self.0.joined.get() {
                    joined.tabs.on_result(&to, id, result);
                }
            }
        }
    }

    async fn on_call(&self, from: String, id: u64, node: u64, action: Action) {
        // A tab that only waits for a replica does not answer for it.
        if !self.0.hosting.runs(node) {
            return;
        }
        let result = self.act_here(node, action).await;
        if let Some(joined) = self.0.joined.get() {
            joined.tabs.say(Word::Result {
                to: from,
                id,
                result: result.map_err(|error| (error.code.into(), error.message)),
            });
        }
    }

    pub(super) fn on_status(&self, tab: Option<String>, status: NodeStatus) {
        let mut view = self.0.view.borrow_mut();
        let tab = tab.or_else(|| view.tab_of(status.id).cloned());
        view.hear(tab.unwrap_or_default(), status);
        drop(view);
        self.watch_peers();
        self.tell(Update::Status);
    }

    pub(super) fn on_worker(&self, heard: Heard) {
        let mut view = self.0.view.borrow_mut();
        let (ended, problem) = match heard {
            Heard::Started(id) => {
                view.set_waiting(id, None);
                view.forget_failure(id);
                (None, None)
            }
            Heard::Waiting(id) => {
                view.set_waiting(id, Some(opening::waiting_sentence(id)));
                (None, None)
            }
            Heard::Ended(id) => (Some(id), None),
            Heard::Failed(id, error) if error.code == "REMOVED" => {
                // It did what it was to do.
                self.on_removed(id);
                (Some(id), None)
            }
            Heard::Failed(id, error) => (Some(id), Some(error.message)),
            Heard::Overslept(id, ms) => {
                drop(view);
                return self.reopen(id, ms);
            }
            Heard::Took(id) => {
                drop(view);
                return self.on_took(id);
            }
        };
        if let Some(id) = ended {
            view.set_waiting(id, None);
            view.end(id, problem.clone());
        }
        drop(view);
        if let (Some(node), Some(joined)) = (ended, self.0.joined.get()) {
            let problem = problem.clone();
            joined.tabs.say(Word::Ended { node, problem });
        }
        if let (Some(id), Some(problem)) = (ended, problem) {
            self.page_event(id, format!("Node {id} failed. {problem}"));
        }
        self.remember_hosted();
        self.watch_peers();
        self.tell(Update::Status);
    }

    pub(super) fn page_event(&self, node: u64, text: String) {
        self.event(node, if node == 0 { "link" } else { "host" }, text);
    }

    /// Something that this page did, told to all tabs.
    pub(super) fn event(&self, node: u64, kind: &str, text: String) {
        let event = Event {
            seq: 0,
            at_ms: now(),
            node,
            kind: kind.into(),
            text,
            term: 0,
        };
        if let Some(joined) = self.0.joined.get() {
            joined.tabs.say(Word::Event {
                node: event.node,
                kind: event.kind.clone(),
                text: event.text.clone(),
                term: 0,
                at_ms: event.at_ms,
            });
        }
        self.add_event(event);
    }

    pub(super) fn add_event(&self, event: Event) {
        let event = self.0.view.borrow_mut().add_event(event);
        self.tell(Update::Event(event));
    }

    /// Reads the origin's record of the cluster again.
    pub(super) async fn read_record(&self) {
        match registry::find(self.cluster()).await {
            Ok(Some(record)) => {
                self.0.view.borrow_mut().set_record(record);
                self.watch_peers();
                self.tell(Update::Status);
            }
            // It was deleted under this page; the replicas notice.
            Ok(None) => {}
            Err(error) => self.notice(error.to_string()),
        }
    }

    /// Reads the record after this tab has changed it, and has the other tabs do the same.
    pub(super) async fn tell_record(&self) {
        if let Some(joined) = self.0.joined.get() {
            joined.tabs.say(Word::Record);
        }
        self.read_record().await;
    }

    /// Asks the browser which replicas are hosted: the one source that knows of tabs that died.
    pub(super) async fn look_at_locks(&self) {
        let cluster = self.cluster();
        match lock::query().await {
            Ok(locks) => {
                let held = locks.iter().filter(|(_, state)| *state == LockState::Held);
                let running = held.filter_map(|(name, _)| names::node_of_lock(cluster, name));
                if self.0.view.borrow_mut().set_running(running.collect()) {
                    self.tell(Update::Status);
                }
                self.revive_the_dead();
            }
            Err(error) => self.notice(error.to_string()),
        }
    }
}
