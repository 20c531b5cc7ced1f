//! Whom to ask: the leader or a certain replica, and how fresh an answer must be.

use leptos::prelude::*;

use super::feed::Feed;
use crate::model::{Call, Consistency};

/// A person's choice, as signals.
#[derive(Clone, Copy)]
pub struct Choice {
    /// `None` for the leader.
    pub node: RwSignal<Option<u64>>,
    pub consistency: RwSignal<Consistency>,
}

impl Choice {
    pub fn new() -> Self {
        Self {
            node: RwSignal::new(None),
            consistency: RwSignal::new(Consistency::Linearizable),
        }
    }

    pub fn call(&self) -> Call {
        Call {
            node: self.node.get_untracked(),
            consistency: self.consistency.get_untracked(),
            ..Call::default()
        }
    }
}

pub fn word(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Linearizable => "linearizable",
        Consistency::Stale => "stale",
    }
}

/// `of` names the form it stands in, for ids and hooks; while it is `idle` nothing can be chosen.
#[component]
pub fn ReplicaChooser(
    feed: Feed,
    choice: Choice,
    of: &'static str,
    #[prop(optional)] idle: Option<Memo<bool>>,
) -> impl IntoView {
    let idle = move || idle.is_some_and(|it| it.get());
    let chosen = move || {
        choice
            .node
            .get()
            .map_or("leader".to_owned(), |id| id.to_string())
    };
    let choose = move |ev| choice.node.set(event_target_value(&ev).parse().ok());
    let fresh = move |ev| {
        let stale = event_target_value(&ev) == word(Consistency::Stale);
        let consistency = if stale {
            Consistency::Stale
        } else {
            Consistency::Linearizable
        };
        choice.consistency.set(consistency);
    };
    view! {
        <label>
            <span>"From"</span>
            <select data-testid=format!("{of}-from") prop:value=chosen on:change=choose
                disabled=idle>
                <option value="leader">"leader"</option>
                <For each=move || feed.members.get() key=|id| *id let:id>
                    <option value=id.to_string()>"node " {id}</option>
                </For>
            </select>
        </label>
        <label>
            <span>"Read"</span>
            <select data-testid=format!("{of}-read") on:change=fresh disabled=idle
                prop:value=move || word(choice.consistency.get())
                title="Linearizable: as of now, confirmed by a quorum. Stale: as far as this replica got.">
                <option value="linearizable">"linearizable"</option>
                <option value="stale">"stale"</option>
            </select>
        </label>
    }
}
