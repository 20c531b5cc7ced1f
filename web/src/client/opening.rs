//! What a tab does first: it finds or makes its cluster, joins the talk, and decides what to host.

use std::rc::Rc;

use futures_util::future::join;
use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::engine::Directory;
use super::error::removed_sentence;
use super::judged::Judged;
use super::judging::Judging;
use super::reload::{self, Before};
use super::requests::Requests;
use super::store::Store;
use super::tab_name;
use super::tab_store::TabStore;
use super::tabs::Tabs;
use super::{Cluster, Joined, LOCKS_EVERY_MS, address, now, random, within, workers};
use crate::host::lock::{self, Mode};
use crate::host::registry::{self, ClusterRecord};
use crate::host::rotation;
use crate::model::{ApiError, Update};
use crate::names;
use crate::protocol::{Action, Word};
use crate::settings::{Engine, Hosting as HostingRule, Settings};

/// How long a reloaded tab waits for its own former workers to let go, in milliseconds.
const RELOAD_MS: f64 = 2_000.0;
/// How long other tabs wait for one that decides what to host, in milliseconds.
const DECISION_MS: u32 = 10_000;
/// After how long a page that is open sees to the browser's log, in milliseconds.
const ROTATION_AFTER_MS: u32 = 300;

const ALL_STOPPED: &str =
    "All nodes were stopped on purpose, so none was started. Start those that are to run.";

impl Cluster {
    /// Opens the cluster that the page's address speaks of.
    pub fn open() -> Self {
        let (settings, notices) = match address::parameters() {
            Ok(parameters) => Settings::from_parameters(parameters),
            Err(error) => (Settings::default(), vec![error.message]),
        };
        if settings.engine == Engine::Tabs && settings.host != HostingRule::None {
            workers::load_program();
        }
        let cluster = Self::new(settings, notices);
        let me = cluster.clone();
        spawn_local(async move {
            me.heed_resets().await;
            let result = match me.is_of_tabs() {
                true => me.join().await,
                false => me.join_machines().await,
            };
            if let Err(error) = &result {
                me.notice(error.message.clone());
            }
            // A reset has closed it for good.
            if me.reset_stage().is_none() {
                *me.0.opened.borrow_mut() = Some(result.clone());
            }
            for waiting in me.0.opening.take() {
                // A caller that is gone does not mind.
                drop(waiting.send(result.clone()));
            }
            me.tell(Update::Status);
            if !me.is_of_tabs() {
                return;
            }
            // Not in the way of the first write.
            TimeoutFuture::new(ROTATION_AFTER_MS).await;
            if let Err(error) = rotation::count_page().await {
                let error = error.to_string().into();
                let what = "tabraft: the browser's log was not left behind:";
                web_sys::console::warn_2(&what.into(), &error);
            }
        });
        cluster
    }

    async fn join(&self) -> Result<(), ApiError> {
        let name = self.cluster();
        let former = reload::hosted_before(name).tab;
        let record = registry::open_or_create(name, self.0.settings.nodes);
        let (record, tab_name) = join(record, tab_name::claim(name, &former)).await;
        let record = record?;
        // Without locks there is more to say than that there is no name; it is said below.
        let tab_name = tab_name.ok().flatten();
        self.notice_loss(record.identity);
        self.restore_settings(record.identity);
        self.0.view.borrow_mut().begin(name, record.clone());
        let weak = Rc::downgrade(&self.0);
        let directory: std::rc::Weak<dyn Directory> = weak.clone();
        let no_channels = |error| ApiError::browser("This browser has no BroadcastChannel", &error);
        let client = random();
        let requests = Requests::new(name, record.identity, client, directory);
        let judged = weak.clone();
        let judging = Judging::new(name, record.identity, client, move || {
            if let Some(inner) = judged.upgrade() {
                Cluster(inner).look_for_news();
            }
        });
        let hear = move |from, word| {
            if let Some(inner) = weak.upgrade() {
                Cluster(inner).on_word(from, word);
            }
        };
        let tab = tab_name::number(tab_name.as_ref(), random());
        let tabs = Tabs::join(name, record.identity, tab, hear).map_err(no_channels)?;
        let joined = Joined {
            identity: record.identity,
            tabs,
            _name: tab_name,
            requests: requests.map_err(no_channels)?,
        };
        let judging = Rc::new(judging.map_err(no_channels)?);
        let judged = self.judged_store(Rc::new(TabStore::new(self)), judging);
        if self.0.judged.set(judged).is_err() || self.0.joined.set(joined).is_err() {
            return Err(ApiError::new("CLOSED", "The page joined twice."));
        }
        if let Some(joined) = self.0.joined.get() {
            joined.tabs.say(Word::Hello);
        }
        self.watch_locks();
        self.look_at_locks().await;
        self.decide_hosting(&record).await
    }

    /// A store whose calls show in the page's figures.
    pub(super) fn judged_store(&self, store: Rc<dyn Store>, judging: Rc<Judging>) -> Judged {
        let weak = Rc::downgrade(&self.0);
        let answered = move |write, latency_ms| {
            if let Some(inner) = weak.upgrade() {
                Cluster(inner).tell(Update::Done { write, latency_ms });
            }
        };
        Judged::new(store, judging, Rc::new(answered))
    }

    fn watch_locks(&self) {
        let weak = Rc::downgrade(&self.0);
        let watch = Interval::new(LOCKS_EVERY_MS, move || {
            if let Some(inner) = weak.upgrade() {
                spawn_local(async move { Cluster(inner).look_at_locks().await });
            }
        });
        if self.0._locks.set(watch).is_err() {
            web_sys::console::warn_1(&"tabraft: locks are watched twice".into());
        }
    }

