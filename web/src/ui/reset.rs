//! Resetting everything: asked first, by name; and what every tab says of it then.

use std::collections::BTreeMap;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{HtmlDialogElement, KeyboardEvent};

use super::command::{Place, Told};
use super::feed::Feed;
use super::figures;
use super::focus::focus;
use crate::client::reset::Stage;
use crate::client::reset::kept::{Deleted, Kept};
use crate::names::{OURS, ROTATION_DATABASE};

#[component]
pub fn Reset(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let asked = RwSignal::new(None::<Kept>);
    let button = NodeRef::<html::Button>::new();
    let ask = move |_| {
        if asked.with_untracked(Option::is_some) {
            return asked.set(None);
        }
        let cluster = feed.cluster();
        place.take_anyway(async move {
            let kept = cluster.kept().await?;
            asked.try_set(Some(kept));
            Ok(String::new())
        });
    };
    let close = move || {
        asked.set(None);
        focus(button.get_untracked().as_ref());
    };
    view! {
        <div class="item" role="group" aria-labelledby="reset-title">
            <h3 id="reset-title">"Reset"</h3>
            <p class="hint">
                "Deletes all that tabraft keeps in this browser, for all clusters and tabs. It says \
                 what that is, and asks."
            </p>
            <div class="acts">
                <button type="button" data-testid="reset" node_ref=button on:click=ask
                    aria-expanded=move || asked.with(Option::is_some).to_string()>
                    "Reset everything"
                </button>
            </div>
            {move || asked.get().map(|kept| view! { <Question feed kept place close /> })}
            <Told place hook="reset-told" />
        </div>
    }
}

#[component]
fn Question(
    feed: Feed,
    kept: Kept,
    place: Place,
    close: impl Fn() + Copy + Send + 'static,
) -> impl IntoView {
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move |_| focus(keep.get().as_ref()));
    let confirm = move |_| {
        close();
        let cluster = feed.cluster();
        // Each tab says on a screen of its own what came of it.
        place.take_anyway(async move { cluster.reset().await.map(|_| String::new()) });
    };
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            close();
        }
    };
    let lines = lines(&kept);
    view! {
        <div class="question" role="group" aria-labelledby="reset-asks" on:keydown=escape>
            <p id="reset-asks">"Delete all of this? It cannot be undone."</p>
            <ul class="lost" data-testid="reset-list">
                {lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
            </ul>
            <div class="acts">
                <button class="danger" type="button" data-testid="reset-confirm" on:click=confirm>
                    "Delete all of it"
                </button>
                <button type="button" data-testid="reset-keep" node_ref=keep
                    on:click=move |_| close()>"Keep"</button>
            </div>
        </div>
    }
}

/// What will be lost, line by line.
fn lines(kept: &Kept) -> Vec<String> {
    let mut lines = clusters(&kept.databases);
    lines.extend(
        kept.stored
            .iter()
            .map(|key| format!("What is stored as {key}.")),
    );
    lines.extend(kept.caches.iter().map(|name| match name.rsplit_once(' ') {
        Some((_, build)) if !build.is_empty() => {
            format!("The page kept for offline use, build {build}.")
        }
        _ => "The page kept for offline use.".to_owned(),
    }));
    if lines.is_empty() {
        lines.push("Nothing: tabraft keeps nothing here.".to_owned());
    }
    lines.extend(kept.bytes.map(|bytes| {
        format!(
            "With all else of this site, about {}.",
            figures::bytes(bytes as u64)
        )
    }));
    lines.extend(match kept.other_tabs {
        0 => None,
        1 => Some("One other tab of this site will be ended, with its nodes.".to_owned()),
        n => Some(format!(
            "{n} other tabs of this site will be ended, with their nodes."
        )),
    });
    lines
}

/// Databases, by the clusters that they are of.
fn clusters(databases: &[String]) -> Vec<String> {
    let mut nodes = BTreeMap::<&str, Vec<&str>>::new();
    let mut others = Vec::new();
    for name in databases {
        let Some(rest) = name.strip_prefix(OURS) else {
            others.push(match name.as_str() {
                ROTATION_DATABASE => "A database that holds nothing.".to_owned(),
                other => format!("The database {other}."),
            });
            continue;
        };
        match rest.split_once(':') {
            Some((cluster, node)) => nodes.entry(cluster).or_default().push(node),
            None => _ = nodes.entry(rest).or_default(),
        }
    }
    let words = nodes
        .into_iter()
        .map(|(cluster, nodes)| match nodes.as_slice() {
            [] => format!("Cluster {cluster}: its record."),
            [node] => format!("Cluster {cluster}: its record, and all that node {node} stored."),
            nodes => format!(
                "Cluster {cluster}: its record, and all that nodes {} stored.",
                nodes.join(", ")
            ),
        });
    words.chain(others).collect()
}

