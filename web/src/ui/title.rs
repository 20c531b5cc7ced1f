//! The tab's title: its name and which replicas run in it, so that one finds the leader's tab among
//! many.

use leptos::prelude::*;

use super::feed::Feed;
use super::look::Look;
use crate::model::{State, Status};

pub fn follow(feed: Feed) {
    let title = Memo::new(move |_| feed.status.with(|s| title(feed.cluster().tab_name(), s)));
    Effect::new(move |_| document().set_title(&title.get()));
}

fn title(tab: &str, status: &Status) -> String {
    let here = status
        .nodes
        .iter()
        .filter(|n| n.here && n.state != State::Stopped);
    let words: Vec<String> = here
        .map(|n| format!("{} {}", n.id, Look::of(n).class()))
        .collect();
    let parts = [
        tab.to_owned(),
        words.join(", "),
        format!("tabraft {}", status.cluster),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join(" · ")
}
