//! The table of keys, as one replica has them. It follows that replica: at most two requests a
//! second and never two at once.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::feed::Feed;
use super::figures;
use super::replica::{Choice, ReplicaChooser};
use crate::model::{ApiError, Call, Consistency, State};

const ROWS_MAX: usize = 100;
const EVERY: Duration = Duration::from_millis(500);
/// After a failure, whether or not the replica moves.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Characters of a key and of a value in the table; titles have more.
const KEY_SHOWN: usize = 120;
const VALUE_SHOWN: usize = 240;

/// What the table asks for. A change of it is a reason to ask again.
#[derive(Clone, Debug, PartialEq)]
struct Ask {
    prefix: String,
    node: Option<u64>,
    consistency: Consistency,
    /// The replica's applied index and digest.
    version: (u64, String),
    /// Why there is no use in asking now.
    obstacle: Option<String>,
}

/// What the table shows.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rows {
    rows: Vec<(String, String)>,
    more: bool,
    error: Option<ApiError>,
}

#[component]
pub fn Keys(feed: Feed) -> impl IntoView {
    let prefix = RwSignal::new(String::new());
    let choice = Choice::new();
    let ask = Memo::new(move |_| asked(feed, prefix, choice));
    let shown = RwSignal::new(Rows::default());
    follow(feed, ask, shown);

    let total = Memo::new(move |_| {
        let node = choice.node.get();
        feed.status.with(|s| {
            let id = node.unwrap_or(s.leader);
            s.nodes.iter().find(|n| n.id == id).map(|n| n.keys)
        })
    });
    let count = move || match total.get() {
        // etcd's members do not tell.
        _ if !feed.of_tabs => String::new(),
        Some(1) => "1 key".to_owned(),
        Some(n) => format!("{} keys", figures::grouped(n)),
        None => String::new(),
    };
    let outdated = move || ask.with(|a| a.obstacle.is_some()) || shown.with(|s| s.error.is_some());
    view! {
        <section class="keys" aria-labelledby="keys-title">
            <div class="head">
                <h2 id="keys-title">"Keys"</h2>
                <span class="count">{count}</span>
                <span class="as-of" hidden=move || feed.past.with(Option::is_none)>"as of now"</span>
            </div>
            <div class="choosers">
                <label class="grow">
                    <span>"Prefix"</span>
                    <input class="data" data-testid="prefix" bind:value=prefix spellcheck="false"
                        autocapitalize="off" />
                </label>
                <ReplicaChooser feed choice of="keys" />
            </div>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="keys-title">
                <table data-testid="keys" class:outdated=outdated>
                    <thead>
                        <tr>
                            <th scope="col">"Key"</th>
                            <th scope="col">"Value"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || shown.with(|s| s.rows.clone()) key=Clone::clone let:row>
                            <Row key=row.0 value=row.1 />
                        </For>
                    </tbody>
                </table>
            </div>
            <p class="told" data-testid="keys-told">{move || remark(ask, shown)}</p>
        </section>
    }
}

#[component]
fn Row(key: String, value: String) -> impl IntoView {
    let cell = |text: &str, max: usize| match figures::head(text, max) {
        (head, true) => format!("{head}… ({})", figures::bytes(text.len() as u64)),
        (all, false) => all.to_owned(),
    };
    let (short_key, short_value) = (cell(&key, KEY_SHOWN), cell(&value, VALUE_SHOWN));
    view! {
        <tr data-key=key.clone()>
            <th scope="row" title=key.clone()>{short_key}</th>
            <td title=short_value.clone()>{short_value.clone()}</td>
        </tr>
    }
}

