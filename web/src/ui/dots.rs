//! Messages on their way, as dots on the map's links: samples, told apart by shape. A link that
//! loses messages loses its dots half way. While the cluster works hard there are fewer: each frame
//! in which one moves takes time from the cluster.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::HtmlElement;

use super::feed::Feed;
use super::ring::{Frame, Link};
use crate::model::{Flight, MessageKind};

/// For how long a dot is there, in milliseconds; the styles move it for as long.
const FLIGHT_MS: u64 = 450;
/// Dots at once. Beyond that messages go unseen, not unsent.
const DOTS_MAX: u32 = 64;

#[component]
pub fn Dots(feed: Feed, links: Vec<Link>, frame: Frame, follows: Memo<bool>) -> impl IntoView {
    let sky = NodeRef::<leptos::html::Div>::new();
    Effect::new(move || {
        let Some(sky) = sky.get() else {
            return;
        };
        feed.flights.with(|flights| {
            // The map shows the past, or nobody sees it.
            if feed.past.with_untracked(Option::is_some) || !follows.get_untracked() {
                return;
            }
            for flight in flights {
                if sky.child_element_count() >= DOTS_MAX {
                    return;
                }
                if let Some(way) = way(&links, frame, flight) {
                    fly(&sky, flight, way);
                }
            }
        });
    });
    view! { <div class="dots" node_ref=sky aria-hidden="true"></div> }
}

/// From where to where, in percent of the map's width and height.
fn way(links: &[Link], frame: Frame, flight: &Flight) -> Option<[(f64, f64); 2]> {
    let joins = |link: &&Link| {
        (link.a, link.b) == (flight.from, flight.to) || (link.b, link.a) == (flight.from, flight.to)
    };
    let link = links.iter().find(joins)?;
    let ends = match link.a == flight.from {
        true => [link.from, link.to],
        false => [link.to, link.from],
    };
    Some(ends.map(|end| frame.percent(end)))
}

fn fly(sky: &HtmlElement, flight: &Flight, [from, to]: [(f64, f64); 2]) {
    let made = document().create_element("i");
    let Some(dot) = made.ok().and_then(|it| it.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    dot.set_class_name(&format!(
        "{}{}",
        flight.kind.name(),
        if flight.lost { " lost" } else { "" }
    ));
    let style = dot.style();
    let places = [
        ("--x0", from.0),
        ("--y0", from.1),
        ("--x1", to.0),
        ("--y1", to.1),
    ];
    let placed = places
        .iter()
        .try_for_each(|(name, percent)| style.set_property(name, &format!("{percent:.2}")));
    // A dot less is no loss.
    if placed.is_ok() && sky.append_child(&dot).is_ok() {
        set_timeout(
            move || dot.remove(),
            std::time::Duration::from_millis(FLIGHT_MS),
        );
    }
}

/// What the shapes stand for.
#[component]
pub fn DotsLegend() -> impl IntoView {
    let words = |kind| match kind {
        MessageKind::Heartbeat => "heartbeat",
        MessageKind::Append => "entries",
        MessageKind::Vote => "vote",
        MessageKind::Snapshot => "snapshot",
    };
    view! {
        <p class="legend dots-legend" aria-hidden="true">
            {MessageKind::ALL.map(|kind| view! {
                <span><i class=kind.name()></i>{words(kind)}</span>
            }).collect_view()}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::ui::ring;

    #[test]
    fn a_dot_flies_from_the_sender_to_the_receiver() {
        let ids = [1, 2, 3];
        let (links, frame) = (ring::links(&ids), Frame::around(3));
        let flight = |from, to| Flight {
            from,
            to,
            kind: MessageKind::Append,
            lost: false,
        };
        let there = way(&links, frame, &flight(1, 3));
        let back = way(&links, frame, &flight(3, 1));
        assert_eq!(there.map(|[a, b]| [b, a]), back);
        assert!(there.is_some());
        // Of a node that is not on the map.
        assert_eq!(way(&links, frame, &flight(1, 4)), None);
    }
}
