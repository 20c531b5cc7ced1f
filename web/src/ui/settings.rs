//! The settings in force, and changing them for all tabs while the cluster runs.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::command::{Place, Told};
use super::feed::Feed;
use super::setting::{ALL, BY_ADDRESS, Setting};
use crate::model::Change;

/// What was typed and is not in force.
type Typed = RwSignal<BTreeMap<Setting, String>>;

#[component]
pub fn SettingsPanel(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let typed = Typed::new(BTreeMap::new());
    let apply = move |event: SubmitEvent| {
        event.prevent_default();
        let mut change = Change::default();
        let typing = typed.get_untracked();
        for (setting, value) in &typing {
            if let Err(wanted) = setting.put(value, &mut change) {
                return place.refuse(wanted);
            }
        }
        if typing.is_empty() {
            return place.say("Nothing is changed.".to_owned());
        }
        let cluster = feed.cluster();
        place.take(async move {
            cluster.configure(change).await?;
            feed.look_at_settings();
            // What was typed meanwhile stays.
            typed.update(|typed| typed.retain(|s, value| typing.get(s) != Some(value)));
            Ok("In force in all tabs, and kept for this cluster.".to_owned())
        });
    };
    let unchanged = move || typed.with(BTreeMap::is_empty);
    view! {
        <section class="settings" aria-labelledby="settings-title">
            <details data-testid="settings">
                <summary data-testid="settings-open">
                    <h2 id="settings-title">"Settings"</h2>
                </summary>
                <form on:submit=apply autocomplete="off">
                    <div class="list">
                        {ALL.map(|setting| view! { <Row feed setting typed /> }).collect_view()}
                    </div>
                    <p class="hint">"In force at once, in all tabs, and kept for the next visit of this cluster."</p>
                    <div class="acts">
                        <button class="primary" type="submit" data-testid="settings-apply"
                            aria-disabled=move || unchanged().then_some("true").or_else(|| feed.fixed())>
                            "Apply in all tabs"
                        </button>
                        <button type="button" data-testid="settings-discard"
                            aria-disabled=move || unchanged().then_some("true")
                            on:click=move |_| typed.update(BTreeMap::clear)>
                            "Discard"
                        </button>
                        <Told place hook="settings-told" />
                    </div>
                </form>
                <ByAddress feed />
            </details>
        </section>
    }
}

/// What does not change while a page is open, with its name in the address.
#[component]
fn ByAddress(feed: Feed) -> impl IntoView {
    let value = move |name: &'static str| {
        feed.settings.with(|s| {
            let values = s.values();
            let found = values.into_iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value)
        })
    };
    view! {
        <h3 id="by-address">"By the page's address alone"</h3>
        <dl class="list" aria-labelledby="by-address" data-testid="settings-by-address">
            {BY_ADDRESS.map(|(name, sentence)| view! {
                <div class="setting">
                    <dt><code>{name}</code></dt>
                    <dd class="data">{move || value(name)}</dd>
                    <dd>{sentence}</dd>
                </div>
            }).collect_view()}
        </dl>
    }
}

#[component]
fn Row(feed: Feed, setting: Setting, typed: Typed) -> impl IntoView {
    let in_force = Memo::new(move |_| feed.settings.with(|s| setting.of(s)));
    let value = Memo::new(move |_| {
        let typed = typed.with(|t| t.get(&setting).cloned());
        typed.unwrap_or_else(|| in_force.get())
    });
    let take = move |ev| {
        let value = event_target_value(&ev);
        typed.update(|typed| {
            if value == in_force.get_untracked() {
                typed.remove(&setting);
            } else {
                typed.insert(setting, value);
            }
        });
    };
    let hook = setting.hook();
    let about = format!("{hook}-about");
    let control = if setting.choices().is_empty() {
        view! {
            <input class="data" id=hook data-testid=hook inputmode="numeric" prop:value=value
                on:input=take aria-describedby=about.clone() />
        }
        .into_any()
    } else {
        let options = setting.choices().iter();
        let options = options.map(|choice| view! { <option value=*choice>{*choice}</option> });
        view! {
            <select id=hook data-testid=hook prop:value=value on:change=take
                aria-describedby=about.clone()>
                {options.collect_view()}
            </select>
        }
        .into_any()
    };
    let pending = move || typed.with(|t| t.contains_key(&setting));
    view! {
        <div class="setting" class:pending=pending>
            <label for=hook>{setting.label()}</label>
            <div class="control">
                {control}
                <span class="count">
                    {move || pending().then(|| format!("in force: {}", in_force.get()))}
                </span>
            </div>
            <p id=about>{setting.sentence()}</p>
        </div>
    }
}
