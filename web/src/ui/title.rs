//! The tab's title: which replicas run in it, so that one finds the leader's tab among many.

use leptos::prelude::*;

use super::feed::Feed;
use super::look::Look;
use crate::model::{State, Status};

pub fn follow(feed: Feed) {
    let title = Memo::new(move |_| feed.status.with(title));
    Effect::new(move |_| document().set_title(&title.get()));
}

fn title(status: &Status) -> String {
    let here = status
        .nodes
        .iter()
        .filter(|n| n.here && n.state != State::Stopped);
    let words: Vec<String> = here
        .map(|n| format!("{} {}", n.id, Look::of(n).class()))
        .collect();
    match words.as_slice() {
        [] => format!("tabraft {}", status.cluster),
        words => format!("{} · tabraft {}", words.join(", "), status.cluster),
    }
}
