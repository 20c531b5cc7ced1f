//! What a replica tells of itself, as figures.

use leptos::prelude::*;

use super::figures;
use crate::model::{NodeStatus, State};

/// Digits of the digest that are shown; the title has all.
const DIGEST_SHOWN: usize = 8;

#[component]
pub fn Facts(node: Memo<NodeStatus>) -> impl IntoView {
    // Of one that this page has heard nothing of, nothing is known: 0 would look like a loss.
    let is_unread = move || node.with(|n| n.state == State::Stopped && n.epoch == 0);
    let known = move |value: String| match is_unread() {
        true => "–".to_owned(),
        false => value,
    };
    let vote = move || {
        node.with(|n| match n.vote {
            0 => "–".to_owned(),
            vote => vote.to_string(),
        })
    };
    let log = move || {
        node.with(|n| {
            if is_unread() {
                "–".to_owned()
            } else if n.last_index < n.first_index || n.last_index == 0 {
                "empty".to_owned()
            } else {
                format!("{}–{}", n.first_index, n.last_index)
            }
        })
    };
    let snapshot = move || {
        node.with(|n| match n.snapshot_index {
            0 => "–".to_owned(),
            index => index.to_string(),
        })
    };
    let snapshot_title = move || {
        node.with(|n| match n.snapshot_index {
            0 => "No snapshot yet".to_owned(),
            index => format!("Snapshot at index {index} of term {}", n.snapshot_term),
        })
    };
    let wal = move || {
        node.with(|n| {
            format!(
                "{} · {}",
                figures::grouped(n.wal_records),
                figures::bytes(n.wal_bytes)
            )
        })
    };
    let digest = move || {
        node.with(|n| match figures::head(&n.digest, DIGEST_SHOWN) {
            ("", _) => "–".to_owned(),
            (head, true) => format!("{head}…"),
            (head, false) => head.to_owned(),
        })
    };
    view! {
        <dl class="facts" title=move || is_unread().then_some("Not read while it is stopped")>
            <Fact name="term" hook="term" value=move || known(node.with(|n| n.term.to_string())) />
            <Fact name="vote" hook="vote" value=vote />
            <Fact name="epoch" hook="epoch" value=move || known(node.with(|n| n.epoch.to_string()))
                title=|| "How often its database was opened by a host".to_owned() />
            <Fact name="commit" hook="commit" value=move || known(node.with(|n| n.commit.to_string())) />
            <Fact name="applied" hook="applied" value=move || known(node.with(|n| n.applied.to_string())) />
            <Fact name="keys" hook="keys-count"
                value=move || known(node.with(|n| figures::grouped(n.keys))) />
            <Fact name="log" hook="log" value=log wide=true
                title=|| "First and last index of its log".to_owned() />
            <Fact name="snapshot" hook="snapshot" value=snapshot title=snapshot_title />
            <Fact name="WAL" hook="wal" value=move || known(wal()) wide=true
                title=|| "Records and bytes of its write-ahead log".to_owned() />
            <Fact name="digest" hook="digest" value=digest
                title=move || node.with(|n| n.digest.clone()) />
        </dl>
    }
}

#[component]
pub fn Fact(
    name: &'static str,
    hook: &'static str,
    value: impl Fn() -> String + Send + 'static,
    #[prop(optional, into)] title: Option<TextProp>,
    #[prop(optional)] wide: bool,
) -> impl IntoView {
    view! {
        <div class:wide=wide title=move || title.as_ref().map(TextProp::get)>
            <dt>{name}</dt>
            <dd data-testid=hook>{value}</dd>
        </div>
    }
}
