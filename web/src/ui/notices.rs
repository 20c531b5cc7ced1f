//! What the page must say about itself: a bad URL parameter, no IndexedDB, full storage.

use leptos::html;
use leptos::prelude::*;

use super::feed::Feed;
use super::focus::focus;

#[component]
pub fn Notices(feed: Feed) -> impl IntoView {
    let list = NodeRef::<html::Section>::new();
    let dismiss = move |n: usize| {
        feed.cluster().dismiss_notice(n);
        feed.notices.set(feed.cluster().notices());
        // The button that had the focus is gone: the next one is a Tab away from here.
        focus(list.get_untracked().as_ref());
    };
    view! {
        <section class="notices" aria-label="Notices" aria-live="polite" tabindex="-1"
            data-testid="notices" node_ref=list>
            {move || {
                let notices = feed.notices.get().into_iter().enumerate();
                notices
                    .map(|(n, text)| {
                        let label = format!("Dismiss: {text}");
                        view! {
                            <p class="notice">
                                <span>{text}</span>
                                <button type="button" aria-label=label on:click=move |_| dismiss(n)>
                                    "Dismiss"
                                </button>
                            </p>
                        }
                    })
                    .collect_view()
            }}
        </section>
    }
}
