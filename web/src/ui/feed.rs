//! The one place that turns the cluster's updates into signals.
//!
//! Updates come as fast as the cluster works: 20 statuses a second from each node, thousands of
//! events and answers under load, all on the thread that also carries the client. So an update
//! only leaves a mark ([`super::due`]); the marks are read in an animation frame, statuses at most
//! 15 times and events at most 4 times a second, and less often while the cluster works hard. After
//! a frame that took long the next one waits three times as long, within a bound: the client on this
//! thread comes first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use tabraft::check::journal::Standing;

use super::due::Due;
use super::pace::Pace;
use super::timeline::history::History;
use super::timeline::recorder::Moment;
use super::timeline::run::Run;
use crate::client::Cluster;
use crate::client::bench::{Figures, Load};
use crate::client::etcd::members::Member;
use crate::client::reset::Stage;
use crate::clock;
use crate::model::{self, Event, FaultyLink, Flight, NodeStatus, Status, Work};
use crate::settings::Settings;

/// Events kept for the list; older ones are dropped.
pub const EVENTS_MAX: usize = 500;

const PACE_EVERY: Duration = Duration::from_millis(500);
/// A hidden tab gets no animation frames.
const HIDDEN_EVERY: Duration = Duration::from_millis(500);
/// For how many times as long as a frame took no other is drawn, and for how long at the most.
const REST: f64 = 3.0;
const REST_MAX_MS: f64 = 200.0;

/// The cluster and what is known of it, as signals. Cheap to copy into every component.
#[derive(Clone, Copy)]
pub struct Feed {
    cluster: StoredValue<Cluster, LocalStorage>,
    /// Whether the cluster is made of tabs; if not, of etcd's processes.
    pub of_tabs: bool,
    /// Those processes.
    pub machines: RwSignal<Vec<Member>>,
    pub status: RwSignal<Status>,
    /// Ids of the known nodes, ascending; those that were removed are known until they are wiped.
    pub ids: Memo<Vec<u64>>,
    /// Ids of the members, ascending. Changes only with the membership.
    pub members: Memo<Vec<u64>>,
    pub faults: RwSignal<Vec<FaultyLink>>,
    pub notices: RwSignal<Vec<String>>,
    /// Newest first.
    pub events: RwSignal<VecDeque<Arc<Event>>>,
    /// What went between replicas in a quarter of a second or so.
    pub flights: RwSignal<Vec<Flight>>,
    pub pace: RwSignal<Pace>,
    /// Whether the cluster works hard, so that what it does is drawn less often.
    pub busy: RwSignal<bool>,
    /// What `bench` measured last.
    pub measured: RwSignal<Option<(Load, Figures)>>,
    /// The settings in force, which any tab can change.
    pub settings: RwSignal<Settings>,
    /// Long work under way.
    pub work: RwSignal<Option<Work>>,
    /// How the live judge sees what this tab's clients did.
    pub standing: RwSignal<Standing>,
    /// What the signals above showed, for the timeline.
    pub history: StoredValue<History>,
    /// The moment of it that the views show; `None` for the present.
    pub past: RwSignal<Option<Moment>>,
    /// The saved run that is shown in place of the live cluster, if any; then `past` is a moment of
    /// it.
    pub run: RwSignal<Option<Arc<Run>>>,
    /// Whether there is one.
    pub viewing: Memo<bool>,
    /// How far a reset of everything is, once one was begun.
    pub reset: RwSignal<Option<Stage>>,
    /// The experiment that is open.
    pub experiment: RwSignal<Option<String>>,
    /// `ids` and `members` of the moment that is shown.
    pub shown_ids: Memo<Vec<u64>>,
    pub shown_members: Memo<Vec<u64>>,
}

