//! The logs, one row a node, aligned by index; a cursor chooses the entry to look at.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{KeyboardEvent, PointerEvent};

use super::entry::{Entry, Looked};
use super::feed::Feed;
use super::figures::grouped;
use super::sight::in_sight;
use super::stretches::{Kind, LOOKS, Stretch, Window, entry_words, stretches, words};
use super::timeline::past::AsOf;
use crate::model::State;

/// The id of the slider that chooses an entry, for the focus.
pub const CURSOR: &str = "log-cursor";
/// So few entries in the window are drawn one by one.
const CELLS_MAX: u64 = 64;
/// Entries that Page Up and Page Down go on by.
const PAGE: i64 = 10;

#[component]
pub fn Logs(feed: Feed) -> impl IntoView {
    let all = RwSignal::new(false);
    let panel = NodeRef::<html::Section>::new();
    let follows = feed.follows(in_sight(panel));
    let window = Memo::new(
        move |before: Option<&Window>| match (follows.get(), before) {
            (false, Some(before)) => *before,
            _ => feed.shown(|s| Window::of(s, all.get())),
        },
    );
    let looked = Looked::new(feed);
    let ends = move || {
        let Window { from, to } = window.get();
        format!("{} to {}", grouped(from), grouped(to))
    };
    view! {
        <section class="logs" aria-labelledby="logs-title" node_ref=panel>
            <div class="head">
                <h2 id="logs-title">"Logs"</h2>
                <span class="count" title="Indices in sight">{ends}</span>
                <AsOf feed />
                <div class="choosers">
                    <label>
                        <span>"Show"</span>
                        <select data-testid="logs-window"
                            on:change=move |ev| all.set(event_target_value(&ev) == "all")>
                            <option value="tail">"the newest entries"</option>
                            <option value="all">"all entries"</option>
                        </select>
                    </label>
                </div>
            </div>
            <div class="rows">
                <ol data-testid="logs">
                    <For each=move || feed.shown_ids.get() key=|id| *id let:id>
                        <Row feed id window follows />
                    </For>
                </ol>
                <Cursor feed window looked />
            </div>
            <p class="hint legend">
                <span class="pair"><span class="sample committed"></span>"committed"</span>
                <span class="pair"><span class="sample uncommitted"></span>"not yet"</span>
                <span class="pair"><span class="sample folded"></span>"in the snapshot"</span>
                <span class="pair"><span class="sample mark"></span>"applied so far"</span>
                <span>"The number is the term. Click an entry to see what it is, or choose it with the arrow keys and Enter."</span>
            </p>
            <Entry looked />
        </section>
    }
}

