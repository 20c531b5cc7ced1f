//! The logs, one row a node, aligned by index; a cursor chooses the entry to look at.
//!
//! [`window`] says which indices are in sight, [`scroll`] moves that for the wheel, the [`overview`],
//! the [`choosers`] and the [`cursor`]; a [`row`] draws its [`stretches`]. [`entry`] shows the one that
//! was chosen.

mod choosers;
mod cursor;
mod entry;
mod overview;
mod row;
mod scroll;
pub mod stretches;
mod window;

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::WheelEvent;

use self::choosers::Choosers;
use self::cursor::Cursor;
use self::entry::{Entry, Looked};
use self::overview::Overview;
use self::row::Row;
use self::scroll::Scroll;
use self::window::Window;
use super::command::{Place, Told};
use super::feed::Feed;
use super::figures::grouped;
use super::sight::in_sight;
use super::timeline::past::AsOf;

#[component]
pub fn Logs(feed: Feed) -> impl IntoView {
    let panel = NodeRef::<html::Section>::new();
    let rows = NodeRef::<html::Div>::new();
    let follows = feed.follows(in_sight(panel));
    let scroll = Scroll::new(feed, follows);
    let window = scroll.window;
    let looked = Looked::new(feed);
    let place = Place::passing();
    let ends = move || {
        let Window { from, to } = window.get();
        format!("{} to {}", grouped(from), grouped(to))
    };
    let wheel = move |event: WheelEvent| {
        let width = rows.get_untracked().map_or(0, |r| r.client_width());
        scroll.wheel(&event, f64::from(width));
    };
    view! {
        <section class="logs" aria-labelledby="logs-title" node_ref=panel>
            <div class="head">
                <h2 id="logs-title">"Logs"</h2>
                <span class="count" title="Indices in sight" data-testid="logs-range">{ends}</span>
                <AsOf feed />
                <Told place hook="logs-told" />
                <Choosers feed scroll looked place />
            </div>
            <div on:wheel=wheel>
                <div class="rows" node_ref=rows>
                    <ol data-testid="logs">
                        <For each=move || feed.shown_ids.get() key=|id| *id let:id>
                            <Row feed id window follows />
                        </For>
                    </ol>
                    <Cursor feed scroll looked />
                </div>
                <Overview scroll />
            </div>
            <p class="hint legend">
                <span class="pair"><span class="sample committed"></span>"committed"</span>
                <span class="pair"><span class="sample uncommitted"></span>"not yet"</span>
                <span class="pair"><span class="sample folded"></span>"in the snapshot"</span>
                <span class="pair"><span class="sample mark"></span>"applied so far"</span>
                {feed.of_tabs.then(known_legend)}
                <span>"The number is the term. Each row is as its node told last, at a moment of its own. Click an entry to see what it is, or choose it with the arrow keys and Enter."</span>
            </p>
            <Entry looked />
        </section>
    }
}

/// Of etcd's members nobody tells it.
fn known_legend() -> impl IntoView {
    view! {
        <span class="pair" title="The leader knows the follower's log to be on its disk up to here">
            <span class="sample match"></span>"match, as the leader knows"
        </span>
        <span class="pair" title="The entry that the leader sends to the follower next begins here">
            <span class="sample next"></span>"next to be sent"
        </span>
    }
}
