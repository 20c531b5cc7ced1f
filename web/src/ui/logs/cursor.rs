//! The cursor lies over all rows: an entry is chosen by a click, or by keys, which scroll the rows.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{KeyboardEvent, PointerEvent};

use super::entry::Looked;
use super::scroll::Scroll;
use super::stretches::entry_words;
use super::window::IN_SIGHT;
use crate::ui::feed::Feed;
use crate::ui::figures::grouped;

/// The id of the slider that chooses an entry, for the focus.
pub const CURSOR: &str = "log-cursor";
/// Entries that Page Up and Page Down go on by.
const PAGE: i64 = IN_SIGHT as i64;

/// An entry in words, as the leader has it, or whoever has most.
pub fn told_of(feed: Feed, index: u64) -> String {
    let words = feed.shown(|s| {
        let leads = s.nodes.iter().find(|n| n.id == s.leader);
        let most = || s.nodes.iter().max_by_key(|n| n.last_index);
        leads.or_else(most).map(|n| entry_words(n, index))
    });
    format!("Entry {}: {}", grouped(index), words.unwrap_or_default())
}

#[component]
pub fn Cursor(feed: Feed, scroll: Scroll, looked: Looked) -> impl IntoView {
    let Scroll { kept, window, .. } = scroll;
    let slider = NodeRef::<html::Div>::new();
    let pointed = RwSignal::new(None::<u64>);
    // Wherever the cursor goes, the window goes along.
    Effect::new(move |_| {
        if let Some(index) = looked.cursor.get() {
            scroll.reveal(index);
        }
    });
    let under = move |event: &PointerEvent| {
        let width = slider.get_untracked().map_or(0, |s| s.client_width());
        let part = f64::from(event.offset_x()) / f64::from(width.max(1));
        let index = window.get_untracked().index_at(part);
        index.min(kept.get_untracked().last)
    };
    let press = move |event: PointerEvent| {
        if event.button() == 0 {
            looked.ask(under(&event));
        }
    };
    // From the first that is kept or in sight, as folded ones are, to the newest.
    let first = Memo::new(move |_| kept.get().first.min(window.get().from));
    let last = Memo::new(move |_| kept.get().last);
    // Before any is chosen it is at the newest in sight.
    let value = move || {
        let chosen = looked.cursor.get();
        chosen.unwrap_or_else(|| last.get().min(window.get().to))
    };
    // One that was chosen may be folded since, and out of sight.
    let now = move || value().clamp(first.get(), last.get());
    let go = move |to: u64| {
        let to = to.clamp(first.get_untracked(), last.get_untracked());
        looked.cursor.set(Some(to));
    };
    let step = move |by: i64| match looked.cursor.get_untracked() {
        Some(index) => go(index.saturating_add_signed(by)),
        None => go(untrack(value)),
    };
    let keys = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => step(-1),
            "ArrowRight" | "ArrowUp" => step(1),
            "PageDown" => step(-PAGE),
            "PageUp" => step(PAGE),
            "Home" => go(kept.get_untracked().first),
            "End" => {
                // However fast the log grows: from here it follows.
                scroll.to_end();
                go(last.get_untracked());
            }
            "Enter" | " " => looked.ask(untrack(value)),
            "Escape" if looked.cursor.with_untracked(Option::is_some) => looked.close(),
            _ => return,
        }
        event.prevent_default();
    };
    let text = Memo::new(move |_| told_of(feed, value()));
    let place = Memo::new(move |_| {
        let index = looked.cursor.get()?;
        let (left, width) = window.get().place(index, index)?;
        Some((format!("{left:.3}%"), format!("{width:.3}%")))
    });
    view! {
        <div class="entries" id=CURSOR role="slider" tabindex="0" aria-label="Entry of the log"
            data-testid="log-cursor" node_ref=slider
            aria-valuemin=first aria-valuemax=last aria-valuenow=now aria-valuetext=text
            title=move || pointed.get().map(|index| told_of(feed, index))
            on:pointerdown=press on:pointermove=move |event| pointed.set(Some(under(&event)))
            on:pointerleave=move |_| pointed.set(None) on:keydown=keys>
            {move || place.get().map(|(left, width)| view! {
                <i class="chosen" style:left=left style:width=width></i>
            })}
        </div>
    }
}
