//! The table of keys, as one replica has them, and where others differ. It draws what [`source`] has
//! read; while a moment of the past is shown, what had been read then, and says how much is known of
//! it.
//!
//! [`compare`] finds the differences between replicas, [`tell`] puts them into words.

mod compare;
pub mod source;
mod tell;

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use self::compare::{Marked, Stands};
use self::source::{Ask, KeySource, Rows, cell};
use super::feed::Feed;
use super::figures;
use super::replica::ReplicaChooser;
use super::sight::in_sight;
use super::timeline::past::AsOf;
use super::timeline::readings::{Pair, ROWS_MAX, Then, words::words};

/// Bytes of a key in the table; titles have more.
const KEY_SHOWN: usize = 120;

/// What is shown of a moment of the past.
#[derive(Clone, Debug, PartialEq)]
struct Past {
    rows: Vec<Arc<Pair>>,
    remark: String,
}

#[component]
pub fn Keys(feed: Feed, source: KeySource) -> impl IntoView {
    let panel = NodeRef::<html::Section>::new();
    let seen = in_sight(panel);
    Effect::new(move |_| source.seen.set(seen.get()));
    let KeySource {
        prefix,
        choice,
        ask,
        shown,
        compares,
        ..
    } = source;

    let past = Memo::new(move |_| {
        let at_ms = feed.past_ms()?;
        Some(
            prefix.with(|prefix| feed.shown_history(|h| past(h.readings.at(at_ms), at_ms, prefix))),
        )
    });
    let looks_back = Memo::new(move |_| past.with(Option::is_some));
    let rows = Memo::new(move |_| {
        let plain = |rows: &[Arc<Pair>]| rows.iter().cloned().map(Marked::plain).collect();
        if let Some(rows) = past.with(|past| past.as_ref().map(|it| plain(&it.rows))) {
            return rows;
        }
        let compared = match compares.get() {
            true => source.compared.with(|it| it.rows.clone()),
            false => None,
        };
        compared.unwrap_or_else(|| shown.with(|s| plain(&s.rows)))
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
            // etcd's members tell no digests.
            {feed.of_tabs.then(|| view! { <Comparison feed source /> })}
            <div class="scroll" tabindex="0" role="group" aria-labelledby="keys-title">
                <table data-testid="keys" class:outdated=outdated>
                    <thead>
                        <tr>
                            <th scope="col">"Key"</th>
                            <th scope="col">"Value"</th>
                            {move || compares.get().then(|| view! {
                                <th scope="col">"Other replicas"</th>
                            })}
                        </tr>
                    </thead>
                    <tbody>
                        <For each=places key=|place| *place let:place>
                            <Row rows place compares />
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

/// Whether replicas are compared, and what came of it.
#[component]
fn Comparison(feed: Feed, source: KeySource) -> impl IntoView {
    let KeySource {
        compares, compared, ..
    } = source;
    let said = Memo::new(move |_| {
        let node = source.choice.node.get();
        match (compares.get(), feed.past.with(Option::is_some)) {
            (false, _) => (String::new(), false),
            (true, false) => compared.with(|it| (it.sentence.clone(), it.alarm)),
            // Digests are known of the past, and the rows of one replica only.
            (true, true) => feed.shown(|s| {
                let stands = Stands::of(&s.nodes, node.unwrap_or(s.leader), None);
                stands.map_or_else(Default::default, |it| (tell::past(&it), it.alarm()))
            }),
        }
    });
    view! {
        <div class="comparison">
            <label class="check">
                <input type="checkbox" data-testid="keys-compare" bind:checked=compares />
                <span>"Mark differences between replicas"</span>
            </label>
            <p class="told" class:bad=move || said.with(|it| it.1) data-testid="keys-compared"
                hidden=move || !compares.get()>
                {move || said.with(|it| it.0.clone())}
            </p>
        </div>
    }
}

/// A row keeps its place: what changes is its text.
#[component]
fn Row(rows: Memo<Vec<Marked>>, place: usize, compares: RwSignal<bool>) -> impl IntoView {
    let row = Memo::new(move |_| rows.with(|rows| rows.get(place).cloned()));
    let of =
        move |look: fn(&Marked) -> String| row.with(|it| it.as_ref().map_or(String::new(), look));
    let key = move || of(|it| it.pair.key.clone());
    let value = move || of(|it| it.pair.value.clone());
    let there = move || row.with(|it| it.as_ref().is_none_or(|it| it.there));
    view! {
        <tr data-key=key>
            <th scope="row" title=key>{move || cell(&key(), KEY_SHOWN)}</th>
            <td title=value>{move || if there() { value() } else { "not there".to_owned() }}</td>
            {move || compares.get().then(|| view! { <Marks row /> })}
        </tr>
    }
}

/// Who has something else there, in a shape and in words.
#[component]
fn Marks(row: Memo<Option<Marked>>) -> impl IntoView {
    let of =
        move |look: fn(&Marked) -> String| row.with(|it| it.as_ref().map_or(String::new(), look));
    let differs = move || row.with(|it| it.as_ref().is_some_and(|it| !it.marks.is_empty()));
    let words = move || of(tell::row);
    let shape = move || match (
        differs(),
        row.with(|it| it.as_ref().is_some_and(|it| it.same)),
    ) {
        (true, _) => "≠ ",
        (_, true) => "= ",
        _ => "",
    };
    view! {
        <td class="marks" class:differs=differs title=move || of(tell::title)>
            <span aria-hidden="true">{shape}</span>
            {words}
        </td>
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
