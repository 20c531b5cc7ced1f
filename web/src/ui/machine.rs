//! A process of etcd, in its card: what it tells of itself.

use leptos::prelude::*;

use super::facts::Fact;
use super::feed::Feed;
use super::figures::{bytes, grouped};
use crate::client::etcd::members::Member;
use crate::model::NodeStatus;

/// The name that etcd has for a member.
pub fn name(feed: Feed, id: u64) -> String {
    feed.machines.with(|all| {
        let found = all.iter().find(|it| it.number == id);
        found.map(|it| it.name.clone()).unwrap_or_default()
    })
}

#[component]
pub fn Machine(feed: Feed, node: Memo<NodeStatus>) -> impl IntoView {
    let id = node.with_untracked(|n| n.id);
    let member = Memo::new(move |_| {
        feed.machines.with(|all| {
            let found = all.iter().find(|it| it.number == id);
            found.cloned().unwrap_or_default()
        })
    });
    let told = move |what: fn(&crate::client::etcd::Look) -> String| {
        member.with(|m: &Member| m.told.as_ref().map_or("–".to_owned(), what))
    };
    view! {
        <dl class="facts">
            <Fact name="term" hook="term" value=move || node.with(|n| n.term.to_string()) />
            <Fact name="endpoint" hook="endpoint" wide=true
                value=move || member.with(|m| m.url.clone())
                title=move || member.with(|m| m.url.clone()) />
            <Fact name="commit" hook="commit" value=move || node.with(|n| n.commit.to_string()) />
            <Fact name="member" hook="member" wide=true
                value=move || member.with(|m| format!("{:x}", m.id))
                title=move || member.with(|m| format!("{:x}", m.id)) />
            <Fact name="size" hook="size" value=move || told(|l| bytes(l.db_bytes))
                title=|| "Of its database".to_owned() />
            <Fact name="version" hook="version" value=move || told(|l| l.version.clone()) />
            <Fact name="revision" hook="revision" value=move || told(|l| grouped(l.revision)) />
            <Fact name="applied" hook="applied" value=move || node.with(|n| n.applied.to_string()) />
        </dl>
        <div class="trouble" hidden=move || node.with(|n| n.problem.is_empty())>
            <p class="problem" data-testid="problem">{move || node.with(|n| n.problem.clone())}</p>
        </div>
    }
}
