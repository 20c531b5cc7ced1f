//! The form to put, get, delete and compare-and-swap a key.

use std::future::Future;

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{HtmlInputElement, SubmitEvent};
use wasm_bindgen::JsValue;

use super::command::{Place, Told};
use super::feed::Feed;
use super::figures;
use super::focus::focus;
use super::judge::Judge;
use super::replica::{Choice, ReplicaChooser, word};
use super::steps::Steps;
use crate::clock;
use crate::model::{ApiError, Written};

/// Characters of a value shown in a result.
const VALUE_SHOWN: usize = 200;

/// On narrower pages the form stands below the nodes, as `page.css` says.
const COLUMNS_WIDTH: f64 = 900.0;

/// Whether a field is to have the focus at first: it is in sight, and nothing has it.
fn is_first(field: &HtmlInputElement) -> bool {
    let size = |it: Result<JsValue, _>| it.ok().and_then(|it| it.as_f64()).unwrap_or(0.0);
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let place = field.get_bounding_client_rect();
    let nothing = document()
        .active_element()
        .is_none_or(|it| it.tag_name() == "BODY");
    nothing && width >= COLUMNS_WIDTH && place.top() >= 0.0 && place.bottom() <= height
}

#[component]
pub fn Write(feed: Feed) -> impl IntoView {
    let key = RwSignal::new("greeting".to_owned());
    let value = RwSignal::new("hello".to_owned());
    let choice = Choice::new();
    let place = Place::keeping();
    // The index of the last write, for its steps.
    let last = RwSignal::new(None::<u64>);
    let key_field = NodeRef::<html::Input>::new();
    Effect::new(move |begun: Option<bool>| {
        let Some(field) = key_field.get() else {
            return false;
        };
        // Before the nodes are drawn it stands where it does not stay.
        if begun == Some(true) || feed.ids.with(Vec::is_empty) {
            return begun.unwrap_or_default();
        }
        request_animation_frame(move || {
            if is_first(&field) {
                focus(Some(&field));
            }
        });
        true
    });

    let put = move |event: SubmitEvent| {
        event.prevent_default();
        let (cluster, key, value) = (feed.cluster(), key.get_untracked(), value.get_untracked());
        place.take(timed(async move {
            let w = cluster.put(&key, value.into(), choice.call()).await?;
            last.set(Some(w.index));
            Ok(feed.written("Written", w))
        }));
    };
    let get = move |_| {
        let (cluster, key) = (feed.cluster(), key.get_untracked());
        let call = choice.call();
        place.take(timed(async move {
            let found = cluster.get(&key, call).await?;
            let how = word(call.consistency);
            Ok(match found {
                Some(value) => format!("{key} is {}, {how}", quoted(&value)),
                None => format!("{key} does not exist, {how}"),
            })
        }));
    };
    let delete = move |_| {
        let (cluster, key) = (feed.cluster(), key.get_untracked());
        place.take(timed(async move {
            let w = cluster.delete(&key, choice.call()).await?;
            last.set(Some(w.index));
            Ok(if w.effect {
                feed.written("Deleted", w)
            } else {
                feed.written("Nothing to delete", w)
            })
        }));
    };

    view! {
        <section class="write" aria-labelledby="write-title">
            <h2 id="write-title">"Write and read"</h2>
            <form on:submit=put autocomplete="off">
                <div class="fields">
                    <label>
                        <span>"Key"</span>
                        <input class="data" data-testid="key" bind:value=key node_ref=key_field
                            spellcheck="false" autocapitalize="off" />
                    </label>
                    <label>
                        <span>"Value"</span>
                        <input class="data" data-testid="value" bind:value=value
                            spellcheck="false" autocapitalize="off" />
                    </label>
                </div>
                <div class="acts">
                    <div class="acts">
                        <button class="primary" type="submit" data-testid="put" aria-disabled=move || feed.fixed()>"Put"</button>
                        <button type="button" data-testid="get" aria-disabled=move || feed.fixed() on:click=get>"Get"</button>
                        <button type="button" data-testid="delete" aria-disabled=move || feed.fixed() on:click=delete>"Delete"</button>
                    </div>
                    <div class="choosers"><ReplicaChooser feed choice of="write" /></div>
                </div>
                <CompareAndSwap feed key value choice place last />
                <Told place hook="result" />
            </form>
            {feed.of_tabs.then(|| view! { <Steps feed last /> })}
            <Judge feed />
        </section>
    }
}

#[component]
fn CompareAndSwap(
    feed: Feed,
    key: RwSignal<String>,
    value: RwSignal<String>,
    choice: Choice,
    place: Place,
    last: RwSignal<Option<u64>>,
) -> impl IntoView {
    let expected = RwSignal::new(String::new());
    let absent = RwSignal::new(false);
    let swap = move |_| {
        let (cluster, key, value) = (feed.cluster(), key.get_untracked(), value.get_untracked());
        let expected = (!absent.get_untracked()).then(|| expected.get_untracked());
        place.take(timed(async move {
            let w = cluster
                .cas(
                    &key,
                    expected.clone().map(Into::into),
                    value.into(),
                    choice.call(),
                )
                .await?;
            last.set(Some(w.index));
            Ok(match (w.effect, expected) {
                (true, _) => feed.written("Swapped", w),
                (false, None) => feed.written("Not swapped, the key exists; decided", w),
                (false, Some(_)) => {
                    feed.written("Not swapped, the key holds another value; decided", w)
                }
            })
        }));
    };
    view! {
        <details class="more">
            <summary>"More"</summary>
            <div class="swap">
                <label>
                    <span>"Expected value"</span>
                    <input class="data" data-testid="expected" bind:value=expected
                        disabled=move || absent.get() spellcheck="false" autocapitalize="off" />
                </label>
                <label class="check">
                    <input type="checkbox" data-testid="expect-absent" bind:checked=absent />
                    <span>"No such key yet"</span>
                </label>
                <button type="button" data-testid="cas" aria-disabled=move || feed.fixed() on:click=swap>"Compare and swap"</button>
            </div>
        </details>
    }
}

impl Feed {
    /// "Written at index 812 in term 5"; etcd tells revisions.
    fn written(self, what: &str, w: Written) -> String {
        let place = if self.of_tabs { "index" } else { "revision" };
        format!("{what} at {place} {} in term {}", w.index, w.term)
    }
}

/// The value as people can read it, in one line of bounded length.
fn quoted(value: &[u8]) -> String {
    let size = figures::bytes(value.len() as u64);
    let is_text = std::str::from_utf8(value).is_ok();
    let text = figures::readable(value);
    match (figures::head(&text, VALUE_SHOWN), is_text) {
        ((head, true), true) => format!("“{head}…” ({size})"),
        ((all, false), true) => format!("“{all}”"),
        ((head, true), false) => format!("{head}… ({size}, no text)"),
        ((all, false), false) => format!("{all} ({size}, no text)"),
    }
}

/// Adds how long it took and the full stop.
async fn timed(call: impl Future<Output = Result<String, ApiError>>) -> Result<String, ApiError> {
    let start = clock::ticking_ms();
    let sentence = call.await?;
    Ok(format!(
        "{sentence}, {}.",
        figures::duration(clock::ticking_ms() - start)
    ))
}
