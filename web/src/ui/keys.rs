//! The table of keys, as one replica has them. It follows that replica: at most two requests a
//! second and never two at once; fewer while the cluster works hard. What it read is kept, and while
//! a moment of the past is shown it shows what was read then, and says how much is known of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::feed::Feed;
use super::figures;
use super::replica::{Choice, ReplicaChooser};
use super::sight::in_sight;
use super::timeline::past::AsOf;
use super::timeline::readings::{Pair, ROWS_MAX, Source, Then, words::words};
use crate::model::{ApiError, Call, Consistency, State};

const EVERY: Duration = Duration::from_millis(500);
/// While the cluster works hard, on the screen and elsewhere.
const EVERY_BUSY: Duration = Duration::from_secs(1);
const EVERY_UNSEEN: Duration = Duration::from_secs(5);
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
    rows: Vec<Arc<Pair>>,
    more: bool,
    error: Option<ApiError>,
}

/// What it shows of a moment of the past.
#[derive(Clone, Debug, PartialEq)]
struct Past {
    rows: Vec<Arc<Pair>>,
    remark: String,
}

#[component]
pub fn Keys(feed: Feed) -> impl IntoView {
    let prefix = RwSignal::new(String::new());
    let choice = Choice::new();
    let panel = NodeRef::<html::Section>::new();
    let seen = in_sight(panel);
    let ask = Memo::new(move |_| asked(feed, prefix, choice));
    let shown = RwSignal::new(Rows::default());
    follow(feed, ask, shown, seen);

    let past = Memo::new(move |_| {
        let at_ms = feed.past_ms()?;
        Some(
            prefix.with(|prefix| feed.shown_history(|h| past(h.readings.at(at_ms), at_ms, prefix))),
        )
    });
    let looks_back = Memo::new(move |_| past.with(Option::is_some));
    let rows = Memo::new(move |_| {
        past.with(|past| past.as_ref().map(|it| it.rows.clone()))
            .unwrap_or_else(|| shown.with(|s| s.rows.clone()))
    });
    let total = Memo::new(move |_| {
        let node = choice.node.get();
        feed.shown(|s| {
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
    let outdated = move || {
        let fails = ask.with(|a| a.obstacle.is_some()) || shown.with(|s| s.error.is_some());
        fails && !looks_back.get()
    };
    let places = move || 0..rows.with(Vec::len);
    view! {
        <section class="keys" aria-labelledby="keys-title" node_ref=panel>
            <div class="head">
                <h2 id="keys-title">"Keys"</h2>
                <span class="count">{count}</span>
                <AsOf feed />
            </div>
            <div class="choosers">
                <label class="grow">
                    <span>"Prefix"</span>
                    <input class="data" data-testid="prefix" bind:value=prefix spellcheck="false"
                        autocapitalize="off" />
                </label>
                <ReplicaChooser feed choice of="keys" idle=looks_back />
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
                        <For each=places key=|place| *place let:place>
                            <Row rows place />
                        </For>
                    </tbody>
                </table>
            </div>
            <p class="told" data-testid="keys-told">
                {move || match past.get() {
                    Some(past) => past.remark.into_any(),
                    None => remark(ask, shown),
                }}
            </p>
        </section>
    }
}

/// What is known of a moment, as far as it begins with `prefix`.
fn past(then: Then<'_>, at_ms: f64, prefix: &str) -> Past {
    let rows = match then {
        Then::Was(it) | Then::HadBeen(it, _) => &it.rows[..],
        Then::Unread | Then::Forgotten => &[],
    };
    let here = rows.iter().filter(|it| it.key.starts_with(prefix));
    Past {
        rows: here.cloned().collect(),
        remark: words(then, at_ms, prefix),
    }
}

/// A row keeps its place: what changes is its text.
#[component]
fn Row(rows: Memo<Vec<Arc<Pair>>>, place: usize) -> impl IntoView {
    let pair = Memo::new(move |_| rows.with(|rows| rows.get(place).cloned()));
    let key = move || pair.with(|it| it.as_ref().map_or(String::new(), |it| it.key.clone()));
    let value = move || pair.with(|it| it.as_ref().map_or(String::new(), |it| it.value.clone()));
    view! {
        <tr data-key=key>
            <th scope="row" title=key>{move || cell(&key(), KEY_SHOWN)}</th>
            <td title=value>{value}</td>
        </tr>
    }
}

/// A text, or its beginning and how long it is.
fn cell(text: &str, max: usize) -> String {
    match figures::head(text, max) {
        (head, true) => format!("{head}… ({})", figures::bytes(text.len() as u64)),
        (all, false) => all.to_owned(),
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

/// Keeps `shown` up with `ask`, and what was read for later.
fn follow(feed: Feed, ask: Memo<Ask>, shown: RwSignal<Rows>, seen: RwSignal<bool>) {
    let turn = StoredValue::new(Turn::Free);
    let table = Table {
        feed,
        ask,
        shown,
        seen,
        turn,
    };
    Effect::new(move |_| {
        ask.track();
        feed.outdate_keys();
        match turn.get_value() {
            Turn::Free => table.request(),
            Turn::Taken | Turn::Again => turn.set_value(Turn::Again),
        }
    });
}

#[derive(Clone, Copy)]
struct Table {
    feed: Feed,
    ask: Memo<Ask>,
    shown: RwSignal<Rows>,
    seen: RwSignal<bool>,
    turn: StoredValue<Turn>,
}

impl Table {
    fn request(self) {
        let now = self.ask.get_untracked();
        if now.obstacle.is_some() {
            self.turn.set_value(Turn::Free);
            return;
        }
        self.turn.set_value(Turn::Taken);
        spawn_local(async move {
            let failed = self.read(now).await;
            let after = match (failed, self.feed.busy.get_untracked()) {
                (true, _) => AFTER_FAILURE,
                (_, false) => EVERY,
                (_, true) if self.seen.get_untracked() => EVERY_BUSY,
                (_, true) => EVERY_UNSEEN,
            };
            let next = move || match self.turn.get_value() {
                Turn::Taken if !failed => self.turn.set_value(Turn::Free),
                _ => self.request(),
            };
            set_timeout(next, after);
        });
    }

    /// Asks, shows and keeps what is answered; whether that failed.
    async fn read(self, ask: Ask) -> bool {
        let call = Call {
            node: ask.node,
            consistency: ask.consistency,
            ..Call::default()
        };
        let cluster = self.feed.cluster();
        let found = cluster.scan(&ask.prefix, ROWS_MAX as u32 + 1, call).await;
        let failed = found.is_err();
        let next = match found {
            Ok(pairs) => Rows {
                rows: pairs.iter().take(ROWS_MAX).map(pair).collect(),
                more: pairs.len() > ROWS_MAX,
                error: None,
            },
            // The rows stay, greyed: they were true once.
            Err(error) => Rows {
                error: Some(error),
                ..self.shown.get_untracked()
            },
        };
        if !failed {
            let source = Source {
                prefix: ask.prefix,
                node: ask.node,
                stale: ask.consistency == Consistency::Stale,
            };
            self.feed.record_keys(source, &next.rows, next.more);
            // There was news meanwhile, which may not be in it.
            if self.turn.get_value() == Turn::Again {
                self.feed.outdate_keys();
            }
        }
        if self.shown.with_untracked(|s| *s != next) {
            self.shown.set(next);
        }
        failed
    }
}

fn pair((key, value): &(Bytes, Bytes)) -> Arc<Pair> {
    Arc::new(Pair {
        key: figures::readable(key),
        value: cell(&figures::readable(value), VALUE_SHOWN),
    })
}