/// What there is to say about the rows; an empty table says why.
fn remark(ask: Memo<Ask>, shown: RwSignal<Rows>) -> AnyView {
    if let Some(why) = ask.with(|a| a.obstacle.clone()) {
        return why.into_any();
    }
    shown.with(|s| match &s.error {
        Some(error) => view! { {error.message.clone()} " " <code>{error.code}</code> }.into_any(),
        None if s.more => {
            format!("The first {ROWS_MAX}. There are more: give a longer prefix.").into_any()
        }
        None if s.rows.is_empty() && ask.with(|a| a.prefix.is_empty()) => "No keys yet.".into_any(),
        None if s.rows.is_empty() => "No key begins so.".into_any(),
        None => ().into_any(),
    })
}

fn asked(feed: Feed, prefix: RwSignal<String>, choice: Choice) -> Ask {
    let (node, consistency) = (choice.node.get(), choice.consistency.get());
    let viewing = feed.viewing.get();
    feed.status.with(|status| {
        let id = match node {
            Some(id) => id,
            // Any member of an etcd finds its leader, even one that does not answer this page.
            None if !feed.of_tabs => {
                let running = status.nodes.iter().filter(|n| n.state == State::Running);
                let furthest = running.max_by_key(|n| n.applied);
                furthest.map_or(status.leader, |n| n.id)
            }
            None => status.leader,
        };
        let replica = status.nodes.iter().find(|n| n.id == id);
        let obstacle = match replica {
            _ if viewing => Some(
                "A saved run has no keys in it. These are the live cluster's, as last read."
                    .to_owned(),
            ),
            None => Some("Waits for a leader.".to_owned()),
            Some(n) if n.state != State::Running && node.is_none() => {
                Some("Waits for a leader.".to_owned())
            }
            Some(n) if n.state != State::Running => Some(format!("Node {id} is not running.")),
            Some(_) if consistency == Consistency::Linearizable && status.leader == 0 => {
                Some("Waits for a leader.".to_owned())
            }
            Some(_) => None,
        };
        let version = replica
            .map(|n| (n.applied, n.digest.clone()))
            .unwrap_or_default();
        Ask {
            prefix: prefix.get(),
            node,
            consistency,
            version,
            obstacle,
        }
    })
}

/// Whether a request is out, or the pause after it lasts.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    Free,
    Taken,
    /// Taken, and the question has changed since.
    Again,
}

/// Keeps `shown` up with `ask`.
fn follow(feed: Feed, ask: Memo<Ask>, shown: RwSignal<Rows>) {
    let turn = StoredValue::new(Turn::Free);
    Effect::new(move |_| {
        ask.track();
        match turn.get_value() {
            Turn::Free => request(feed, ask, shown, turn),
            Turn::Taken | Turn::Again => turn.set_value(Turn::Again),
        }
    });
}

fn request(feed: Feed, ask: Memo<Ask>, shown: RwSignal<Rows>, turn: StoredValue<Turn>) {
    let now = ask.get_untracked();
    if now.obstacle.is_some() {
        turn.set_value(Turn::Free);
        return;
    }
    turn.set_value(Turn::Taken);
    let cluster = feed.cluster();
    spawn_local(async move {
        let call = Call {
            node: now.node,
            consistency: now.consistency,
            ..Call::default()
        };
        let next = match cluster.scan(&now.prefix, ROWS_MAX as u32 + 1, call).await {
            Ok(pairs) => {
                let text = figures::readable;
                let rows = pairs.iter().map(|(key, value)| (text(key), text(value)));
                let mut rows: Vec<_> = rows.collect();
                let more = rows.len() > ROWS_MAX;
                rows.truncate(ROWS_MAX);
                Rows {
                    rows,
                    more,
                    error: None,
                }
            }
            // The rows stay, greyed: they were true once.
            Err(error) => Rows {
                error: Some(error),
                ..shown.get_untracked()
            },
        };
        let failed = next.error.is_some();
        if shown.with_untracked(|s| *s != next) {
            shown.set(next);
        }
        let after = if failed { AFTER_FAILURE } else { EVERY };
        set_timeout(
            move || match turn.get_value() {
                Turn::Taken if !failed => turn.set_value(Turn::Free),
                _ => request(feed, ask, shown, turn),
            },
            after,
        );
    });
}
