//! Starting, ending and pausing replicas, and telling them what to do, whichever tab hosts them.

use std::collections::BTreeSet;

use futures_channel::oneshot;
use futures_util::future::{FutureExt, join_all};
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::hosting::Heard;
use super::revive::Death;
use super::{Cluster, address, now, within, wrong_answer};
use crate::host::registry;
use crate::model::{ApiError, State};
use crate::protocol::{Action, Assignment, Deed, TabId, Word, Yield};

/// How long a lock may take to be released, in milliseconds.
const RELEASE_MS: u32 = 500;
/// How often the locks are looked at when the death was heard of.
const RELEASE_LOOKS: usize = 3;
/// How many milliseconds lie between two looks, if it was not.
const RELEASE_LOOK_MS: u32 = 5;
/// How long a tab that was opened may take to take its replica over, in milliseconds.
const OPEN_TAB_TIMEOUT_MS: f64 = 5_000.0;
/// How long a replica may take over what it is told, in milliseconds.
const ACT_TIMEOUT_MS: f64 = 5_000.0;

impl Cluster {
    /// Starts a replica in this tab. One that was stopped on purpose no longer counts as that.
    pub async fn start(&self, id: u64) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_listed(id)?;
        if self.0.view.borrow().record().removed.contains(&id) {
            return Err(ApiError::removed(id));
        }
        self.look_at_locks().await;
        if self.0.view.borrow().is_running(id) || self.0.hosting.has(id) {
            return Err(ApiError::already_running(id));
        }
        self.0.view.borrow_mut().forget_failure(id);
        self.host(id, false, false).await?;
        // Not before it runs here: another tab would bring it back as soon as it hears.
        self.mark_stopped(id, false).await
    }

    /// Stops a replica in good order: a leader hands over first. It is not started again by itself.
    pub async fn stop(&self, id: u64) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_listed(id)?;
        // Before it ends, so that nobody takes its end for a death.
        self.mark_stopped(id, true).await?;
        let stopped = self.act(id, Action::Stop).await;
        if stopped.is_err() && self.0.view.borrow().is_running(id) {
            self.mark_stopped(id, false).await?;
        }
        stopped.map(drop)
    }

    async fn mark_stopped(&self, id: u64, is_stopped: bool) -> Result<(), ApiError> {
        if self.0.view.borrow().record().stopped.contains(&id) != is_stopped {
            registry::mark_stopped(self.cluster(), id, is_stopped).await?;
            if let Some(joined) = self.0.joined.get() {
                joined.tabs.say(Word::Purpose {
                    node: id,
                    stopped: is_stopped,
                });
            }
            self.tell_record().await;
        }
        Ok(())
    }

    /// Ends a replica's worker, nothing flushed.
    pub async fn crash(&self, id: u64) -> Result<(), ApiError> {
        self.act(id, Action::Crash).await.map(drop)
    }

    /// Makes a replica stop reacting, for a while or until it is resumed.
    pub async fn pause(&self, id: u64, ms: Option<f64>) -> Result<(), ApiError> {
        self.act(id, Action::Pause { ms }).await.map(drop)
    }

    pub async fn resume(&self, id: u64) -> Result<(), ApiError> {
        self.act(id, Action::Resume).await.map(drop)
    }

    /// Has a running replica do something.
    ///
    /// # Errors
    /// `NO_SUCH_NODE`, `NOT_RUNNING`, `TIMEOUT`; what the replica says of it.
    pub async fn deed(&self, id: u64, deed: Deed) -> Result<Yield, ApiError> {
        self.deed_within(id, deed, ACT_TIMEOUT_MS).await
    }

    pub(super) async fn deed_within(
        &self,
        id: u64,
        deed: Deed,
        timeout_ms: f64,
    ) -> Result<Yield, ApiError> {
        let done = self.act_within(id, Action::Do(deed), timeout_ms);
        within(done, timeout_ms as u32).await.unwrap_or_else(|| {
            let sentence = format!("Node {id} did not do it in time.");
            Err(ApiError::new("TIMEOUT", sentence))
        })
    }

    pub(super) async fn act(&self, id: u64, action: Action) -> Result<Yield, ApiError> {
        self.act_within(id, action, ACT_TIMEOUT_MS).await
    }

    async fn act_within(
        &self,
        id: u64,
        action: Action,
        timeout_ms: f64,
    ) -> Result<Yield, ApiError> {
        let joined = self.joined().await?;
        self.check_listed(id)?;
        if self.0.hosting.runs(id) {
            return self.act_here(id, action).await;
        }
        self.look_at_locks().await;
        if !self.0.view.borrow().is_running(id) {
            return match self.0.hosting.has(id) {
                true => self.act_here(id, action).await,
                false => Err(ApiError::not_running(id)),
            };
        }
        let tabs = &joined.tabs;
        let yielded = tabs.call_within(id, action, timeout_ms as u32).await?;
        self.look_at_locks().await;
        Ok(yielded)
    }

    /// Waits until the workers of all other tabs know what was told to all tabs.
    pub(super) async fn sync_tabs(&self) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        // Each tab sets it on all its workers and answers a call made after.
        let elsewhere: Vec<u64> = {
            let view = self.0.view.borrow();
            let mut tabs = BTreeSet::from([joined.tabs.tab.clone()]);
            let others = view.running().filter(|id| {
                let tab = view.tab_of(*id);
                tab.is_some_and(|tab| tabs.insert(tab.clone()))
            });
            others.collect()
        };
        let calls = elsewhere
            .into_iter()
            .map(|id| joined.tabs.call(id, Action::Sync));
        for result in join_all(calls).await {
            result?;
        }
        Ok(())
    }

    /// Whether a replica runs and reacts.
    ///
    /// # Errors
    /// `NOT_RUNNING`, `PAUSED`.
    pub(super) fn check_reacts(&self, id: u64) -> Result<(), ApiError> {
        let status = self.status();
        match status.nodes.iter().find(|node| node.id == id) {
            Some(node) if node.state == State::Running => Ok(()),
            Some(node) if node.state == State::Paused => Err(ApiError::paused(id)),
            Some(_) => Err(ApiError::not_running(id)),
            None => Err(ApiError::no_such_node(id)),
        }
    }

    /// Does something to a replica that this tab hosts.
    pub(super) async fn act_here(&self, id: u64, action: Action) -> Result<Yield, ApiError> {
        let hosting = &self.0.hosting;
        let done = match action {
            Action::Do(deed) => return hosting.perform(id, deed).await,
            Action::HandOver if hosting.is_explicit(id) => Err(ApiError::new(
                "HOSTED_ELSEWHERE",
                format!("Node {id} runs in another tab that was opened for it."),
            )),
            Action::Stop | Action::HandOver => {
                let death = self.death_of(id);
                hosting.stop(id).await?;
                self.await_release(id, death).await;
                Ok(())
            }
            Action::Crash => {
                let death = self.death_of(id);
                if !hosting.terminate(id) {
                    return Err(ApiError::not_running(id));
                }
                self.on_worker(Heard::Ended(id));
                self.page_event(id, format!("Node {id} was crashed."));
                self.await_release(id, death).await;
                Ok(())
            }
            Action::Pause { ms } => {
                hosting.pause(id).await?;
                if let Some(ms) = ms {
                    let me = self.clone();
                    let resume = move || {
                        spawn_local(async move {
                            // It may have been resumed, or have ended, meanwhile.
                            drop(me.act_here(id, Action::Resume).await);
                        });
                    };
                    Timeout::new(ms.clamp(0.0, 86_400_000.0) as u32, resume).forget();
                }
                Ok(())
            }
            Action::Resume => hosting.resume(id).await,
            Action::Sync => {
                hosting.set_faults(&self.faults()).await?;
                hosting.configure(self.settings().live()).await
            }
        };
        done.map(|()| Yield::Nothing)
    }

    /// A replica that slept for too long begins anew, from its disk.
    pub(super) fn reopen(&self, id: u64, ms: f64) {
        let explicit = self.0.hosting.is_explicit(id);
        let death = self.death_of(id);
        if !self.0.hosting.terminate(id) {
            return;
        }
        self.on_worker(Heard::Ended(id));
        let seconds = (ms / 100.0).round() / 10.0;
        let sentence = format!("Node {id} slept for {seconds} s. It begins anew from its disk.");
        self.page_event(id, sentence);
        let me = self.clone();
        spawn_local(async move {
            me.await_release(id, death).await;
            match me.host(id, false, explicit).await {
                // Another tab was quicker.
                Err(error) if error.code == "ALREADY_RUNNING" => {}
                Err(error) => {
                    me.notice(format!("Node {id} could not be started. {}", error.message))
                }
                Ok(()) => {}
            }
        });
    }

    /// Waits until the browser has let go of an ended replica's locks, so that it can be started
    /// again at once. Not for long: another tab may have been waiting for them.
    async fn await_release(&self, id: u64, death: Option<Death>) {
        let deadline = now() + f64::from(RELEASE_MS);
        let mut looks = None;
        if let Some(death) = death {
            let _in_time: Option<()> = within(death.map(|_| ()), RELEASE_MS).await;
            looks = Some(RELEASE_LOOKS);
        }
        // The replica's own lock goes with the one that tells of the death, but not in the same
        // instant; and it may be another host's by then.
        while looks != Some(0) && now() < deadline {
            self.look_at_locks().await;
            if !self.0.view.borrow().is_running(id) {
                return;
            }
            match &mut looks {
                Some(left) => *left -= 1,
                // This tab had not heard of that host yet.
                None => TimeoutFuture::new(RELEASE_LOOK_MS).await,
            }
        }
    }

    /// Hands a replica over to a new tab with a process of its own.
    pub async fn open_tab(&self, id: u64) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_listed(id)?;
        let url = address::for_host(self.cluster(), id)?;
        let before = self.0.view.borrow().tab_of(id).cloned();
        open_window(&url).await?;
        let deadline = now() + OPEN_TAB_TIMEOUT_MS;
        while now() < deadline {
            if self.is_elsewhere(id, before.as_ref()) {
                return Ok(());
            }
            TimeoutFuture::new(20).await;
        }
        Err(ApiError::new(
            "POPUP_BLOCKED",
            format!(
                "No new tab took node {id} over. If the browser blocked it, allow pop-ups for this \
                 page, or open {url} yourself."
            ),
        ))
    }

    /// Whether another tab hosts a replica than the one that did.
    fn is_elsewhere(&self, id: u64, before: Option<&TabId>) -> bool {
        let view = self.0.view.borrow();
        view.is_running(id) && view.tab_of(id) != before
    }

    /// Hosts a replica in this tab; `explicit` if the tab was opened for it.
    pub(super) async fn host(&self, id: u64, wait: bool, explicit: bool) -> Result<(), ApiError> {
        let mut assignment = self.assignment(id).ok_or_else(wrong_answer)?;
        assignment.wait = wait;
        self.0.hosting.start(assignment, explicit).await
    }

    /// What a worker of this tab has to know to host a replica, unless another host has it; none before
    /// this tab has joined.
    pub(super) fn assignment(&self, id: u64) -> Option<Assignment> {
        let joined = self.0.joined.get()?;
        let settings = self.settings();
        Some(Assignment {
            cluster: settings.cluster.clone(),
            identity: format!("{:016x}", joined.identity),
            node: id,
            tab: joined.tabs.tab.clone(),
            durability: settings.durability,
            tick_ms: settings.tick_ms,
            live: settings.live(),
            faults: self.faults(),
            wait: false,
        })
    }
}

/// Opens a tab that shares no process with this one. With `noopener` the browser returns nothing,
/// whether it opened a tab or not.
///
/// Firefox runs its event loop while a window opens, so it is opened from a timer of its own:
/// nothing that could be entered a second time is on the stack then.
async fn open_window(url: &str) -> Result<(), ApiError> {
    let (sender, receiver) = oneshot::channel();
    let url = url.to_owned();
    Timeout::new(0, move || {
        let opened = web_sys::window().map_or(Ok(None), |window| {
            window.open_with_url_and_target_and_features(&url, "_blank", "noopener")
        });
        // A caller that is gone does not mind.
        drop(sender.send(opened.map(|_| ())));
    })
    .forget();
    let opened = receiver.await.unwrap_or(Ok(()));
    opened.map_err(|error| ApiError::browser("The tab could not be opened", &error))
}