impl Feed {
    /// Subscribes to the cluster for the lifetime of the page.
    pub fn new(cluster: Cluster) -> Self {
        let status = RwSignal::new(cluster.status());
        let ids = Memo::new(move |_| status.with(|s| ids_of(s, |_| true)));
        let members = Memo::new(move |_| status.with(|s| ids_of(s, |n| n.member)));
        let past = RwSignal::new(None::<Moment>);
        let then = move |wanted: fn(&NodeStatus) -> bool| {
            past.with(|p| p.as_ref().map(|p| ids_of(&p.status, wanted)))
        };
        let run = RwSignal::new(None::<Arc<Run>>);
        let told = cluster.events(0);
        let mut events = VecDeque::new();
        add_events(&mut events, told.clone());
        let feed = Self {
            cluster: StoredValue::new_local(cluster.clone()),
            of_tabs: cluster.is_of_tabs(),
            machines: RwSignal::new(Vec::new()),
            status,
            ids,
            members,
            faults: RwSignal::new(cluster.faults()),
            notices: RwSignal::new(cluster.notices()),
            events: RwSignal::new(events),
            flights: RwSignal::new(Vec::new()),
            pace: RwSignal::new(Pace::default()),
            busy: RwSignal::new(false),
            settings: RwSignal::new(cluster.settings().clone()),
            work: RwSignal::new(cluster.progress()),
            standing: RwSignal::new(cluster.standing()),
            history: StoredValue::new(History::default()),
            past,
            run,
            viewing: Memo::new(move |_| run.with(Option::is_some)),
            reset: RwSignal::new(cluster.reset_stage()),
            measured: RwSignal::new(None),
            experiment: RwSignal::new(cluster.settings().experiment),
            shown_ids: Memo::new(move |_| then(|_| true).unwrap_or_else(|| ids.get())),
            shown_members: Memo::new(move |_| then(|n| n.member).unwrap_or_else(|| members.get())),
        };
        feed.record_events(&told);
        feed.keep_recording();
        feed.serve_runs();

        let marks = Rc::new(RefCell::new(Due::default()));
        let metered = marks.clone();
        set_interval(
            move || {
                let now = clock::ticking_ms();
                let (pace, tally) = {
                    let meter = &mut metered.borrow_mut().meter;
                    (meter.pace(now), meter.tally())
                };
                feed.record_rate(PACE_EVERY, tally);
                if feed.pace.with_untracked(|shown| *shown != pace) {
                    feed.pace.set(pace);
                }
            },
            PACE_EVERY,
        );
        cluster.subscribe(Box::new(move |update| {
            // Nobody sees them.
            if matches!(update, model::Update::Flights(_)) && document().hidden() {
                return;
            }
            // A hidden tab draws no frame for a long time.
            if matches!(update, model::Update::Reset) {
                return feed.reset.set(feed.cluster().reset_stage());
            }
            if let model::Update::Measured(load, figures) = update {
                return feed.measured.set(Some((*load, *figures)));
            }
            let now = clock::ticking_ms();
            let call_frame = marks.borrow_mut().note(update, now);
            if call_frame {
                soon(feed, marks.clone());
            }
        }));
        feed
    }

    pub fn cluster(&self) -> Cluster {
        self.cluster.get_value()
    }

    /// Takes the settings that are in force; another tab may have changed them.
    pub fn look_at_settings(&self) {
        let cluster = self.cluster();
        let next = cluster.settings().clone();
        if self.settings.with_untracked(|known| *known != next) {
            self.settings.set(next);
        }
    }

    /// One node's status as it is shown; of a node that left, an unknown one. While its view does
    /// not follow it stays as it is.
    pub fn node(&self, id: u64, follows: Memo<bool>) -> Memo<NodeStatus> {
        let feed = *self;
        Memo::new(move |before: Option<&NodeStatus>| {
            if let (false, Some(before)) = (follows.get(), before) {
                return before.clone();
            }
            feed.shown(|s| {
                let found = s.nodes.iter().find(|n| n.id == id);
                found.cloned().unwrap_or_else(|| NodeStatus::unknown(id))
            })
        })
    }
}

