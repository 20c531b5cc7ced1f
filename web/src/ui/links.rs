//! Links of the map: a line that shows how each one is, and a button along it that cuts or
//! restores it.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{HtmlElement, KeyboardEvent};
use wasm_bindgen::JsCast;

use super::command::Place;
use super::feed::Feed;
use super::focus::focus;
use super::ring::{Frame, Link};
use crate::client::Cluster;
use crate::model::{ApiError, FaultyLink, LinkFault};

/// Half the gap that a cut leaves in a line.
const BREAK: f64 = 11.0;

/// How a link is, both directions taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Works,
    /// Messages are lost, doubled or late.
    Disturbed,
    /// Nothing passes from the first end to the second (or the other way round).
    CutOneWay {
        forward: bool,
    },
    Cut,
}

impl Condition {
    fn of(link: Link, faults: &[FaultyLink]) -> Self {
        let find = |from: u64, to: u64| faults.iter().find(|f| (f.from, f.to) == (from, to));
        let (there, back) = (find(link.a, link.b), find(link.b, link.a));
        let is_cut = |f: Option<&FaultyLink>| f.is_some_and(|f| f.fault.is_cut());
        match (is_cut(there), is_cut(back)) {
            (true, true) => Self::Cut,
            (true, false) => Self::CutOneWay { forward: true },
            (false, true) => Self::CutOneWay { forward: false },
            (false, false) if there.is_some() || back.is_some() => Self::Disturbed,
            (false, false) => Self::Works,
        }
    }

    fn is_cut(self) -> bool {
        matches!(self, Self::Cut | Self::CutOneWay { .. })
    }

    fn class(self) -> &'static str {
        match self {
            Self::Works => "link",
            Self::Disturbed => "link disturbed",
            Self::CutOneWay { .. } => "link one-way",
            Self::Cut => "link cut",
        }
    }

    fn words(self, link: Link) -> String {
        let (a, b) = (link.a, link.b);
        match self {
            Self::Works => format!("Cut the link {a}–{b}"),
            Self::Disturbed => {
                format!("Cut the link {a}–{b}, where messages are lost, doubled or late")
            }
            Self::CutOneWay { forward } => {
                let (from, to) = if forward { (a, b) } else { (b, a) };
                format!("Restore the link {a}–{b}, cut from {from} to {to}")
            }
            Self::Cut => format!("Restore the link {a}–{b}, which is cut"),
        }
    }
}

/// How it is shown, which may be how it was.
fn shown_condition(feed: Feed, link: Link) -> Memo<Condition> {
    Memo::new(move |_| feed.shown_faults(|faults| Condition::of(link, faults)))
}

/// How it is now, which is what a button changes.
fn condition(feed: Feed, link: Link) -> Memo<Condition> {
    Memo::new(move |_| feed.faults.with(|faults| Condition::of(link, faults)))
}

/// The line. A cut is a gap with a cross, not only another colour.
#[component]
pub fn LinkLine(feed: Feed, link: Link) -> impl IntoView {
    let condition = shown_condition(feed, link);
    let line = move || {
        let (from, to) = (link.from, link.to);
        let gap = BREAK / link.length();
        match mark_at(condition.get(), link) {
            Some(mark) => {
                let (left, right) = (link.at(mark - gap), link.at(mark + gap));
                format!(
                    "M{:.1} {:.1}L{:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}",
                    from.x, from.y, left.x, left.y, right.x, right.y, to.x, to.y
                )
            }
            None => format!("M{:.1} {:.1}L{:.1} {:.1}", from.x, from.y, to.x, to.y),
        }
    };
    let mark = move || {
        mark_at(condition.get(), link).map(|part| {
            let at = link.at(part);
            view! {
                <path class="mark" d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5"
                    transform=format!("translate({:.1} {:.1})", at.x, at.y)></path>
            }
        })
    };
    view! {
        <g class=move || condition.get().class()>
            <path d=line></path>
            {mark}
        </g>
    }
}

/// A link that is cut one way has its cross at the end that hears nothing.
fn mark_at(condition: Condition, link: Link) -> Option<f64> {
    match condition {
        Condition::Works | Condition::Disturbed => None,
        Condition::Cut => Some(link.mark()),
        Condition::CutOneWay { forward: true } => Some(0.8),
        Condition::CutOneWay { forward: false } => Some(0.2),
    }
}

/// The buttons: one stop of the Tab key, arrow keys move between them. Nine nodes have 36.
#[component]
pub fn LinkButtons(feed: Feed, links: Vec<Link>, frame: Frame, place: Place) -> impl IntoView {
    let current = RwSignal::new(0_usize);
    let bar = NodeRef::<html::Div>::new();
    let count = links.len();
    let go = move |event: KeyboardEvent| {
        let now = current.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => (now + 1) % count,
            "ArrowLeft" | "ArrowUp" => (now + count - 1) % count,
            "Home" => 0,
            "End" => count - 1,
            _ => return,
        };
        event.prevent_default();
        let child = bar
            .get_untracked()
            .and_then(|bar| bar.children().item(next as u32));
        focus(
            child
                .and_then(|c| c.dyn_into::<HtmlElement>().ok())
                .as_ref(),
        );
    };
    let buttons = links.into_iter().enumerate().map(|(i, link)| {
        view! { <LinkButton feed link frame place i current /> }
    });
    view! {
        <div class="link-buttons" role="toolbar" aria-label="Links; arrow keys move between them"
            node_ref=bar on:keydown=go>
            {buttons.collect_view()}
        </div>
    }
}

#[component]
fn LinkButton(
    feed: Feed,
    link: Link,
    frame: Frame,
    place: Place,
    i: usize,
    current: RwSignal<usize>,
) -> impl IntoView {
    let condition = condition(feed, link);
    let words = move || condition.get().words(link);
    let (left, top) = frame.percent(link.at(0.5));
    let style = format!(
        "left:{left:.2}%;top:{top:.2}%;width:{:.2}%;--turn:{:.1}deg",
        frame.width_percent(link.length()),
        link.degrees()
    );
    let act = move |_| {
        current.set(i);
        place.take(set(
            feed.cluster(),
            link,
            !condition.get_untracked().is_cut(),
        ));
    };
    view! {
        <button type="button" style=style title=words aria-label=words
            data-testid=format!("link-{}-{}", link.a, link.b)
            tabindex=move || if current.get() == i { "0" } else { "-1" }
            on:focus=move |_| current.set(i) on:click=act></button>
    }
}

/// Cuts or restores a link both ways.
async fn set(cluster: Cluster, link: Link, cut: bool) -> Result<String, ApiError> {
    let (a, b) = (link.a, link.b);
    let fault = if cut {
        LinkFault::CUT
    } else {
        LinkFault::default()
    };
    cluster.link(a, b, fault).await?;
    cluster.link(b, a, fault).await?;
    let how = if cut { "is cut" } else { "works again" };
    Ok(format!("The link {a}–{b} {how}."))
}
