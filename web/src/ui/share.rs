//! A link to a cluster like this one.

use js_sys::Promise;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::command::{Place, Said};
use super::feed::Feed;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "clipboard"], js_name = writeText, catch)]
    fn write_text(text: &str) -> Result<Promise, JsValue>;
}

/// Copies the link, and shows it: a browser may refuse to copy.
#[component]
pub fn CopyLink(feed: Feed, place: Place, #[prop(optional)] hook: &'static str) -> impl IntoView {
    let copy = move |_| {
        let experiment = feed.experiment.get_untracked();
        let cluster = feed.cluster();
        place.take_anyway(async move {
            let link = cluster.share_link(experiment.as_deref())?;
            let copied = match write_text(&link) {
                Ok(copying) => JsFuture::from(copying).await.is_ok(),
                Err(_) => false,
            };
            let sentence = match copied {
                true => "Copied:",
                false => "The browser does not let it be copied by a button. Copy it from here:",
            };
            Ok(Said {
                sentence: sentence.to_owned(),
                link: Some((link.clone(), link)),
            })
        });
    };
    let hook = if hook.is_empty() {
        "share-experiment"
    } else {
        hook
    };
    view! { <button type="button" data-testid=hook on:click=copy>"Copy a link to this"</button> }
}