/// Covers the page once a reset was begun, in every tab.
#[component]
pub fn ResetScreen(feed: Feed) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let button = NodeRef::<html::Button>::new();
    let over = Memo::new(move |_| !matches!(feed.reset.get(), None | Some(Stage::Begun)));
    Effect::new(move |_| {
        let begun = feed.reset.with(Option::is_some);
        let Some(dialog) = dialog.get().filter(|it| begun && !it.open()) else {
            return;
        };
        let dialog: &HtmlDialogElement = &dialog;
        if let Err(error) = dialog.show_modal() {
            leptos::logging::warn!("what came of the reset is not shown: {error:?}");
        }
    });
    Effect::new(move |_| {
        if over.get() {
            focus(button.get().as_ref());
        }
    });
    let stay = move |event: ev::Event| event.prevent_default();
    let reload = move |_| {
        if let Err(error) = window().location().reload() {
            leptos::logging::warn!("the page does not reload: {error:?}");
        }
    };
    view! {
        <dialog class="reset" aria-labelledby="reset-said" data-testid="reset-screen" node_ref=dialog
            on:cancel=stay>
            <h2 id="reset-said" role="status" data-testid="reset-said">
                {move || feed.reset.get().map(|stage| head(&stage))}
            </h2>
            <p data-testid="reset-more">{move || feed.reset.get().map(|stage| more(&stage))}</p>
            <button class="primary" type="button" data-testid="start-anew" node_ref=button
                hidden=move || !over.get() on:click=reload>
                "Start anew"
            </button>
        </dialog>
    }
}

fn head(stage: &Stage) -> &'static str {
    match stage {
        Stage::Begun => "Everything is being deleted.",
        Stage::Over(deleted) if deleted.left.is_empty() => "Everything was reset.",
        Stage::Over(_) => "Not everything was deleted.",
        Stage::GivenUp(_) => "Nothing was deleted.",
        Stage::CutShort => "The reset was cut short.",
    }
}

fn more(stage: &Stage) -> String {
    match stage {
        Stage::Begun => "The nodes of all tabs were ended.".to_owned(),
        Stage::Over(deleted) => match deleted.left.is_empty() {
            true => format!("{} This page hosts nothing any more.", counts(deleted)),
            false => format!("{} {}", counts(deleted), deleted.left_in_words()),
        },
        Stage::GivenUp(why) => format!("{why} The nodes of the other tabs were ended."),
        Stage::CutShort => {
            "The tab that began it ended before it was done. Some of it may be left: \
                            start anew, and reset again."
                .to_owned()
        }
    }
}

fn counts(deleted: &Deleted) -> String {
    let count = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{} {many}", figures::grouped(n as u64)),
    };
    format!(
        "Deleted: {}, {}, {}.",
        count(deleted.databases.len(), "database", "databases"),
        count(deleted.stored.len(), "stored setting", "stored settings"),
        count(deleted.caches.len(), "offline copy", "offline copies"),
    )
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::client::reset::kept::Left;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn what_will_be_lost_is_named() {
        let kept = Kept {
            databases: texts(&[
                "tabraft:a",
                "tabraft:a:1",
                "tabraft:a:2",
                "tabraft:b",
                "tabraft-rotation",
            ]),
            stored: texts(&["tabraft:a:identity"]),
            caches: texts(&["tabraft http://x/ 12ab"]),
            bytes: Some(12_000_000.0),
            other_tabs: 2,
        };
        let wanted = [
            "Cluster a: its record, and all that nodes 1, 2 stored.",
            "Cluster b: its record.",
            "A database that holds nothing.",
            "What is stored as tabraft:a:identity.",
            "The page kept for offline use, build 12ab.",
            "With all else of this site, about 12.0 MB.",
            "2 other tabs of this site will be ended, with their nodes.",
        ];
        assert_eq!(lines(&kept), wanted);
        assert_eq!(
            lines(&Kept::default()),
            ["Nothing: tabraft keeps nothing here."]
        );
    }

    #[test]
    fn what_is_half_done_is_not_called_done() {
        let mut deleted = Deleted {
            databases: texts(&["tabraft:a"]),
            ..Deleted::default()
        };
        assert_eq!(head(&Stage::Over(deleted.clone())), "Everything was reset.");
        deleted.left.push(Left {
            name: "tabraft:a:1".to_owned(),
            reason: "A tab keeps it.".to_owned(),
        });
        let stage = Stage::Over(deleted);
        assert_eq!(head(&stage), "Not everything was deleted.");
        let said = more(&stage);
        assert!(
            said.contains("Deleted: 1 database,") && said.contains("tabraft:a:1: A tab keeps it.")
        );
    }
}
