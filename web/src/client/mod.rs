//! The page's side of the cluster: any tab is a client, whether it hosts replicas or not.
//!
//! - [`requests`], [`engine`] and [`pending`] have reads and writes on their way to the leader, [`flight`] and
//!   [`room`] the limits of what may be under way and what may wait
//! - [`store`] is what every cluster can do for its clients, [`tab_store`] the tabs' one; [`judged`]
//!   notes what was done with one for the judge
//! - [`data`], [`replicas`], [`links`], [`members`], [`snapshots`], [`restore`], [`disks`],
//!   [`configure`] have the calls, by what they act on; [`membership`] what changing members takes
//! - [`etcd`] is a cluster of machines as a store, [`machines`] the page of one
//! - [`moving`] copies pairs between tabs and machines
//! - [`hearing`] has what comes back: statuses, events, other tabs' calls
//! - [`view`] is what this tab has heard of the cluster
//! - [`hosting`] has the workers of this tab, [`workers`] how they are started; [`revive`] brings
//!   back replicas that died
//! - [`tabs`] is the talk between tabs, [`tab_name`] what people call them
//! - [`judging`] is the live judge of what this tab's clients did
//! - [`opening`] is what a tab does first, and what it hosts; [`reload`] what it had before, and
//!   [`lost`] what the browser had
//! - [`address`] is the page's URL, [`files`] are those of its build, [`saved_file`] is one that a
//!   person chose
//! - [`bench`] measures how fast it is here, [`load`] makes work for it; [`latencies`] is how long
//!   calls took
//! - [`experiments`] is the library of experiments; [`runs`] are those that were saved
//! - [`reset`] deletes everything
//! - [`console`] is `window.tabraft`
//! - `saved` keeps changed settings for the next visit
//! - [`error`] has the errors of the console API

pub mod address;
mod backup;
pub mod bench;
mod configure;
pub mod console;
mod data;
pub mod deadline;
mod disks;
mod engine;
mod error;
pub mod etcd;
pub mod experiments;
mod files;
mod flight;
mod hearing;
mod hosted;
mod hosting;
mod judged;
mod judging;
mod latencies;
mod links;
pub mod load;
mod lost;
mod machines;
mod members;
mod membership;
pub mod moving;
mod opening;
mod pending;
mod reload;
mod replicas;
mod requests;
pub mod reset;
mod restore;
mod revive;
mod room;
pub mod runs;
mod saved;
mod saved_file;
mod snapshots;
mod spare;
pub mod store;
mod tab_name;
mod tab_store;
mod tabs;
mod view;
mod workers;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use futures_util::future::{Either, join_all, select};
use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use tabraft::wire::{Answer, Ask};
use wasm_bindgen_futures::spawn_local;

use self::configure::Changed;
use self::engine::{Directory, Somebody};
use self::etcd::Etcd;
use self::hosting::Hosting;
use self::judged::Judged;
use self::load::Loading;
use self::requests::Requests;
use self::reset::Resetting;
use self::revive::Revival;
use self::runs::Recorder;
use self::store::Watch;
use self::tab_name::TabName;
use self::tabs::Tabs;
use self::view::View;
use crate::host::board::status_of;
use crate::model::*;
use crate::settings::Settings;

/// How often the browser is asked which replicas are hosted, in milliseconds.
const LOCKS_EVERY_MS: u32 = 250;
/// How long a replica may take to tell its status before what it last told must do.
const STATUS_TIMEOUT_MS: f64 = 300.0;

/// A handle to the cluster; cheap to clone. The page's buttons and `window.tabraft` both call it.
#[derive(Clone)]
pub struct Cluster(Rc<Inner>);