    async fn decide_hosting(&self, record: &ClusterRecord) -> Result<(), ApiError> {
        match self.0.settings.host.clone() {
            HostingRule::None => {}
            HostingRule::Nodes(ids) => {
                for id in ids {
                    if record.members.contains(&id) {
                        self.take_over(id, true);
                    } else if record.removed.contains(&id) {
                        self.notice(format!(
                            "The address says host={id}. {}",
                            removed_sentence(id)
                        ));
                    } else {
                        self.notice(format!(
                            "The address says host={id}, but the cluster has no node {id}. It was ignored."
                        ));
                    }
                }
            }
            HostingRule::Auto => self.host_automatically(record).await?,
        }
        Ok(())
    }

    /// Takes every member if nobody hosts any, but those that were stopped on purpose. One tab at
    /// a time decides; a tab that was reloaded takes back what it had.
    async fn host_automatically(&self, record: &ClusterRecord) -> Result<(), ApiError> {
        let members = record.members.iter().copied();
        let members: Vec<u64> = members.filter(|id| !record.stopped.contains(id)).collect();
        if members.is_empty() {
            self.notice(ALL_STOPPED.into());
            return Ok(());
        }
        let name = names::opening_lock(self.cluster());
        let decision = within(lock::acquire(&name, Mode::Wait), DECISION_MS).await;
        let _decision = match decision {
            Some(Ok(held)) => held,
            Some(Err(error)) => return Err(ApiError::new("NO_LOCKS", error.to_string())),
            // Another tab is frozen while it decides. Each replica's own lock still rules.
            None => None,
        };
        let mut mine = reload::hosted_before(self.cluster());
        mine.hosted.retain(|id| members.contains(id));
        let deadline = now() + RELOAD_MS;
        let ids = loop {
            self.look_at_locks().await;
            if let Some(ids) = self.free_to_host(&members, &mine, now() >= deadline) {
                break ids;
            }
            TimeoutFuture::new(20).await;
        };
        for id in mine.hosted.iter().filter(|id| !ids.contains(id)) {
            if self.is_hosted_since(*id, &mine) {
                self.take_over(*id, false);
            }
        }
        let alone = ids.len() == members.len();
        let starts = ids.into_iter().map(|id| async move {
            let result = self.host(id, false, false).await;
            result.err().map(|error| (id, error))
        });
        for (id, error) in futures_util::future::join_all(starts)
            .await
            .into_iter()
            .flatten()
        {
            // Told at the replica too; the others go on without it.
            if error.code != "ALREADY_RUNNING" {
                self.notice(format!("Node {id} could not be started. {}", error.message));
            }
        }
        if alone {
            self.elect_at_once();
        }
        Ok(())
    }

    /// What a tab that was to decide takes: all members if nobody hosts any, else those it had
    /// before it was reloaded, when they are free or the time is up. `None`: not yet.
    fn free_to_host(&self, members: &[u64], mine: &Before, time_is_up: bool) -> Option<Vec<u64>> {
        let view = self.0.view.borrow();
        let free = |id: &u64| !view.is_running(*id);
        let decided = |id: &u64| free(id) || self.is_hosted_since(*id, mine);
        if members.iter().all(free) {
            Some(members.to_vec())
        } else if mine.hosted.iter().all(decided) || time_is_up {
            Some(mine.hosted.iter().copied().filter(free).collect())
        } else {
            None
        }
    }

    /// Whether another tab hosts a replica since this one was reloaded: neither this tab's former
    /// self, whose workers may not have ended yet, nor the tab that this one is a copy of.
    fn is_hosted_since(&self, id: u64, mine: &Before) -> bool {
        let view = self.0.view.borrow();
        view.is_running(id) && view.tab_of(id).is_some_and(|tab| *tab != mine.tab)
    }

    /// All replicas started here and now, so nobody leads: the one with the most of the log asks
    /// for votes without waiting for its timeout.
    fn elect_at_once(&self) {
        let status = self.status();
        let running = status.nodes.iter().filter(|node| node.here);
        let longest = running.max_by_key(|node| (node.last_index, u64::MAX - node.id));
        if let Some(node) = longest
            && let Err(error) = self.0.hosting.campaign(node.id)
        {
            self.notice(error.message);
        }
    }

    /// Hosts a replica here as soon as nobody else does, and asks who does to hand it over;
    /// `explicit` if this tab was opened for it.
    fn take_over(&self, id: u64, explicit: bool) {
        let me = self.clone();
        spawn_local(async move {
            if let Err(error) = me.host(id, true, explicit).await {
                me.notice(format!("Node {id} could not be started. {}", error.message));
            }
        });
        let me = self.clone();
        spawn_local(async move {
            // The worker is in the lock's queue when it says that it waits.
            while me.0.hosting.has(id) && !me.0.hosting.runs(id) {
                if me.0.hosting.waits(id) {
                    me.ask_for_hand_over(id).await;
                    return;
                }
                TimeoutFuture::new(10).await;
            }
        });
    }

    async fn ask_for_hand_over(&self, id: u64) {
        let Some(joined) = self.0.joined.get() else {
            return;
        };
        if let Err(error) = joined.tabs.call(id, Action::HandOver).await
            && self.0.hosting.waits(id)
        {
            let sentence = format!("{} {}", error.message, starts_here(id));
            self.0.view.borrow_mut().set_waiting(id, Some(sentence));
            self.tell(Update::Status);
        }
    }
}

pub fn waiting_sentence(id: u64) -> String {
    format!(
        "Waiting for another tab to hand node {id} over. {}",
        starts_here(id)
    )
}

fn starts_here(id: u64) -> String {
    format!("Node {id} starts here as soon as that tab closes or stops it.")
}
