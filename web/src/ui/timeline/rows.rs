//! The drawn rows: bands and marks of each node, the charts, the times, and what they mean.

use leptos::prelude::*;

use super::bands::{Band, Links, Phase, Placed};
use super::charts::view_box;
use super::marks::Kind;
use super::picture::Picture;
use crate::clock;
use crate::ui::feed::Feed;
use crate::ui::figures::{duration, grouped};
use crate::ui::logs::stretches::LOOKS;

/// Beyond that, in percent of the width, a time on the axis would not fit.
const RIM: f64 = 95.0;

#[component]
pub fn Row(feed: Feed, picture: RwSignal<Picture>, id: u64) -> impl IntoView {
    let row = Memo::new(move |_| picture.with(|p| p.row(id)));
    let name = match id {
        0 => "cluster".to_owned(),
        id => format!("node {id}"),
    };
    view! {
        <li data-testid=format!("timeline-{id}")>
            <span class="name">{name}</span>
            <div class="track lane">
                {move || row.with(|r| r.bands.iter().map(band).collect_view())}
                {move || row.with(|r| r.links.iter().map(links).collect_view())}
                {move || row.with(|r| r.marks.iter().map(|m| mark(feed, m)).collect_view())}
            </div>
            <span class="unseen">{move || row.with(|r| r.words.clone())}</span>
        </li>
    }
}

/// As a style's value.
pub fn percent(part: f64) -> String {
    format!("{part:.3}%")
}

fn band(band: &Band<Phase>) -> impl IntoView + use<> {
    let (class, term, text) = match band.what {
        Phase::Leads { term } => (
            format!("leads term-{}", term % LOOKS),
            Some(term),
            term.to_string(),
        ),
        Phase::Asks { term } => ("asks".to_owned(), Some(term), String::new()),
        Phase::Runs => ("runs".to_owned(), None, String::new()),
        Phase::Paused => ("paused".to_owned(), None, String::new()),
        Phase::Stopped => ("stopped".to_owned(), None, String::new()),
        Phase::Failed => ("failed".to_owned(), None, String::new()),
    };
    let kind = class.split(' ').next().unwrap_or_default().to_owned();
    view! {
        <b class=class style:left=percent(band.left) style:width=percent(band.width) aria-hidden="true"
            data-phase=kind data-term=term>{text}</b>
    }
}

fn links(band: &Band<Links>) -> impl IntoView + use<> {
    let class = match band.what {
        Links::Cut => "links cut",
        Links::Disturbed => "links disturbed",
    };
    view! { <i class=class style:left=percent(band.left) style:width=percent(band.width) aria-hidden="true"></i> }
}

/// A mark takes the pointer to its moment; with the keyboard, Page Up and Down on the slider do.
fn mark(feed: Feed, mark: &Placed) -> impl IntoView + use<> {
    let at_ms = mark.at_ms;
    view! {
        <button type="button" tabindex="-1" class="at"
            style:left=percent(mark.left) data-kind=mark.kind.class()
            title=mark.words.clone() aria-label=mark.words.clone()
            on:click=move |_| feed.look_back(at_ms)>
            {glyph(mark.kind)}
        </button>
    }
}

fn glyph(kind: Kind) -> impl IntoView {
    view! {
        <svg class=format!("glyph {}", kind.class()) viewBox="-6 -6 12 12" aria-hidden="true">
            <path d=kind.path()></path>
        </svg>
    }
}

#[component]
pub fn Charts(picture: RwSignal<Picture>) -> impl IntoView {
    let charts = Memo::new(move |_| picture.with(|p| p.charts.clone()));
    let none = move || charts.with(|c| c.writes.is_empty());
    let most = move || (!none()).then(|| format!("{}/s", grouped(charts.with(|c| c.most) as u64)));
    let longest = move || (!none()).then(|| duration_in_short(charts.with(|c| c.longest_ms)));
    view! {
        <div class="chart" data-testid="timeline-writes">
            <span class="name">"writes/s"</span>
            <div class="track lane">
                <svg viewBox=view_box() preserveAspectRatio="none" aria-hidden="true">
                    <path class="area" d=move || charts.with(|c| c.writes.clone())></path>
                </svg>
                <span class="top" title="The top of the scale">{most}</span>
                <span class="none" hidden=move || !none()>"No writes by this tab in sight."</span>
            </div>
        </div>
        <div class="chart" data-testid="timeline-latency">
            <span class="name" title="Of writes, on a logarithmic scale from 0.1 ms">"latency"</span>
            <div class="track lane">
                <svg viewBox=view_box() preserveAspectRatio="none" aria-hidden="true">
                    <path class="area faint" d=move || charts.with(|c| c.slowest.clone())></path>
                    <path class="line" d=move || charts.with(|c| c.median.clone())></path>
                </svg>
                <span class="top" title="The top of the scale">{longest}</span>
            </div>
        </div>
    }
}

/// A round figure: "10 ms", "2 s".
fn duration_in_short(ms: f64) -> String {
    duration(ms).replace(".00 ", " ").replace(".0 ", " ")
}

#[component]
pub fn Times(picture: RwSignal<Picture>) -> impl IntoView {
    let times = move || {
        picture.with(|p| {
            let tick = |at: &f64| {
                let left = p.span.at(*at);
                view! {
                    <span class:end={left > RIM} style:left=percent(left)>
                        {clock::time_of_day(*at)}
                    </span>
                }
            };
            p.ticks.iter().map(tick).collect_view()
        })
    };
    view! { <div class="times" aria-hidden="true">{times}</div> }
}

/// What the looks mean.
#[component]
pub fn Legend() -> impl IntoView {
    let kinds = [
        (Kind::Crashed, "crash"),
        (Kind::Stopped, "stop"),
        (Kind::Failed, "failure"),
        (Kind::Started, "start"),
        (Kind::Snapshot, "snapshot"),
        (Kind::Conf, "conf change"),
        (Kind::Links, "links changed"),
        (Kind::Contradiction, "contradiction"),
    ];
    let phases = [
        ("leads", "leads; the number is the term"),
        ("runs", "runs"),
        ("asks", "asks for votes"),
        ("paused", "paused"),
        ("stopped", "stopped"),
    ];
    view! {
        <ul class="hint legend">
            {phases.map(|(class, word)| view! {
                <li><span class="track lane"><b class=class></b></span>{word}</li>
            }).collect_view()}
            <li><span class="track lane"><i class="links cut"></i></span>"links cut"</li>
            <li><span class="track lane"><i class="links disturbed"></i></span>"slow or lossy"</li>
            {kinds.map(|(kind, word)| view! { <li>{glyph(kind)}{word}</li> }).collect_view()}
            <li><span class="track lane"><i class="area faint"></i></span>"slowest write"</li>
            <li><span class="track lane"><i class="line"></i></span>"median, both on a log scale"</li>
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn round_figures_are_short() {
        let short = [1.0, 20.0, 500.0, 2_000.0].map(duration_in_short);
        assert_eq!(short, ["1 ms", "20 ms", "500 ms", "2 s"]);
    }
}