fn soon(feed: Feed, marks: Rc<RefCell<Due>>) {
    if document().hidden() {
        let unseen = move || {
            show(feed, &marks);
            drawn(feed, marks);
        };
        return set_timeout(unseen, HIDDEN_EVERY);
    }
    let now = clock::ticking_ms();
    let wait_ms = marks.borrow().wait_ms(now);
    if wait_ms >= 1.0 {
        let later = Duration::from_millis(wait_ms as u64);
        // It may be hidden by then.
        set_timeout(move || soon(feed, marks), later);
    } else {
        frame(feed, marks);
    }
}

fn frame(feed: Feed, marks: Rc<RefCell<Due>>) {
    request_animation_frame(move || {
        let began = clock::ticking_ms();
        show(feed, &marks);
        // The browser lays out and paints before it runs this.
        let ended = move || {
            let now = clock::ticking_ms();
            let rest = (REST * (now - began)).min(REST_MAX_MS);
            marks.borrow_mut().rests_until = now + rest;
            drawn(feed, marks);
        };
        set_timeout(ended, Duration::ZERO);
    });
}

/// Calls another frame if there is something left, or new.
fn drawn(feed: Feed, marks: Rc<RefCell<Due>>) {
    let left = marks.borrow().left();
    marks.borrow_mut().called = left;
    if left {
        soon(feed, marks);
    }
}

/// Sets the signals whose time has come.
fn show(feed: Feed, marks: &RefCell<Due>) {
    let now = clock::ticking_ms();
    let (status, events, flights, faults, notices, work, judged) = {
        let mut due = marks.borrow_mut();
        let (status, events, flights) = due.take_turn(now);
        (
            status,
            events,
            flights,
            std::mem::take(&mut due.faults),
            std::mem::take(&mut due.notices),
            std::mem::take(&mut due.work),
            std::mem::take(&mut due.judged),
        )
    };
    let cluster = feed.cluster();
    if status {
        let next = cluster.status();
        let busy = {
            let effort = &mut marks.borrow_mut().effort;
            effort.look(now, &next);
            effort.busy
        };
        if feed.busy.get_untracked() != busy {
            feed.busy.set(busy);
        }
        if feed.status.with_untracked(|shown| *shown != next) {
            feed.status.set(next);
        }
        let machines = cluster.machines();
        if feed.machines.with_untracked(|shown| *shown != machines) {
            feed.machines.set(machines);
        }
        feed.look_at_settings();
    }
    if faults {
        feed.faults.set(cluster.faults());
    }
    if status || faults {
        feed.record();
    }
    if notices {
        feed.notices.set(cluster.notices());
    }
    if work {
        feed.work.set(cluster.progress());
    }
    if judged {
        let next = cluster.standing();
        if feed.standing.with_untracked(|shown| *shown != next) {
            feed.standing
                .with_untracked(|shown| feed.record_standing(shown, &next));
            feed.standing.set(next);
        }
    }
    if !flights.is_empty() {
        feed.flights.set(flights.into_iter().collect());
    }
    if !events.is_empty() {
        feed.record_events(&events);
        feed.events.update(|list| add_events(list, events));
    }
}

/// Puts `new`, oldest first, before what `list` has, newest first.
fn add_events(list: &mut VecDeque<Arc<Event>>, new: Vec<Event>) {
    let skip = new.len().saturating_sub(EVENTS_MAX);
    for event in new.into_iter().skip(skip) {
        list.push_front(Arc::new(event));
    }
    list.truncate(EVENTS_MAX);
}

/// Ids of the nodes that `wanted` picks, ascending.
fn ids_of(status: &Status, wanted: impl Fn(&NodeStatus) -> bool) -> Vec<u64> {
    let nodes = status.nodes.iter().filter(|n| wanted(n));
    let mut ids: Vec<u64> = nodes.map(|n| n.id).collect();
    ids.sort_unstable();
    ids
}
