//! Long work under way, wherever it was begun.

use leptos::prelude::*;

use super::feed::Feed;
use crate::model::Work;

#[component]
pub fn Working(feed: Feed) -> impl IntoView {
    let what = Memo::new(move |_| {
        feed.work
            .with(|w| w.as_ref().map(|w| w.what.clone()).unwrap_or_default())
    });
    let done = Memo::new(move |_| feed.work.with(|w| w.as_ref().and_then(share)));
    view! {
        <div class="working" data-testid="working"
            hidden=move || feed.work.with(Option::is_none)>
            <label>
                <span role="status">{what} "…"</span>
                // Without a value it shows that the end is not in sight.
                <progress max="100" value=move || done.get().map(|d| d.to_string())></progress>
            </label>
            <span class="count">{move || done.get().map(|d| format!("{d} %"))}</span>
        </div>
    }
}

/// How much is done, in percent.
fn share(work: &Work) -> Option<u8> {
    work.done.map(|done| (done.clamp(0.0, 1.0) * 100.0) as u8)
}
