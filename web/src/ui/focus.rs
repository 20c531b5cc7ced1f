//! Moving the keyboard focus, and keeping it on the page.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::web_sys::{
    Element, FocusOptions, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition,
};
use wasm_bindgen::JsCast;

use super::feed::Feed;

/// The bar is so high, where it covers what is scrolled under it.
const UNDER_BAR: f64 = 64.0;
/// Between what is scrolled into sight and the edge.
const MARGIN: f64 = 24.0;

/// Focuses an element if it is there; that this fails is worth a word in the console, no more.
pub fn focus(element: Option<&impl AsRef<HtmlElement>>) {
    if let Some(Err(error)) = element.map(|e| e.as_ref().focus()) {
        leptos::logging::warn!("the focus could not move: {error:?}");
    }
}

/// The same without scrolling to it.
pub fn focus_where_it_is(element: Option<&impl AsRef<HtmlElement>>) {
    let still = FocusOptions::new();
    still.set_prevent_scroll(true);
    if let Some(Err(error)) = element.map(|e| e.as_ref().focus_with_options(&still)) {
        leptos::logging::warn!("the focus could not move: {error:?}");
    }
}

/// Focuses what a CSS selector finds first; returns whether there is any.
pub fn focus_first(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    focus_element(found)
}

/// Focuses an element that cannot have the focus by itself, such as a title: from there the next
/// Tab goes on.
pub fn focus_still(element: Option<Element>) -> bool {
    let marked = element.filter(|e| e.set_attribute("tabindex", "-1").is_ok());
    focus_element(marked)
}

fn focus_element(element: Option<Element>) -> bool {
    let element = element.and_then(|e| e.dyn_into::<HtmlElement>().ok());
    focus(element.as_ref());
    // What has the focus already is not scrolled to by that.
    if let Some(element) = &element {
        let nearest = ScrollIntoViewOptions::new();
        nearest.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&nearest);
    }
    element.is_some()
}

/// Whether nothing has the focus.
pub fn is_lost() -> bool {
    let active = document().active_element();
    active.is_none_or(|e| e.tag_name().eq_ignore_ascii_case("body"))
}

/// What had the focus last, and what stands around it.
#[derive(Clone)]
struct Held {
    element: HtmlElement,
    card: Option<Element>,
    section: Option<Element>,
    /// How far the page was scrolled when it was last in sight.
    seen_at: Option<f64>,
}

type LastHeld = StoredValue<Option<Held>, LocalStorage>;

/// Keeps the focus on the page and in sight, whatever the cluster's news do to the page.
///
/// When what has the focus goes away with what it belonged to, as a node's card does when the node
/// is wiped, what stands around it takes the focus: its card, or the title of its part of the page.
/// When something above it grows, as a new leader's card does, the page is scrolled after it.
pub fn keep(feed: Feed) {
    let held = LastHeld::new_local(None);
    window_event_listener(ev::focusin, move |event| {
        let target = event.target();
        let element = target.and_then(|t| t.dyn_into::<HtmlElement>().ok());
        held.set_value(element.map(|element| {
            let around = |selector| element.closest(selector).ok().flatten();
            Held {
                card: around(".card"),
                section: around("section"),
                seen_at: None,
                element,
            }
        }));
        look_when_drawn(held);
    });
    Effect::new(move |_| {
        feed.status.track();
        look_when_drawn(held);
    });
}

/// What gets the focus is scrolled to, and what was hidden loses it, when the page is drawn.
fn look_when_drawn(held: LastHeld) {
    request_animation_frame(move || set_timeout(move || look(held), Duration::ZERO));
}

fn look(held: LastHeld) {
    let Some(last) = held.get_value() else {
        return;
    };
    if is_lost() {
        restore(last);
    } else if matches!(last.element.matches(":focus-visible"), Ok(true)) {
        let seen_at = follow(&last);
        held.update_value(|held| {
            if let Some(held) = held {
                held.seen_at = seen_at;
            }
        });
    }
}

/// Gives the focus to what stands around that which had it and is gone.
fn restore(last: Held) {
    let drawn = |e: &Element| {
        let html = e.dyn_ref::<HtmlElement>();
        html.is_some_and(|e| e.is_connected() && e.offset_width() > 0)
    };
    if drawn(&last.element) {
        // A click beside everything took the focus away: that was meant.
        return;
    }
    let title = last.section.filter(drawn);
    let title = title.and_then(|s| s.query_selector("h2").ok().flatten());
    focus_still(last.card.filter(drawn).or(title));
}

/// Scrolls after what has the focus if it has left the sight by itself. Returns where it is in
/// sight, if it is.
fn follow(last: &Held) -> Option<f64> {
    let window = window();
    let height = window.inner_height().ok()?.as_f64()?;
    let scrolled = window.scroll_y().ok()?;
    let place = last.element.get_bounding_client_rect();
    let middle = (place.top() + place.bottom()) / 2.0;
    if (UNDER_BAR..height).contains(&middle) {
        return Some(scrolled);
    }
    // Scrolled away by a person, or within the dialogue, whose scrolling is its own.
    let meant = last.seen_at != Some(scrolled);
    if meant || !matches!(last.element.closest("dialog"), Ok(None)) {
        return None;
    }
    let by = match middle < UNDER_BAR {
        true => place.top() - UNDER_BAR - MARGIN,
        false => place.bottom() - height + MARGIN,
    };
    window.scroll_by_with_x_and_y(0.0, by);
    window.scroll_y().ok()
}
