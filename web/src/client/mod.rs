//! The page's side of the cluster: any tab is a client, whether it hosts replicas or not.
//!
//! - [`requests`] has reads and writes on their way to the leader
//! - [`view`] is what this tab has heard of the cluster
//! - [`hosting`] has the workers of this tab
//! - [`tabs`] is the talk between tabs
//! - [`opening`] is what a tab does first, and what it hosts
//! - [`console`] is `window.tabraft`
//! - [`error`] has the errors of the console API

pub mod console;
mod error;
mod hosting;
mod opening;
mod requests;
mod tabs;
mod view;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::future::{Either, join_all, select};
use gloo_timers::callback::{Interval, Timeout};
use gloo_timers::future::TimeoutFuture;
use tabraft::kv::{Applied, Op, Outcome};
use tabraft::wire::{Answer, Ask, Read};
use wasm_bindgen_futures::spawn_local;

use self::hosting::{Heard, Hosting};
use self::requests::{Directory, Requests};
use self::tabs::Tabs;
use self::view::View;
use crate::host::board::status_of;
use crate::host::lock::{self, LockState};
use crate::model::*;
use crate::names;
use crate::protocol::{Action, Assignment, TabId, Word};
use crate::settings::Settings;

/// How often the browser is asked which replicas are hosted, in milliseconds.
const LOCKS_EVERY_MS: u32 = 250;
/// How long a replica may take to tell its status before what it last told must do.
const STATUS_TIMEOUT_MS: f64 = 300.0;
/// How long a lock may take to be released, in milliseconds.
const RELEASE_MS: f64 = 500.0;
/// How long a tab that was opened may take to take its replica over, in milliseconds.
const OPEN_TAB_TIMEOUT_MS: f64 = 5_000.0;

/// A handle to the cluster; cheap to clone. The page's buttons and `window.tabraft` both call it.
#[derive(Clone)]
pub struct Cluster(Rc<Inner>);

struct Inner {
    settings: Settings,
    view: RefCell<View>,
    notices: RefCell<Vec<String>>,
    subscribers: RefCell<Vec<Subscriber>>,
    updates: RefCell<Vec<Update>>,
    telling: Cell<bool>,
    hosting: Hosting,
    /// Set once the cluster is known.
    joined: OnceCell<Joined>,
    opened: RefCell<Option<Result<(), ApiError>>>,
    opening: RefCell<Vec<oneshot::Sender<Result<(), ApiError>>>>,
    _locks: OnceCell<Interval>,
}

type Subscriber = Rc<dyn Fn(&Update)>;

struct Joined {
    identity: u64,
    tabs: Tabs,
    requests: Requests,
}

