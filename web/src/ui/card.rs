//! One replica: what it knows, where it runs, and what can be done to it.

use leptos::prelude::*;

use super::command::{Place, Told, Verb};
use super::feed::Feed;
use super::figures;
use super::look::{Look, RoleMark};
use crate::model::{NodeStatus, State};

/// Digits of the digest that are shown; the title has all.
const DIGEST_SHOWN: usize = 8;

#[component]
pub fn Card(feed: Feed, id: u64) -> impl IntoView {
    let node = feed.node(id);
    let look = Memo::new(move |_| node.with(Look::of));
    let place = Place::passing();
    let problem = Memo::new(move |_| node.with(|n| n.problem.clone()));
    view! {
        <article class=move || format!("card {}", look.get().word())
            aria-label=format!("Node {id}") data-testid=format!("node-{id}")>
            <div class="who">
                <h3>"Node " {id}</h3>
                <RoleMark look />
                <span class="where" data-testid="where">{move || node.with(whereabouts)}</span>
            </div>
            <Facts node />
            <p class="problem" data-testid="problem" hidden=move || problem.with(String::is_empty)>
                {problem}
            </p>
            <Buttons feed id node place />
        </article>
    }
}

fn whereabouts(node: &NodeStatus) -> &'static str {
    match (node.state, node.here) {
        (State::Stopped | State::Failed, _) => "nowhere",
        (_, true) => "this tab",
        (_, false) => "another tab",
    }
}

#[component]
fn Facts(node: Memo<NodeStatus>) -> impl IntoView {
    let vote = move || {
        node.with(|n| match n.vote {
            0 => "–".to_owned(),
            vote => vote.to_string(),
        })
    };
    let log = move || {
        node.with(|n| {
            if n.last_index < n.first_index || n.last_index == 0 {
                "empty".to_owned()
            } else {
                format!("{}–{}", n.first_index, n.last_index)
            }
        })
    };
    let snapshot = move || {
        node.with(|n| match n.snapshot_index {
            0 => "–".to_owned(),
            index => index.to_string(),
        })
    };
    let snapshot_title = move || {
        node.with(|n| match n.snapshot_index {
            0 => "No snapshot yet".to_owned(),
            index => format!("Snapshot at index {index} of term {}", n.snapshot_term),
        })
    };
    let wal = move || {
        node.with(|n| {
            format!(
                "{} · {}",
                figures::grouped(n.wal_records),
                figures::bytes(n.wal_bytes)
            )
        })
    };
    let digest = move || {
        node.with(|n| match figures::head(&n.digest, DIGEST_SHOWN) {
            ("", _) => "–".to_owned(),
            (head, true) => format!("{head}…"),
            (head, false) => head.to_owned(),
        })
    };
    view! {
        <dl class="facts">
            <Fact name="term" hook="term" value=move || node.with(|n| n.term.to_string()) />
            <Fact name="vote" hook="vote" value=vote />
            <Fact name="epoch" hook="epoch" value=move || node.with(|n| n.epoch.to_string())
                title=|| "How often its database was opened by a host".to_owned() />
            <Fact name="commit" hook="commit" value=move || node.with(|n| n.commit.to_string()) />
            <Fact name="applied" hook="applied" value=move || node.with(|n| n.applied.to_string()) />
            <Fact name="keys" hook="keys-count"
                value=move || node.with(|n| figures::grouped(n.keys)) />
            <Fact name="log" hook="log" value=log wide=true
                title=|| "First and last index of its log".to_owned() />
            <Fact name="snapshot" hook="snapshot" value=snapshot title=snapshot_title />
            <Fact name="WAL" hook="wal" value=wal wide=true
                title=|| "Records and bytes of its write-ahead log".to_owned() />
            <Fact name="digest" hook="digest" value=digest
                title=move || node.with(|n| n.digest.clone()) />
        </dl>
    }
}

#[component]
fn Fact(
    name: &'static str,
    hook: &'static str,
    value: impl Fn() -> String + Send + 'static,
    #[prop(optional, into)] title: Option<TextProp>,
    #[prop(optional)] wide: bool,
) -> impl IntoView {
    view! {
        <div class:wide=wide title=move || title.as_ref().map(TextProp::get)>
            <dt>{name}</dt>
            <dd data-testid=hook>{value}</dd>
        </div>
    }
}

#[component]
fn Buttons(feed: Feed, id: u64, node: Memo<NodeStatus>, place: Place) -> impl IntoView {
    let state = Memo::new(move |_| node.with(|n| n.state));
    // One element for both, so that the focus stays where it is.
    let hold = move || {
        if state.get() == State::Paused {
            Verb::Resume
        } else {
            Verb::Pause
        }
    };
    view! {
        <div class="acts" role="group" aria-label=format!("Actions on node {id}")>
            <VerbButton feed id state place verb=|| Verb::Crash />
            <VerbButton feed id state place verb=|| Verb::Stop />
            <VerbButton feed id state place verb=|| Verb::Start />
            <VerbButton feed id state place verb=hold />
            <VerbButton feed id state place verb=|| Verb::OpenTab />
            <Told place />
        </div>
    }
}

/// A button that does not apply stays in reach of the keyboard and says why when it is pressed.
#[component]
fn VerbButton(
    feed: Feed,
    id: u64,
    state: Memo<State>,
    place: Place,
    verb: impl Fn() -> Verb + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let verb = Memo::new(move |_| verb());
    let obstacle = Memo::new(move |_| obstacle(verb.get(), state.get()));
    let act = move |_| match obstacle.get_untracked() {
        Some(why) => place.say(format!("Node {id} {why}.")),
        None => place.order(feed.cluster(), verb.get_untracked(), id),
    };
    view! {
        <button type="button" data-testid=move || format!("{}-{id}", verb.get().hook())
            title=move || verb.get().meaning()
            aria-disabled=move || obstacle.get().map(|_| "true") on:click=act>
            {move || verb.get().label()}
        </button>
    }
}

/// Why a verb does not apply, after "Node N".
fn obstacle(verb: Verb, state: State) -> Option<&'static str> {
    match (verb, state) {
        (Verb::Start, State::Running) => Some("is running"),
        (Verb::Start, State::Paused) => Some("is paused: resume it"),
        (Verb::Crash | Verb::Stop | Verb::Pause, State::Stopped) => Some("is not running"),
        (Verb::Crash | Verb::Stop | Verb::Pause | Verb::OpenTab, State::Failed) => {
            Some("failed and is not running")
        }
        _ => None,
    }
}
