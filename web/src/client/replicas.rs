//! Starting, ending and pausing replicas, whichever tab hosts them.

use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::hosting::Heard;
use super::{Cluster, now, opening, wrong_answer};
use crate::model::ApiError;
use crate::protocol::{Action, Assignment, TabId};

/// How long a lock may take to be released, in milliseconds.
const RELEASE_MS: f64 = 500.0;
/// How long a tab that was opened may take to take its replica over, in milliseconds.
const OPEN_TAB_TIMEOUT_MS: f64 = 5_000.0;

impl Cluster {
    /// Starts a replica in this tab.
    pub async fn start(&self, id: u64) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_member(id)?;
        self.look_at_locks().await;
        if self.0.view.borrow().is_running(id) || self.0.hosting.has(id) {
            return Err(ApiError::already_running(id));
        }
        self.0.view.borrow_mut().forget_failure(id);
        self.host(id, false, false).await
    }

    /// Stops a replica in good order: a leader hands over first.
    pub async fn stop(&self, id: u64) -> Result<(), ApiError> {
        self.act(id, Action::Stop).await
    }

    /// Ends a replica's worker, nothing flushed.
    pub async fn crash(&self, id: u64) -> Result<(), ApiError> {
        self.act(id, Action::Crash).await
    }

    /// Makes a replica stop reacting, for a while or until it is resumed.
    pub async fn pause(&self, id: u64, ms: Option<f64>) -> Result<(), ApiError> {
        self.act(id, Action::Pause { ms }).await
    }

    pub async fn resume(&self, id: u64) -> Result<(), ApiError> {
        self.act(id, Action::Resume).await
    }

    async fn act(&self, id: u64, action: Action) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        self.check_member(id)?;
        if self.0.hosting.has(id) {
            return self.act_here(id, action).await;
        }
        self.look_at_locks().await;
        if !self.0.view.borrow().is_running(id) {
            return Err(ApiError::not_running(id));
        }
        joined.tabs.call(id, action).await?;
        self.look_at_locks().await;
        Ok(())
    }

    /// Does something to a replica that this tab hosts.
    pub(super) async fn act_here(&self, id: u64, action: Action) -> Result<(), ApiError> {
        let hosting = &self.0.hosting;
        match action {
            Action::HandOver if hosting.is_explicit(id) => Err(ApiError::new(
                "HOSTED_ELSEWHERE",
                format!("Node {id} runs in another tab that was opened for it."),
            )),
            Action::Stop | Action::HandOver => {
                hosting.stop(id).await?;
                self.await_release(id).await;
                Ok(())
            }
            Action::Crash => {
                if !hosting.terminate(id) {
                    return Err(ApiError::not_running(id));
                }
                self.on_worker(Heard::Ended(id));
                self.page_event(id, format!("Node {id} was crashed."));
                self.await_release(id).await;
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
            Action::SyncFaults => hosting.set_faults(&self.faults()).await,
        }
    }

    /// Waits until the browser has let go of an ended replica's lock, so that it can be started
    /// again at once. Not for long: another tab may have been waiting for it.
    async fn await_release(&self, id: u64) {
        let deadline = now() + RELEASE_MS;
        loop {
            self.look_at_locks().await;
            if !self.0.view.borrow().is_running(id) || now() >= deadline {
                return;
            }
            TimeoutFuture::new(5).await;
        }
    }

    /// Hands a replica over to a new tab with a process of its own.
    pub async fn open_tab(&self, id: u64) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_member(id)?;
        let url = opening::url_for_host(self.settings(), id)?;
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
        let joined = self.0.joined.get().ok_or_else(wrong_answer)?;
        let settings = &self.0.settings;
        let assignment = Assignment {
            cluster: settings.cluster.clone(),
            identity: format!("{:016x}", joined.identity),
            node: id,
            tab: joined.tabs.tab.clone(),
            durability: settings.durability,
            tick_ms: settings.tick_ms,
            limits: settings.limits,
            faults: self.faults(),
            wait,
        };
        self.0.hosting.start(assignment, explicit).await
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
