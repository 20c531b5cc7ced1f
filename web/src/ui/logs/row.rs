//! A row: the stretches of one node's log, how far it has applied, and how far the leader knows it.

use leptos::prelude::*;

use super::stretches::{Kind, LOOKS, Stretch, known_words, stretches, words};
use super::window::Window;
use crate::model::{Progress, State};
use crate::ui::feed::Feed;
use crate::ui::figures::grouped;
use crate::ui::followers;

/// So few entries in the window are drawn one by one.
const CELLS_MAX: u64 = 64;

#[component]
pub fn Row(feed: Feed, id: u64, window: Memo<Window>, follows: Memo<bool>) -> impl IntoView {
    let node = feed.node(id, follows);
    let known = Memo::new(move |before: Option<&Option<Progress>>| {
        if let (false, Some(before)) = (follows.get(), before) {
            return *before;
        }
        feed.shown(|s| followers::known(s, id))
    });
    let parts = Memo::new(move |_| node.with(|n| stretches(n, window.get())));
    // A mark stands on the line after an entry, or before it.
    let mark = move |class: &'static str, line: Option<u64>| {
        let place = window.get().line(line?)?;
        Some(view! { <i class=class style:left=format!("{place:.3}%")></i> })
    };
    let after = |index: u64| (index > 0).then(|| index.saturating_add(1));
    let applied = move || mark("applied", after(node.with(|n| n.applied)));
    let matched = move || mark("match", known.get().and_then(|p| after(p.matched)));
    let next = move || mark("next", known.get().map(|p| p.next));
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
                {applied}
                {matched}
                {next}
            </div>
            <span class="unseen">
                {move || node.with(words)}
                {move || known.with(|k| k.as_ref().map(known_words))}
            </span>
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
            // All of it, or nothing if there is no room.
            format!("snapshot\u{a0}{}", grouped(snapshot)),
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
