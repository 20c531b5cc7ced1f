//! Says that the past is shown, and leads back to the present.

use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::HtmlElement;
use wasm_bindgen::JsCast;

use super::scrub::SLIDER;
use crate::clock;
use crate::ui::feed::Feed;
use crate::ui::figures;
use crate::ui::focus::focus;

/// Stands at the foot of the window while the past is shown.
#[component]
pub fn PastBar(feed: Feed) -> impl IntoView {
    let is_past = Memo::new(move |_| feed.past.with(Option::is_some) && !feed.viewing.get());
    let now = RwSignal::new(clock::wall_ms());
    let tick = move || {
        if is_past.get_untracked() {
            now.set(clock::wall_ms());
        }
    };
    set_interval(tick, Duration::from_secs(1));
    let words = move || {
        let Some(at_ms) = feed.past_ms() else {
            return String::new();
        };
        now.track();
        let ago = match clock::wall_ms() - at_ms {
            ms if ms < 1_000.0 => "just now".to_owned(),
            ms => format!("{} ago", figures::ago(ms)),
        };
        format!("Showing {}, {ago}", clock::time_of_day(at_ms))
    };
    let live = move |_| {
        feed.back_to_now();
        let slider = document().get_element_by_id(SLIDER);
        focus(
            slider
                .and_then(|s| s.dyn_into::<HtmlElement>().ok())
                .as_ref(),
        );
    };
    view! {
        <Show when=move || is_past.get()>
            <div class="past" role="group" aria-label="The past is shown" data-testid="past">
                <p>
                    <strong data-testid="past-moment">{words}</strong>
                    <span class="hint">
                        " Sentence, map, nodes, keys and logs are of that moment. Buttons act now."
                    </span>
                </p>
                <button class="primary" type="button" data-testid="live" on:click=live>"Live"</button>
            </div>
        </Show>
    }
}

/// In the head of a view that shows the past: which moment.
#[component]
pub fn AsOf(feed: Feed) -> impl IntoView {
    let as_of = move || {
        let at_ms = feed.past_ms()?;
        Some(view! { <span class="as-of">{format!("as of {}", clock::time_of_day(at_ms))}</span> })
    };
    view! { {as_of} }
}
