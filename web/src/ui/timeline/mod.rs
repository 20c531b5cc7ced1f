//! The timeline: who led when, what befell the nodes and their links, and how fast writes were
//! acknowledged, on one time axis. A moment of it can be chosen; the other views show that then.
//!
//! [`recorder`] keeps [`history`], [`marks`] and [`rates`] from what the feed shows, and [`readings`]
//! from what the table of keys read; it asks no replica anything. [`axis`], [`bands`] and [`charts`] say where what is drawn, [`picture`] has
//! all of it. [`rows`] and [`scrub`] draw it and take the choice of a moment; [`past`] says that
//! the past is shown.
//!
//! [`run`] is a history as a file. Opened again, it is what all of them draw from: [`viewing`],
//! [`run_bar`].

pub mod axis;
mod bands;
mod charts;
pub mod history;
mod marks;
pub mod past;
mod picture;
mod rates;
pub mod readings;
pub mod recorder;
mod rows;
pub mod run;
mod run_bar;
mod scrub;
pub mod viewing;

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;

use self::axis::Zoom;
use self::past::PastBar;
use self::picture::Picture;
use self::rows::{Charts, Legend, Row, Times};
use self::run_bar::RunBar;
use self::scrub::Scrub;
use super::feed::Feed;
use super::sight::in_sight;
use super::summary::Summary;
use crate::clock;

/// How often it is drawn anew at the most, unless somebody does something.
const DRAW_EVERY: Duration = Duration::from_millis(500);
/// The same while the cluster works hard, in milliseconds.
const DRAW_EVERY_BUSY_MS: f64 = 2_000.0;
/// It is drawn anew when time has gone on by so much of the width: less is not seen.
const PIXEL: f64 = 1.0 / 600.0;

#[component]
pub fn Timeline(feed: Feed, summary: Memo<Summary>) -> impl IntoView {
    let zoom = RwSignal::new(Zoom::Minutes2);
    let picture = RwSignal::new(Picture::default());
    let panel = NodeRef::<html::Section>::new();
    let seen = in_sight(panel);
    let draw = move || {
        let (before, past) = (
            picture.with_untracked(|p| p.span),
            untrack(|| feed.past_ms()),
        );
        let (zoom, now) = (zoom.get_untracked(), feed.latest_ms());
        let next = feed.shown_history(|h| Picture::of(h, zoom, now, past, before));
        if picture.with_untracked(|p| *p != next) {
            picture.set(next);
        }
    };
    Effect::new(move |_| {
        zoom.track();
        feed.past.track();
        draw();
    });
    Effect::new(move |_| {
        if feed.viewing.get() {
            zoom.set(Zoom::All);
        }
    });
    let tick = move || {
        // While the past is shown, time stands still here.
        let stands = feed.past.with_untracked(Option::is_some);
        let span = picture.with_untracked(|p| p.span);
        let least_ms = match feed.busy.get_untracked() {
            true => DRAW_EVERY_BUSY_MS,
            false => 0.0,
        };
        let gone_on = clock::wall_ms() - span.to_ms >= least_ms.max(span.length_ms() * PIXEL);
        // Before a node is drawn the panel is not as high as it will be.
        let no_node = picture.with_untracked(|p| p.rows.len() < 2);
        if !stands && (no_node || (gone_on && seen.get_untracked() && !document().hidden())) {
            draw();
        }
    };
    set_interval(tick, DRAW_EVERY);

    let ids = Memo::new(move |_| picture.with(|p| p.rows.iter().map(|r| r.id).collect::<Vec<_>>()));
    let since = move || {
        let first = picture.with(|p| p.first_ms);
        first.map(|at| format!("since {}", clock::time_of_day(at)))
    };
    let empty = move || ids.with(|ids| ids.len() < 2);
    view! {
        <section class="timeline" aria-labelledby="timeline-title" node_ref=panel>
            <div class="head">
                <h2 id="timeline-title">"Timeline"</h2>
                <span class="count" title="This page records what it hears while it is open">{since}</span>
                <div class="zooms" role="group" aria-label="How much time is in sight">
                    {Zoom::ALL.map(|it| view! {
                        <button type="button" data-testid=it.hook() on:click=move |_| zoom.set(it)
                            aria-pressed=move || (zoom.get() == it).to_string()>
                            {it.label()}
                        </button>
                    }).collect_view()}
                </div>
            </div>
            <p class="hint" hidden=move || !empty()>
                "No node has been heard of yet. What they do from now on is recorded here."
            </p>
            <div class="plot" hidden=empty>
                <ol data-testid="timeline">
                    <For each=move || ids.get() key=|id| *id let:id>
                        <Row feed picture id />
                    </For>
                </ol>
                <Charts picture />
                <Times picture />
                <Scrub feed picture summary />
            </div>
            <Legend />
            <PastBar feed />
            <RunBar feed />
        </section>
    }
}