struct Inner {
    /// Those of the address; what is in force differs by what was changed.
    settings: Settings,
    changed: RefCell<Changed>,
    work: RefCell<Option<Work>>,
    load: RefCell<Loading>,
    recorder: RefCell<Option<Rc<dyn Recorder>>>,
    resetting: RefCell<Resetting>,
    view: RefCell<View>,
    /// Whom requests were last sent to, or would have been.
    somebody: Cell<Somebody>,
    notices: RefCell<Vec<String>>,
    subscribers: RefCell<Vec<Subscriber>>,
    updates: RefCell<Vec<Update>>,
    telling: Cell<bool>,
    hosting: Hosting,
    revival: RefCell<Revival>,
    /// Set once the cluster is known.
    joined: OnceCell<Joined>,
    /// What this page's clients use; set with that.
    judged: OnceCell<Judged>,
    /// Set where the cluster is one of machines.
    etcd: OnceCell<Etcd>,
    /// The leader and the term that were last told of.
    led: Cell<(u64, u64)>,
    opened: RefCell<Option<Result<(), ApiError>>>,
    opening: RefCell<Vec<oneshot::Sender<Result<(), ApiError>>>>,
    _locks: OnceCell<Interval>,
}

type Subscriber = Rc<dyn Fn(&Update)>;

struct Joined {
    identity: u64,
    tabs: Tabs,
    /// Ours as long as this is kept.
    _name: Option<TabName>,
    requests: Requests,
}

impl Directory for Inner {
    fn somebody(&self) -> Somebody {
        self.view.borrow().somebody()
    }
}

impl Cluster {
    fn new(settings: Settings, notices: Vec<String>) -> Self {
        Self(Rc::new_cyclic(|weak: &Weak<Inner>| {
            let weak = weak.clone();
            let hosting = Hosting::new(Rc::new(move |heard| {
                if let Some(inner) = weak.upgrade() {
                    Cluster(inner).on_worker(heard);
                }
            }));
            Inner {
                settings,
                changed: RefCell::default(),
                work: RefCell::default(),
                load: RefCell::default(),
                recorder: RefCell::default(),
                resetting: RefCell::default(),
                view: RefCell::default(),
                somebody: Cell::default(),
                notices: RefCell::new(notices),
                subscribers: RefCell::default(),
                updates: RefCell::default(),
                telling: Cell::new(false),
                hosting,
                revival: RefCell::default(),
                joined: OnceCell::new(),
                judged: OnceCell::new(),
                etcd: OnceCell::new(),
                led: Cell::default(),
                opened: RefCell::default(),
                opening: RefCell::default(),
                _locks: OnceCell::new(),
            }
        }))
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        let changed = self.0.changed.borrow();
        changed
            .settings
            .clone()
            .unwrap_or_else(|| self.0.settings.clone())
    }

    /// The cluster's name.
    pub(super) fn cluster(&self) -> &str {
        &self.0.settings.cluster
    }

    /// Waits until the cluster is known.
    ///
    /// # Errors
    /// Why this page cannot be part of a cluster.
    pub async fn ready(&self) -> Result<(), ApiError> {
        if let Some(result) = &*self.0.opened.borrow() {
            return result.clone();
        }
        let (sender, receiver) = oneshot::channel();
        self.0.opening.borrow_mut().push(sender);
        receiver
            .await
            .unwrap_or_else(|_| Err(ApiError::new("CLOSED", "The page is closing.")))
    }

    async fn joined(&self) -> Result<&Joined, ApiError> {
        self.check_tabs("This")?;
        self.ready().await?;
        let unopened = || ApiError::new("CLOSED", "The page has no cluster.");
        self.0.joined.get().ok_or_else(unopened)
    }

    /// What people call this tab; empty before it has joined, and if it has no name.
    pub fn tab_name(&self) -> &str {
        let joined = self.0.joined.get();
        joined.map_or("", |joined| tab_name::of(&joined.tabs.tab))
    }

    // What is known.

    pub fn status(&self) -> Status {
        if let Some(etcd) = self.0.etcd.get() {
            return etcd.known();
        }
        let hosting = &self.0.hosting;
        self.0.view.borrow().status(|id| hosting.runs(id))
    }

    /// The status after every running replica was asked.
    async fn ask_all(&self) -> Result<Status, ApiError> {
        let requests = &self.joined().await?.requests;
        self.look_at_locks().await;
        let running: Vec<u64> = self.0.view.borrow().running().collect();
        let asked = running
            .into_iter()
            .map(|id| requests.other(Ask::Status, Some(id), STATUS_TIMEOUT_MS));
        for answer in join_all(asked).await {
            if let Ok(Answer::Status(report)) = answer {
                let status = status_of(&report, State::Running, report.epoch);
                self.on_status(None, status);
            }
        }
        Ok(self.status())
    }

