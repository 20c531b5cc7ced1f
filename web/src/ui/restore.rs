//! The form that makes a new cluster from a saved snapshot.

use js_sys::Reflect;
use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{File, HtmlInputElement, SubmitEvent};
use wasm_bindgen::{JsCast, JsValue};

use super::command::{Place, Said, Told};
use super::feed::Feed;
use super::figures;
use crate::settings::{NODES_MAX, cluster_name};

#[component]
pub fn Restore(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let file = NodeRef::<html::Input>::new();
    let (now, size) = feed
        .settings
        .with_untracked(|s| (s.cluster.clone(), s.nodes));
    let name = RwSignal::new(format!("{now}-restored"));
    let nodes = RwSignal::new(size.to_string());

    let go = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(chosen) = file.get_untracked().and_then(|input| chosen(&input)) else {
            return place.refuse("Choose a file that “Save snapshot” has made.");
        };
        let name = match cluster_name(name.get_untracked().trim()) {
            Ok(name) => name,
            Err(wanted) => return place.refuse(format!("The name must be {wanted}.")),
        };
        let count = nodes.get_untracked().trim().parse().ok();
        let Some(count) = count.filter(|n| (1..=NODES_MAX).contains(n)) else {
            return place.refuse(format!(
                "The number of nodes must be from 1 to {NODES_MAX}."
            ));
        };
        let cluster = feed.cluster();
        place.take(async move {
            let restored = cluster.restore(chosen.into(), &name, Some(count)).await?;
            let keys = match restored.keys {
                1 => "1 key".to_owned(),
                keys => format!("{} keys", figures::grouped(keys)),
            };
            Ok(Said {
                sentence: format!("Restored: {keys} as of index {}.", restored.index),
                link: Some((format!("Open cluster {}", restored.cluster), restored.url)),
            })
        });
    };
    view! {
        <form class="restore" on:submit=go autocomplete="off" aria-label="Restore from file">
            <p class="hint">"Makes a new cluster from a saved snapshot. This one stays as it is."</p>
            <div class="choosers">
                <label class="grow">
                    <span>"File"</span>
                    <input type="file" data-testid="restore-file" node_ref=file />
                </label>
                <label class="grow">
                    <span>"Name of the new cluster"</span>
                    <input class="data" data-testid="restore-name" bind:value=name
                        spellcheck="false" autocapitalize="off" />
                </label>
                <label>
                    <span>"Nodes"</span>
                    <input class="data few" data-testid="restore-nodes" bind:value=nodes
                        inputmode="numeric" />
                </label>
                <button class="primary" type="submit" data-testid="restore-go" aria-disabled=move || feed.fixed()>"Restore"</button>
            </div>
            <Told place hook="restore-told" />
        </form>
    }
}

/// The file that was chosen, if any.
pub fn chosen(input: &HtmlInputElement) -> Option<File> {
    let files = Reflect::get(input, &JsValue::from_str("files")).ok()?;
    Reflect::get_u32(&files, 0).ok()?.dyn_into().ok()
}
