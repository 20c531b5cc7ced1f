//! What happened, newest first.

use std::sync::Arc;
use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use super::feed::{EVENTS_MAX, Feed};
use super::figures;
use super::sight::in_sight;
use crate::clock;
use crate::model::Event;

/// The kinds an event can have, in the order of the filter.
const KINDS: [&str; 9] = [
    "role",
    "host",
    "recovered",
    "disk",
    "link",
    "snapshot",
    "conf",
    "problem",
    "page",
];

#[component]
pub fn Events(feed: Feed) -> impl IntoView {
    // `None` for all; node 0 is the page itself.
    let node = RwSignal::new(None::<u64>);
    let kind = RwSignal::new(None::<String>);
    let now = RwSignal::new(clock::wall_ms());
    let panel = NodeRef::<html::Section>::new();
    let seen = in_sight(panel);
    let tick = move || {
        if seen.get_untracked() {
            now.set(clock::wall_ms());
        }
    };
    set_interval(tick, Duration::from_secs(1));
    Effect::new(move |_| {
        if seen.get() {
            now.set(clock::wall_ms());
        }
    });

    let rows = move || {
        let (node, kind) = (node.get(), kind.get());
        let wanted = |e: &Arc<Event>| {
            node.is_none_or(|n| e.node == n) && kind.as_ref().is_none_or(|k| e.kind == *k)
        };
        feed.shown_events(|list| list.filter(|e| wanted(e)).cloned().collect::<Vec<_>>())
    };
    let full = move || feed.shown_events(|list| list.count() >= EVENTS_MAX);
    view! {
        <section class="events" aria-labelledby="events-title" node_ref=panel>
            <div class="head">
                <h2 id="events-title">"Events"</h2>
                <span class="count">
                    {move || full().then(|| format!("the last {EVENTS_MAX}"))}
                </span>
                <div class="choosers">
                    <label>
                        <span>"Node"</span>
                        <select data-testid="events-node"
                            on:change=move |ev| node.set(event_target_value(&ev).parse().ok())>
                            <option value="all">"all"</option>
                            <option value="0">"page"</option>
                            <For each=move || feed.shown_ids.get() key=|id| *id let:id>
                                <option value=id.to_string()>{id}</option>
                            </For>
                        </select>
                    </label>
                    <label>
                        <span>"Kind"</span>
                        <select data-testid="events-kind"
                            on:change=move |ev| {
                                let chosen = event_target_value(&ev);
                                kind.set(KINDS.contains(&chosen.as_str()).then_some(chosen));
                            }>
                            <option value="all">"all"</option>
                            {KINDS.map(|k| view! { <option value=k>{k}</option> }).collect_view()}
                        </select>
                    </label>
                </div>
            </div>
            <ol class="scroll" tabindex="0" aria-labelledby="events-title" data-testid="events">
                // Of a saved run and of the live cluster, the numbers may be the same.
                <For each=rows key=|event| (event.at_ms.to_bits(), event.seq) let:event>
                    <Row feed event now />
                </For>
            </ol>
        </section>
    }
}

#[component]
fn Row(feed: Feed, event: Arc<Event>, now: RwSignal<f64>) -> impl IntoView {
    let at = event.at_ms;
    // How long ago it was means nothing while another time is shown.
    let when = Memo::new(move |_| match feed.past.with(Option::is_some) {
        true => clock::time_of_day(at),
        false => figures::ago(now.get() - at),
    });
    let who = if event.node == 0 {
        "page".to_owned()
    } else {
        format!("node {}", event.node)
    };
    view! {
        <li data-node=event.node data-kind=event.kind.clone()>
            <time title=clock::exact(at)>{when}</time>
            <span class="from">{who}</span>
            <span class="kind">{event.kind.clone()}</span>
            <span class="text">{event.text.clone()}</span>
        </li>
    }
}
