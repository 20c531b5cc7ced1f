//! The choice of a moment, by pointer or keys: a slider that lies over the whole plot.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{KeyboardEvent, PointerEvent};

use super::marks::Kind;
use super::picture::{self, Picture};
use super::rows::percent;
use crate::clock;
use crate::ui::feed::Feed;
use crate::ui::figures;
use crate::ui::summary::Summary;

/// Arrow keys' steps in a Page Up without a mark ahead.
const PAGE: f64 = 10.0;

/// The id of the slider, for the focus.
pub const SLIDER: &str = "timeline-slider";

#[component]
pub fn Scrub(feed: Feed, picture: RwSignal<Picture>, summary: Memo<Summary>) -> impl IntoView {
    let slider = NodeRef::<html::Div>::new();
    let pressed = StoredValue::new(false);
    // Where the pointer is, in milliseconds of the Unix epoch.
    let pointed = RwSignal::new(None::<f64>);

    let moment_of = move |event: &PointerEvent| {
        let width = slider.get_untracked().map_or(0, |s| s.client_width());
        let part = f64::from(event.offset_x()) / f64::from(width.max(1));
        picture.with_untracked(|p| p.span.moment(part))
    };
    let press = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        if let Some(slider) = slider.get_untracked()
            && let Err(error) = slider.set_pointer_capture(event.pointer_id())
        {
            leptos::logging::warn!("the pointer was not captured: {error:?}");
        }
        pressed.set_value(true);
        feed.look_back(moment_of(&event));
    };
    let point = move |event: PointerEvent| {
        let at_ms = moment_of(&event);
        pointed.set(Some(at_ms));
        if pressed.get_value() {
            feed.look_back(at_ms);
        }
    };
    let release = move |_: PointerEvent| pressed.set_value(false);
    let keys = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        if press_key(feed, picture, &event.key()) {
            event.prevent_default();
        }
    };

    let shown = move || feed.past_ms();
    // Seconds since the first sample.
    let seconds = move |at_ms: f64| {
        let first = picture.with(|p| p.first_ms).unwrap_or(at_ms);
        ((at_ms - first) / 1_000.0).max(0.0).round() as u64
    };
    let until = move || seconds(picture.with(|p| p.span.to_ms)).max(shown().map_or(0, seconds));
    let value = move || shown().map_or_else(until, seconds);
    let text = Memo::new(move |_| match shown() {
        None => "Live".to_owned(),
        Some(at_ms) => {
            let ago = figures::ago(clock::wall_ms() - at_ms);
            let said = summary.with(|s| format!("{}. {}", s.badge.word(), s.text));
            format!("{}, {ago} ago. {said}", clock::time_of_day(at_ms))
        }
    });
    let line = move |at_ms: f64| picture.with(|p| percent(p.span.at(at_ms)));
    let contradictions = move || {
        picture.with(|p| {
            let marks = p.rows.iter().flat_map(|r| &r.marks);
            marks
                .filter(|m| m.kind == Kind::Contradiction)
                .map(|m| view! { <i class="broken" style:left=percent(m.left)></i> })
                .collect_view()
        })
    };
    let grid = move || {
        picture.with(|p| {
            let ticks = p.ticks.iter().map(|at| percent(p.span.at(*at)));
            ticks
                .map(|left| view! { <i class="tick" style:left=left></i> })
                .collect_view()
        })
    };
    view! {
        <div class="scrub" id=SLIDER role="slider" tabindex="0" aria-label="Moment shown"
            data-testid=SLIDER node_ref=slider
            aria-valuemin="0" aria-valuemax=until aria-valuenow=value aria-valuetext=text
            on:pointerdown=press on:pointermove=point on:pointerup=release
            on:pointercancel=release on:pointerleave=move |_| pointed.set(None)
            on:keydown=keys>
            {grid}
        </div>
        <div class="over" aria-hidden="true">
            {contradictions}
            {move || pointed.get().map(|at| view! { <i class="pointed" style:left=line(at)></i> })}
            {move || shown().map(|at| view! { <i class="moment" style:left=line(at)></i> })}
        </div>
        <p class="told" data-testid="timeline-told">
            {move || match pointed.get().or_else(shown) {
                Some(at) => {
                    let words = feed.shown_history(|h| picture::words(h, at));
                    format!("{}: {words}.", clock::time_of_day(at))
                }
                None => "Click or drag to look back. Keys: arrows, Page Up and Page Down from mark to mark."
                    .to_owned(),
            }}
        </p>
    }
}

/// Whether the key means something here.
fn press_key(feed: Feed, picture: RwSignal<Picture>, key: &str) -> bool {
    let at_ms = untrack(|| feed.past_ms()).unwrap_or_else(|| feed.latest_ms());
    let step_ms = picture.with_untracked(|p| p.span.step_ms());
    let to_mark = |later: bool| feed.shown_history(|h| picture::neighbour(h, at_ms, later));
    match key {
        "ArrowLeft" | "ArrowDown" => feed.look_back(at_ms - step_ms),
        "ArrowRight" | "ArrowUp" => feed.look_back(at_ms + step_ms),
        "PageDown" => feed.look_back(to_mark(false).unwrap_or(at_ms - PAGE * step_ms)),
        "PageUp" => feed.look_back(to_mark(true).unwrap_or(at_ms + PAGE * step_ms)),
        "Home" => feed.look_back(f64::MIN),
        "End" | "Escape" => feed.back_to_now(),
        _ => return false,
    }
    true
}