impl Directory for Inner {
    fn somebody(&self) -> Option<u64> {
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
                view: RefCell::default(),
                notices: RefCell::new(notices),
                subscribers: RefCell::default(),
                updates: RefCell::default(),
                telling: Cell::new(false),
                hosting,
                joined: OnceCell::new(),
                opened: RefCell::default(),
                opening: RefCell::default(),
                _locks: OnceCell::new(),
            }
        }))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
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
        self.ready().await?;
        let unopened = || ApiError::new("CLOSED", "The page has no cluster.");
        self.0.joined.get().ok_or_else(unopened)
    }

    // What is known.

    pub fn status(&self) -> Status {
        let hosting = &self.0.hosting;
        self.0.view.borrow().status(|id| hosting.runs(id))
    }

    /// The status after every running replica was asked.
    ///
    /// # Errors
    /// Those of [`Cluster::ready`].
    pub async fn fresh_status(&self) -> Result<Status, ApiError> {
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

    fn tell(&self, update: Update) {
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

    // Reads and writes.

    /// # Errors
    /// Those of the console API, here and below.
    pub async fn put(&self, key: &str, value: &str, call: Call) -> Result<Written, ApiError> {
        let (key, value) = (key.to_owned(), Bytes::copy_from_slice(value.as_bytes()));
        self.write(Op::Put { key, value }, call).await
    }

    pub async fn delete(&self, key: &str, call: Call) -> Result<Written, ApiError> {
        self.write(Op::Delete { key: key.into() }, call).await
    }

    pub async fn cas(
        &self,
        key: &str,
        expected: Option<&str>,
        value: &str,
        call: Call,
    ) -> Result<Written, ApiError> {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let op = Op::Cas {
            key: key.into(),
            expected: expected.map(bytes),
            value: bytes(value),
        };
        self.write(op, call).await
    }

    async fn write(&self, op: Op, call: Call) -> Result<Written, ApiError> {
        op.check()?;
        let joined = self.joined().await?;
        self.check_target(call.node)?;
        let began = now();
        let applied = joined
            .requests
            .write(op, call.node, call.timeout_ms)
            .await?;
        self.done(true, began);
        Ok(written(&applied))
    }

    pub async fn get(&self, key: &str, call: Call) -> Result<Option<String>, ApiError> {
        tabraft::kv::command::check_key(key)?;
        let ask = Ask::Get {
            key: key.into(),
            read: read_of(call.consistency),
        };
        match self.read(ask, call).await? {
            Answer::Value(value) => Ok(value.map(|bytes| text(&bytes))),
            _ => Err(wrong_answer()),
        }
    }

    pub async fn scan(
        &self,
        prefix: &str,
        limit: u32,
        call: Call,
    ) -> Result<Vec<(String, String)>, ApiError> {
        let ask = Ask::Scan {
            prefix: prefix.into(),
            limit,
            read: read_of(call.consistency),
        };
        match self.read(ask, call).await? {
            Answer::Pairs(pairs) => {
                let texts = pairs.into_iter().map(|(key, value)| (key, text(&value)));
                Ok(texts.collect())
            }
            _ => Err(wrong_answer()),
        }
    }

    async fn read(&self, ask: Ask, call: Call) -> Result<Answer, ApiError> {
        let joined = self.joined().await?;
        self.check_target(call.node)?;
        let began = now();
        let answer = joined
            .requests
            .other(ask, call.node, call.timeout_ms)
            .await?;
        self.done(false, began);
        Ok(answer)
    }

    fn done(&self, write: bool, began_ms: f64) {
        let latency_ms = now() - began_ms;
        self.tell(Update::Done { write, latency_ms });
    }

    fn check_target(&self, node: Option<u64>) -> Result<(), ApiError> {
        let Some(id) = node else {
            return Ok(());
        };
        self.check_member(id)?;
        if self.0.view.borrow().is_running(id) {
            Ok(())
        } else {
            Err(ApiError::not_running(id))
        }
    }

    fn check_member(&self, id: u64) -> Result<(), ApiError> {
        if self.0.view.borrow().members().contains(&id) {
            Ok(())
        } else {
            Err(ApiError::no_such_node(id))
        }
    }

    // Replicas.

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
    async fn act_here(&self, id: u64, action: Action) -> Result<(), ApiError> {
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
    async fn host(&self, id: u64, wait: bool, explicit: bool) -> Result<(), ApiError> {
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

    // Links.

    /// Cuts every link between replicas of different groups. Replicas in no group are cut off
    /// from all others.
    pub async fn partition(&self, groups: Vec<Vec<u64>>) -> Result<(), ApiError> {
        self.joined().await?;
        let members = self.0.view.borrow().members();
        for id in groups.iter().flatten() {
            self.check_member(*id)?;
        }
        let group = |id: &u64| groups.iter().position(|group| group.contains(id));
        let mut links = Vec::new();
        for from in &members {
            for to in members.iter().filter(|to| *to != from) {
                if group(from).is_none() || group(from) != group(to) {
                    links.push(FaultyLink {
                        from: *from,
                        to: *to,
                        fault: LinkFault::CUT,
                    });
                }
            }
        }
        self.set_faults(links).await
    }

    /// Makes all links work.
    pub async fn heal(&self) -> Result<(), ApiError> {
        self.set_faults(Vec::new()).await
    }

    /// Sets how one direction of one link fails; `LinkFault::default()` makes it work.
    pub async fn link(&self, from: u64, to: u64, fault: LinkFault) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_member(from)?;
        self.check_member(to)?;
        let mut links = self.faults();
        links.retain(|link| (link.from, link.to) != (from, to));
        if fault != LinkFault::default() {
            links.push(FaultyLink { from, to, fault });
        }
        self.set_faults(links).await
    }

    async fn set_faults(&self, links: Vec<FaultyLink>) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        {
            let mut view = self.0.view.borrow_mut();
            view.faults_stamp = (view.faults_stamp.0 + 1, joined.tabs.tab.clone());
            view.faults.clone_from(&links);
        }
        joined.tabs.say(self.faults_word());
        self.tell(Update::Faults);
        self.page_event(0, faults_sentence(&links));
        self.0.hosting.set_faults(&links).await?;
        // Other tabs set them on their workers and answer a call made after.
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
            .map(|id| joined.tabs.call(id, Action::SyncFaults));
        for result in join_all(calls).await {
            result?;
        }
        Ok(())
    }

    fn faults_word(&self) -> Word {
        let view = self.0.view.borrow();
        Word::Faults {
            stamp: view.faults_stamp.clone(),
            links: view.faults.clone(),
        }
    }

    // What is heard.

    fn on_word(&self, from: String, word: Word) {
        match word {
            Word::Hello => {
                if let Some(joined) = self.0.joined.get()
                    && !self.0.view.borrow().faults.is_empty()
                {
                    joined.tabs.say(self.faults_word());
                }
            }
            Word::Status(status) => self.on_status(Some(from), *status),
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
                self.tell(Update::Faults);
                let me = self.clone();
                spawn_local(async move {
                    if let Err(error) = me.0.hosting.set_faults(&links).await {
                        me.notice(format!("Faults were not set: {}", error.message));
                    }
                });
            }
            Word::Call { id, node, action } => {
                if self.0.hosting.has(node) {
                    let me = self.clone();
                    spawn_local(async move { me.on_call(from, id, node, action).await });
                }
            }
            Word::Result { to, id, error } => {
                if let Some(joined) = self.0.joined.get() {
                    joined.tabs.on_result(&to, id, error);
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
                error: result.err().map(|error| (error.code.into(), error.message)),
            });
        }
    }

    fn on_status(&self, tab: Option<String>, status: NodeStatus) {
        let mut view = self.0.view.borrow_mut();
        let tab = tab.or_else(|| view.tab_of(status.id).cloned());
        let led = view.hear(tab.unwrap_or_default(), status);
        let leader = view.leader();
        drop(view);
        if led
            && leader != 0
            && let Some(joined) = self.0.joined.get()
        {
            joined.requests.on_leader();
        }
        self.tell(Update::Status);
    }

    fn on_worker(&self, heard: Heard) {
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
            Heard::Failed(id, error) => (Some(id), Some(error.message)),
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
        opening::remember_hosted(&self.0.settings.cluster, &self.0.hosting.running());
        self.tell(Update::Status);
    }

    fn page_event(&self, node: u64, text: String) {
        let event = Event {
            seq: 0,
            at_ms: now(),
            node,
            kind: if node == 0 { "link" } else { "host" }.into(),
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

    fn add_event(&self, event: Event) {
        let event = self.0.view.borrow_mut().add_event(event);
        self.tell(Update::Event(event));
    }

    /// Asks the browser which replicas are hosted: the one source that knows of tabs that died.
    async fn look_at_locks(&self) {
        let cluster = &self.0.settings.cluster;
        match lock::query().await {
            Ok(locks) => {
                let held = locks.iter().filter(|(_, state)| *state == LockState::Held);
                let running = held.filter_map(|(name, _)| names::node_of_lock(cluster, name));
                if self.0.view.borrow_mut().set_running(running.collect()) {
                    self.tell(Update::Status);
                }
            }
            Err(error) => self.notice(error.to_string()),
        }
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

/// Waits for a future, but not forever.
async fn within<T>(future: impl Future<Output = T>, timeout_ms: u32) -> Option<T> {
    match select(Box::pin(future), TimeoutFuture::new(timeout_ms)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn faults_sentence(links: &[FaultyLink]) -> String {
    if links.is_empty() {
        return "All links work.".into();
    }
    let cut = links.iter().filter(|link| link.fault.is_cut()).count();
    match (cut, links.len() - cut) {
        (cut, 0) => format!("{cut} one-way links are cut."),
        (0, poor) => format!("{poor} one-way links are impaired."),
        (cut, poor) => format!("{cut} one-way links are cut, {poor} impaired."),
    }
}

fn written(applied: &Applied) -> Written {
    Written {
        index: applied.index,
        term: applied.term,
        effect: !matches!(
            applied.outcome,
            Outcome::Deleted { existed: false } | Outcome::Swapped(false)
        ),
    }
}

fn read_of(consistency: Consistency) -> Read {
    match consistency {
        Consistency::Linearizable => Read::Linearizable,
        Consistency::Stale => Read::Stale,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wrong_answer() -> ApiError {
    ApiError::new("PROTOCOL", "A replica gave an answer of another kind.")
}

fn now() -> f64 {
    js_sys::Date::now()
}
