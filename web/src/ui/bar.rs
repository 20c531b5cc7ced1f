//! The bar: how the cluster is, in words, with the button that helps; and how fast it answers.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use super::command::{Place, Told};
use super::feed::Feed;
use super::figures;
use super::focus::focus_where_it_is;
use super::shortcuts::{Shortcuts, ShortcutsButton};
use super::summary::{Badge, Help, Summary};
use super::timeline::past::AsOf;
use super::verb::Verb;
use crate::clock;

/// A sentence is announced once it has stood this long: an election is one change, not five.
const SETTLED: Duration = Duration::from_millis(700);

#[component]
pub fn Bar(feed: Feed, summary: Memo<Summary>, shortcuts: Shortcuts) -> impl IntoView {
    let badge = Memo::new(move |_| summary.with(|s| s.badge));
    let text = Memo::new(move |_| summary.with(|s| s.text.clone()));
    // The button would act now: beside a sentence about another moment there is none.
    let help = Memo::new(move |_| match feed.past.with(Option::is_some) {
        true => None,
        false => summary.with(|s| s.help),
    });
    let place = Place::passing();
    let words = NodeRef::<html::P>::new();
    // It has one from the first status on.
    let tab = Memo::new(move |_| {
        feed.status.track();
        match feed.cluster().tab_name() {
            "" => String::new(),
            name => format!(" · tab {name}"),
        }
    });

    view! {
        <header class="bar">
            <h1>
                "tabraft "
                <span class="place">
                    <span class="cluster">{move || feed.shown(|s| s.cluster.clone())}</span>
                    <span class="tab" data-testid="tab-name">{tab}</span>
                </span>
            </h1>
            <div class="state">
                <span class=move || format!("badge {}", class(badge.get())) data-testid="badge">
                    <svg viewBox="-8 -8 16 16" aria-hidden="true">
                        <path d=move || mark(badge.get())></path>
                    </svg>
                    {move || badge.get().word().to_uppercase()}
                </span>
                <p class="sentence" data-testid="sentence" tabindex="-1" node_ref=words>
                    // The badge says it to the eye; here it completes the sentence.
                    <span class="unseen">{move || format!("{}. ", badge.get().word())}</span>
                    <AsOf feed /> " "
                    {text}
                </p>
                <Remedy feed help place words />
                <Told place />
            </div>
            <Figures feed />
            <ShortcutsButton shortcuts />
            <Announcement feed summary />
        </header>
    }
}

/// The button that helps. It stays the same element whatever it does, so that the focus stays.
#[component]
fn Remedy(
    feed: Feed,
    help: Memo<Option<Help>>,
    place: Place,
    words: NodeRef<html::P>,
) -> impl IntoView {
    let button = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        let idle = help.get().is_none();
        let Some(button) = button.get() else { return };
        let focused = document()
            .active_element()
            .is_some_and(|e| e.is_same_node(Some(&button)));
        if idle && focused {
            focus_where_it_is(words.get_untracked().as_ref());
        }
        button.set_hidden(idle);
    });
    let act = move |_| match help.get_untracked() {
        Some(Help::Start(id)) => place.order(feed.cluster(), Verb::Start, id),
        Some(Help::Resume(id)) => place.order(feed.cluster(), Verb::Resume, id),
        Some(Help::Heal) => {
            let cluster = feed.cluster();
            place.take(async move {
                cluster.heal().await?;
                Ok("All links work.".to_owned())
            });
        }
        None => {}
    };
    let label = move || match help.get() {
        Some(Help::Start(id)) => format!("Start node {id}"),
        Some(Help::Resume(id)) => format!("Resume node {id}"),
        Some(Help::Heal) => "Heal all links".to_owned(),
        None => String::new(),
    };
    view! {
        <button class="primary" type="button" data-testid="help" node_ref=button on:click=act>
            {label}
        </button>
    }
}

#[component]
fn Figures(feed: Feed) -> impl IntoView {
    let rate = move || figures::grouped(feed.shown_pace().writes_per_s.round() as u64);
    let median = move || {
        feed.shown_pace()
            .median_ms
            .map_or("–".to_owned(), figures::duration)
    };
    view! {
        <dl class="pace" title="What this tab wrote in the last 3 seconds">
            <div>
                <dt>"writes/s"</dt>
                <dd data-testid="rate">{rate}</dd>
            </div>
            <div>
                <dt>"median latency"</dt>
                <dd data-testid="latency">{median}</dd>
            </div>
        </dl>
    }
}

/// Tells a screen reader of a sentence that has settled.
#[component]
fn Announcement(feed: Feed, summary: Memo<Summary>) -> impl IntoView {
    let settled = RwSignal::new(String::new());
    let line = Memo::new(move |_| {
        let then = feed.past_ms().map(clock::time_of_day);
        let then = then.map_or(String::new(), |time| format!("At {time}: "));
        summary.with(|s| format!("{then}{}. {}", s.badge.word(), s.text))
    });
    let timer = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let line = line.get();
        if let Some(earlier) = timer.get_value() {
            earlier.clear();
        }
        match set_timeout_with_handle(move || settled.set(line), SETTLED) {
            Ok(handle) => timer.set_value(Some(handle)),
            Err(error) => leptos::logging::warn!("no timer for announcements: {error:?}"),
        }
    });
    view! { <p class="unseen" aria-live="polite" aria-atomic="true">{settled}</p> }
}

fn class(badge: Badge) -> &'static str {
    match badge {
        Badge::Healthy => "good",
        Badge::Degraded | Badge::Electing => "warn",
        Badge::NoQuorum => "bad",
        Badge::Starting => "off",
    }
}

/// Each badge has a shape of its own: tick, half, arrows, cross, dots.
fn mark(badge: Badge) -> &'static str {
    match badge {
        Badge::Healthy => "M-5 0-1.5 4 5-4",
        Badge::Degraded => "M0-5.5 6 5H-6ZM0-1.5V1.5",
        Badge::Electing => "M-6 0A6 6 0 0 1 5-3.5M6 0A6 6 0 0 1-5 3.5M5-6.5V-3.5H2M-5 6.5V3.5H-2",
        Badge::NoQuorum => "M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5",
        Badge::Starting => "M-5 0H-4.9M0 0H.1M5 0H5.1",
    }
}
