//! Links of the map: a line that shows how each one is, and a button along it that cuts or
//! restores it. Everything else that can be done to a link is in [`super::link_list`].

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{HtmlElement, KeyboardEvent};
use wasm_bindgen::JsCast;

use super::command::Place;
use super::feed::Feed;
use super::focus::focus;
use super::impairment::{Kind, short, words};
use super::link_list::Edited;
use super::ring::{Frame, Link};
use crate::client::Cluster;
use crate::model::{ApiError, FaultyLink, LinkFault};

/// Half the gap that a cut leaves in a line.
const BREAK: f64 = 11.0;
/// Half the distance of a double line.
const APART: f64 = 2.0;
/// Shorter lines have no words beside them; the list of links has.
const WORDED: f64 = 44.0;

/// How a link is, each direction by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ways {
    /// From the first end to the second.
    pub there: LinkFault,
    pub back: LinkFault,
}

impl Ways {
    pub fn of((a, b): (u64, u64), faults: &[FaultyLink]) -> Self {
        let find = |from: u64, to: u64| {
            let found = faults.iter().find(|f| (f.from, f.to) == (from, to));
            found.map(|f| f.fault).unwrap_or_default()
        };
        Self {
            there: find(a, b),
            back: find(b, a),
        }
    }

    /// As it is shown, which may be as it was.
    fn shown(feed: Feed, pair: (u64, u64)) -> Memo<Self> {
        Memo::new(move |_| feed.shown_faults(|faults| Self::of(pair, faults)))
    }

    /// As it is now, which is what a button changes.
    pub fn memo(feed: Feed, pair: (u64, u64)) -> Memo<Self> {
        Memo::new(move |_| feed.faults.with(|faults| Self::of(pair, faults)))
    }

    fn is_cut(self) -> bool {
        self.there.is_cut() || self.back.is_cut()
    }

    fn alike(self) -> bool {
        self.there == self.back
    }

    /// What the button along the line will do, and to what.
    fn words(self, (a, b): (u64, u64)) -> String {
        let link = if self.is_cut() {
            format!("Restore the link {a}–{b}")
        } else {
            format!("Cut the link {a}–{b}")
        };
        if self.alike() {
            return match Kind::of(&self.there) {
                Kind::Works => link,
                Kind::Cut => format!("{link}, which is cut"),
                _ => format!("{link}, both ways {}", words(&self.there)),
            };
        }
        let ways = [(a, b, self.there), (b, a, self.back)];
        let faulty = ways
            .iter()
            .filter(|(_, _, fault)| Kind::of(fault) != Kind::Works);
        let faulty: Vec<String> = faulty
            .map(|(from, to, fault)| format!("{} from {from} to {to}", words(fault)))
            .collect();
        format!("{link}, {}", faulty.join(", "))
    }
}

/// The line. Both directions share it while they are alike; else the half before each end shows how
/// the messages fare that come in there. Every kind has a line of its own, and the number beside it.
#[component]
pub fn LinkLine(feed: Feed, link: Link) -> impl IntoView {
    let ways = Ways::shown(feed, link.pair());
    let stretches = move || {
        let Ways { there, back } = ways.get();
        let (a, b) = link.pair();
        if there == back {
            let text = short(&there);
            return vec![stretch(link, (0.0, 1.0), link.mark(), &there, text)];
        }
        let one = |from: u64, to: u64, fault: &LinkFault| match short(fault) {
            none if none.is_empty() => none,
            text => format!("{from}→{to} {text}"),
        };
        vec![
            stretch(link, (0.0, 0.5), 0.22, &back, one(b, a, &back)),
            stretch(link, (0.5, 1.0), 0.78, &there, one(a, b, &there)),
        ]
    };
    view! { <g>{move || stretches().into_iter().collect_view()}</g> }
}

/// A part of the line, with what stands at `mark`.
fn stretch(
    link: Link,
    part: (f64, f64),
    mark: f64,
    fault: &LinkFault,
    text: String,
) -> impl IntoView + use<> {
    let kind = Kind::of(fault);
    let at = link.at(mark);
    let worded = !text.is_empty() && link.length() * (part.1 - part.0) >= WORDED;
    // A cut has its cross in the line and its words below that; along a flat line they stand above.
    let flat = (link.to.x - link.from.x).abs() > 2.0 * (link.to.y - link.from.y).abs();
    let below = match (kind, flat) {
        (Kind::Cut, _) => 20.0,
        (_, true) => -9.0,
        (_, false) => 4.0,
    };
    view! {
        <g class=format!("link {}", kind.word())>
            <path d=course(link, part, mark, kind)></path>
            {(kind == Kind::Cut).then(|| view! {
                <path class="mark" d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5"
                    transform=format!("translate({:.1} {:.1})", at.x, at.y)></path>
            })}
            {worded.then(|| view! {
                <text class="how" x=format!("{:.1}", at.x) y=format!("{:.1}", at.y + below)>{text}</text>
            })}
        </g>
    }
}

/// Where the pen goes: a cut leaves a gap, and what is doubled has two lines.
fn course(link: Link, part: (f64, f64), mark: f64, kind: Kind) -> String {
    let (x, y) = (link.to.x - link.from.x, link.to.y - link.from.y);
    let apart = APART / link.length();
    let line = |from: f64, to: f64, aside: f64| {
        let (from, to) = (link.at(from), link.at(to));
        let (dx, dy) = (-y * aside, x * aside);
        format!(
            "M{:.1} {:.1}L{:.1} {:.1}",
            from.x + dx,
            from.y + dy,
            to.x + dx,
            to.y + dy
        )
    };
    let gap = BREAK / link.length();
    match kind {
        Kind::Cut => line(part.0, mark - gap, 0.0) + &line(mark + gap, part.1, 0.0),
        Kind::Doubling => line(part.0, part.1, apart) + &line(part.0, part.1, -apart),
        _ => line(part.0, part.1, 0.0),
    }
}

/// The buttons: one stop of the Tab key, arrow keys move between them. Nine nodes have 36.
#[component]
pub fn LinkButtons(
    feed: Feed,
    links: Vec<Link>,
    frame: Frame,
    place: Place,
    edited: Edited,
) -> impl IntoView {
    let current = RwSignal::new(0_usize);
    let bar = NodeRef::<html::Div>::new();
    let count = links.len();
    let pairs: Vec<(u64, u64)> = links.iter().map(Link::pair).collect();
    let go = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let now = current.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => (now + 1) % count,
            "ArrowLeft" | "ArrowUp" => (now + count - 1) % count,
            "Home" => 0,
            "End" => count - 1,
            "c" | "C" => {
                if let Some(pair) = pairs.get(now) {
                    event.prevent_default();
                    edited.begin(*pair);
                }
                return;
            }
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
    let ways = Ways::memo(feed, link.pair());
    let words = move || ways.get().words(link.pair());
    let (left, top) = frame.percent(link.at(0.5));
    let width = frame.width_percent(link.length());
    let turn = link.degrees();
    let act = move |_| {
        current.set(i);
        place.take(set(feed.cluster(), link, !ways.get_untracked().is_cut()));
    };
    view! {
        <button type="button" title=words aria-label=words
            style:left=format!("{left:.2}%") style:top=format!("{top:.2}%")
            style:width=format!("{width:.2}%") style=("--turn", format!("{turn:.1}deg"))
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