    pub fn events(&self, since: u64) -> Vec<Event> {
        self.0.view.borrow().events(since)
    }

    /// What this tab asked its replicas for, in figures; all 0 before there is a cluster.
    pub fn traffic(&self) -> Traffic {
        let joined = self.0.joined.get();
        joined.map_or_else(Traffic::default, |it| it.requests.traffic())
    }

    /// The links that do not work as they should.
    pub fn faults(&self) -> Vec<FaultyLink> {
        self.0.view.borrow().faults.clone()
    }

    /// Sentences that the page must show: a bad URL parameter, no IndexedDB, storage full, ...
    pub fn notices(&self) -> Vec<String> {
        self.0.notices.borrow().clone()
    }

    pub fn dismiss_notice(&self, n: usize) {
        let mut notices = self.0.notices.borrow_mut();
        if n < notices.len() {
            notices.remove(n);
        }
        drop(notices);
        self.tell(Update::Notices);
    }

    /// Long work under way, if there is any.
    pub fn progress(&self) -> Option<Work> {
        self.0.work.borrow().clone()
    }

    fn notice(&self, sentence: String) {
        let mut notices = self.0.notices.borrow_mut();
        if !notices.contains(&sentence) {
            notices.push(sentence);
        }
        drop(notices);
        self.tell(Update::Notices);
    }

    /// Called at every change, never re-entrantly.
    pub fn subscribe(&self, f: Box<dyn Fn(&Update)>) {
        self.0.subscribers.borrow_mut().push(Rc::from(f));
    }

    /// The same until the watch is dropped.
    fn subscribe_until(&self, f: impl Fn(&Update) + 'static) -> Watch {
        let mine: Subscriber = Rc::new(f);
        self.0.subscribers.borrow_mut().push(mine.clone());
        let inner = Rc::downgrade(&self.0);
        Watch::new(move || {
            if let Some(inner) = inner.upgrade() {
                let mut subscribers = inner.subscribers.borrow_mut();
                subscribers.retain(|one| !Rc::ptr_eq(one, &mine));
            }
        })
    }

    fn tell(&self, update: Update) {
        if matches!(update, Update::Status) {
            self.note_somebody();
        }
        let mut updates = self.0.updates.borrow_mut();
        let news = match &update {
            Update::Status => !updates.iter().any(|u| matches!(u, Update::Status)),
            _ => true,
        };
        if news {
            updates.push(update);
        }
        drop(updates);
        if self.0.telling.replace(true) {
            return;
        }
        let me = self.clone();
        spawn_local(async move {
            me.0.telling.set(false);
            let updates = me.0.updates.take();
            let subscribers = me.0.subscribers.borrow().clone();
            for update in &updates {
                for subscriber in &subscribers {
                    subscriber(update);
                }
            }
        });
    }

    /// Has the requests sent again when there is somebody better to ask.
    fn note_somebody(&self) {
        let somebody = self.0.view.borrow().somebody();
        let before = self.0.somebody.replace(somebody);
        if before != somebody
            && let Some(joined) = self.0.joined.get()
        {
            joined.requests.on_somebody(before, somebody);
        }
    }

    fn check_target(&self, node: Option<u64>) -> Result<(), ApiError> {
        let Some(id) = node else {
            return Ok(());
        };
        self.check_listed(id)?;
        if self.0.view.borrow().is_running(id) {
            Ok(())
        } else {
            Err(ApiError::not_running(id))
        }
    }

    fn check_listed(&self, id: u64) -> Result<(), ApiError> {
        if self.0.view.borrow().listed().contains(&id) {
            Ok(())
        } else {
            Err(ApiError::no_such_node(id))
        }
    }
}

/// Waits for a future, but not forever.
async fn within<T>(future: impl Future<Output = T>, timeout_ms: u32) -> Option<T> {
    match select(Box::pin(future), TimeoutFuture::new(timeout_ms)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn wrong_answer() -> ApiError {
    ApiError::new("PROTOCOL", "A replica gave an answer of another kind.")
}

fn now() -> f64 {
    js_sys::Date::now()
}

fn random() -> u64 {
    let high = (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
    let low = (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
    high << 32 | low
}