/// Lies over all rows: an entry is chosen by a click, or by keys.
#[component]
fn Cursor(feed: Feed, window: Memo<Window>, looked: Looked) -> impl IntoView {
    let slider = NodeRef::<html::Div>::new();
    let pointed = RwSignal::new(None::<u64>);
    // The newest entry of any node.
    let last = Memo::new(move |_| {
        let last = feed.shown(|s| s.nodes.iter().map(|n| n.last_index).max());
        last.unwrap_or(0).max(1)
    });
    let under = move |event: &PointerEvent| {
        let width = slider.get_untracked().map_or(0, |s| s.client_width());
        let part = f64::from(event.offset_x()) / f64::from(width.max(1));
        window
            .get_untracked()
            .index_at(part)
            .min(last.get_untracked())
    };
    let press = move |event: PointerEvent| {
        if event.button() == 0 {
            looked.ask(under(&event));
        }
    };
    let value = move || looked.cursor.get().unwrap_or_else(|| last.get());
    let go = move |to: i64| {
        let Window { from, .. } = window.get_untracked();
        let newest = last.get_untracked();
        let at = looked.cursor.get_untracked();
        let to = match (at, to) {
            (_, i64::MIN) => from,
            (_, i64::MAX) | (None, _) => newest,
            (Some(at), by) => at.saturating_add_signed(by),
        };
        looked.cursor.set(Some(to.clamp(from.min(newest), newest)));
    };
    let keys = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => go(-1),
            "ArrowRight" | "ArrowUp" => go(1),
            "PageDown" => go(-PAGE),
            "PageUp" => go(PAGE),
            "Home" => go(i64::MIN),
            "End" => go(i64::MAX),
            "Enter" | " " => looked.ask(untrack(value)),
            "Escape" if looked.cursor.with_untracked(Option::is_some) => looked.close(),
            _ => return,
        }
        event.prevent_default();
    };
    let told = move |index: u64| {
        // As the leader has it, or whoever has most.
        let words = feed.shown(|s| {
            let leads = s.nodes.iter().find(|n| n.id == s.leader);
            let most = || s.nodes.iter().max_by_key(|n| n.last_index);
            leads.or_else(most).map(|n| entry_words(n, index))
        });
        format!("Entry {}: {}", grouped(index), words.unwrap_or_default())
    };
    let text = Memo::new(move |_| told(value()));
    let place = Memo::new(move |_| {
        let index = looked.cursor.get()?;
        let (left, width) = window.get().place(index, index)?;
        Some((format!("{left:.3}%"), format!("{width:.3}%")))
    });
    view! {
        <div class="entries" id=CURSOR role="slider" tabindex="0" aria-label="Entry of the log"
            data-testid="log-cursor" node_ref=slider
            aria-valuemin=move || window.get().from.min(last.get()) aria-valuemax=last
            aria-valuenow=value aria-valuetext=text
            title=move || pointed.get().map(told)
            on:pointerdown=press on:pointermove=move |event| pointed.set(Some(under(&event)))
            on:pointerleave=move |_| pointed.set(None) on:keydown=keys>
            {move || place.get().map(|(left, width)| view! {
                <i class="chosen" style:left=left style:width=width></i>
            })}
        </div>
    }
}

#[component]
fn Row(feed: Feed, id: u64, window: Memo<Window>, follows: Memo<bool>) -> impl IntoView {
    let node = feed.node(id, follows);
    let parts = Memo::new(move |_| node.with(|n| stretches(n, window.get())));
    let applied = move || {
        let window = window.get();
        node.with(|n| {
            let seen = n.applied >= window.from && n.applied > 0;
            seen.then(|| format!("{:.3}%", window.at(n.applied.saturating_add(1))))
        })
    };
    let cells = move || match window.get().len() {
        many if many <= CELLS_MAX => "track cells",
        _ => "track",
    };
    let gone = move || node.with(|n| matches!(n.state, State::Stopped | State::Failed));
    view! {
        <li class:gone=gone data-testid=format!("log-{id}")>
            <span class="name">"node " {id}</span>
            <div class=cells aria-hidden="true">
                {move || parts.get().into_iter().map(draw).collect_view()}
                {move || applied().map(|place| view! { <i class="applied" style:left=place></i> })}
            </div>
            <span class="unseen">{move || node.with(words)}</span>
        </li>
    }
}

fn draw(stretch: Stretch) -> impl IntoView {
    let Stretch {
        left,
        width,
        entries,
        kind,
    } = stretch;
    // Each by itself: the page's policy allows no style attribute.
    let (left, width) = (format!("{left:.3}%"), format!("{width:.3}%"));
    let entries = entries.to_string();
    let (class, text, title) = match kind {
        Kind::Folded { snapshot } => (
            "folded".to_owned(),
            String::new(),
            format!("Compacted: the snapshot at {} has it", grouped(snapshot)),
        ),
        Kind::Committed { term } => (
            format!("term-{}", term % LOOKS),
            term.to_string(),
            format!("Term {term}, committed"),
        ),
        Kind::Uncommitted { term } => (
            format!("open term-{}", term % LOOKS),
            term.to_string(),
            format!("Term {term}, not known to be committed"),
        ),
    };
    view! {
        <b class=class title=title
            style:left=left style:width=width style=("--entries", entries)>{text}</b>
    }
}
