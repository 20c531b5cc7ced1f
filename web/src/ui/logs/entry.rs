//! One entry of the log, as each node has it: what it is, and when it went through each step. Its
//! nodes are asked when a person chooses it, and never else. While a moment of the past is shown nobody
//! is asked: it says what is known of that moment.

use leptos::prelude::*;

use crate::clock;
use crate::model::{EntryAt, NodeStatus, State, Status};
use crate::ui::command::{Place, Told};
use crate::ui::feed::Feed;
use crate::ui::figures::{bytes, grouped};
use crate::ui::summary::words::subject;
use crate::ui::trace::{self, COLUMNS};

/// The entry that is looked at.
#[derive(Clone, Copy)]
pub struct Looked {
    feed: Feed,
    place: Place,
    /// Where the cursor is.
    pub cursor: RwSignal<Option<u64>>,
    /// The entry that is shown, and what was told of it; `None` if nobody was asked.
    shown: RwSignal<Option<(u64, Option<Vec<EntryAt>>)>>,
}

impl Looked {
    pub fn new(feed: Feed) -> Self {
        Self {
            feed,
            place: Place::keeping(),
            cursor: RwSignal::new(None),
            shown: RwSignal::new(None),
        }
    }

    /// Asks the nodes for an entry, and shows it; of the past, what is known.
    pub fn ask(self, index: u64) {
        let index = index.max(1);
        self.cursor.set(Some(index));
        if self.feed.past.with_untracked(Option::is_some) {
            self.shown.set(Some((index, None)));
            return self.place.clear();
        }
        let cluster = self.feed.cluster();
        let away = self.feed.status.with_untracked(|s| {
            let away = s.nodes.iter().filter(|n| n.state != State::Running);
            away.map(|n| n.id).collect::<Vec<_>>()
        });
        self.place.take(async move {
            let told = cluster.entry(index).await;
            // Another was chosen meanwhile, or none.
            if self.cursor.try_get_untracked().flatten() == Some(index) {
                let found = told.as_deref().unwrap_or_default().to_vec();
                self.shown.set(Some((index, Some(found))));
            }
            told?;
            Ok(match away.as_slice() {
                [] => String::new(),
                [_] => format!("{} was not asked: it does not run.", subject(&away)),
                _ => format!("{} were not asked: they do not run.", subject(&away)),
            })
        });
    }

    pub fn close(self) {
        self.cursor.set(None);
        self.shown.set(None);
        self.place.clear();
    }
}

/// What a status tells of an entry, without asking anybody: whether each node has it, and the term.
fn known(status: &Status, index: u64) -> Vec<EntryAt> {
    let of = |n: &NodeStatus| {
        let is_there = (n.first_index..=n.last_index).contains(&index);
        let begun = n.terms.iter().rev().find(|(from, _)| *from <= index);
        let text = match is_there {
            _ if n.last_index == 0 => "has told of no log",
            true if index <= n.applied => "in its log, applied",
            true if index <= n.commit => "in its log, committed",
            true => "in its log, not committed",
            false if index < n.first_index => "compacted: in the snapshot",
            false => "not in its log",
        };
        EntryAt {
            node: n.id,
            kind: String::new(),
            term: begun.filter(|_| is_there).map_or(0, |(_, term)| *term),
            bytes: 0,
            text: text.to_owned(),
            steps: Vec::new(),
            earlier: Vec::new(),
        }
    };
    status.nodes.iter().filter(|n| n.member).map(of).collect()
}

/// What those say that have the same there: "Nodes 1 and 2: put “a” = “1”. Term 3, 96 B."
fn sentences(told: &[EntryAt]) -> Vec<String> {
    let same = |a: &EntryAt, b: &EntryAt| (a.term, &a.text) == (b.term, &b.text);
    let mut sentences = Vec::new();
    for (n, one) in told.iter().enumerate() {
        if told[..n].iter().any(|before| same(before, one)) {
            continue;
        }
        let alike = told.iter().filter(|other| same(one, other));
        let ids: Vec<u64> = alike.map(|e| e.node).collect();
        let size = match one.term {
            0 => String::new(),
            term if one.bytes == 0 => format!(" Term {term}."),
            term => format!(" Term {term}, {} in memory.", bytes(one.bytes)),
        };
        sentences.push(format!("{}: {}.{size}", subject(&ids), one.text));
    }
    sentences
}

/// A step's row: a cell for each node.
#[derive(Clone, Debug, PartialEq)]
struct StepRow {
    words: &'static str,
    cells: Vec<String>,
}

/// The steps as rows, the nodes as columns, in the order of `told`.
fn table(told: &[EntryAt]) -> Vec<StepRow> {
    let steps: Vec<_> = told.iter().flat_map(|e| e.steps.clone()).collect();
    let known = trace::rows(&steps);
    let rows = COLUMNS
        .iter()
        .enumerate()
        .map(|(column, (_, names, words))| {
            let cells = told.iter().map(|e| {
                let row = known.iter().find(|row| row.node == e.node);
                let at_ms = row.and_then(|row| row.at_ms[column]);
                let earlier = e.earlier.iter().any(|name| names.contains(&name.as_str()));
                match at_ms {
                    None if earlier => "earlier".to_owned(),
                    at_ms => trace::cell(at_ms),
                }
            });
            StepRow {
                words,
                cells: cells.collect(),
            }
        });
    rows.collect()
}

#[component]
pub fn Entry(looked: Looked) -> impl IntoView {
    let shown = looked.shown;
    let index = Memo::new(move |_| shown.with(|s| s.as_ref().map(|(index, _)| *index)));
    let title = move || index.get().map(|index| format!("Entry {}", grouped(index)));
    let step = move |by: i64| {
        if let Some(index) = index.get_untracked() {
            looked.ask(index.saturating_add_signed(by));
        }
    };
    let live = Memo::new(move |_| looked.feed.past.with(Option::is_none));
    // What was chosen in the past is asked for now.
    Effect::new(move |_| {
        let unasked =
            shown.with_untracked(|s| s.as_ref().filter(|it| it.1.is_none()).map(|it| it.0));
        if let (true, Some(index)) = (live.get(), unasked) {
            looked.ask(index);
        }
    });
    view! {
        <div class="entry" data-testid="entry" hidden=move || index.get().is_none()>
            <div class="head">
                <h3>{title}</h3>
                <div class="acts">
                    <button type="button" data-testid="entry-before"
                        on:click=move |_| step(-1)>"Before"</button>
                    <button type="button" data-testid="entry-after"
                        on:click=move |_| step(1)>"After"</button>
                    <button type="button" data-testid="entry-close"
                        on:click=move |_| looked.close()>"Close"</button>
                </div>
            </div>
            {move || shown.with(|s| s.as_ref().map(|(index, told)| match told {
                Some(told) if live.get() => view! { <Inside told=told.clone() /> }.into_any(),
                _ => view! { <Known told=looked.feed.shown(|s| known(s, *index)) /> }.into_any(),
            }))}
        </div>
        <Told place=looked.place hook="entry-told" />
    }
}

/// What is known without asking.
#[component]
fn Known(told: Vec<EntryAt>) -> impl IntoView {
    let sentences = sentences(&told).into_iter();
    view! {
        <div data-testid="entry-is">
            {sentences.map(|sentence| view! { <p>{sentence}</p> }).collect_view()}
        </div>
        <p class="hint">
            "What the entry says and when it went through its steps is asked of the nodes, and only of the live cluster."
        </p>
    }
}

#[component]
fn Inside(told: Vec<EntryAt>) -> impl IntoView {
    let steps = told.iter().flat_map(|e| &e.steps);
    let first_ms = steps.map(|s| s.at_ms).min_by(f64::total_cmp);
    let has_earlier = told.iter().any(|e| !e.earlier.is_empty());
    let since = match first_ms {
        Some(at_ms) => format!("Milliseconds since {}.", clock::time_of_day(at_ms)),
        None => "When it went through its steps is not remembered.".to_owned(),
    };
    let sentences = sentences(&told).into_iter();
    let heads = told
        .iter()
        .map(|e| view! { <th scope="col">"node " {e.node}</th> });
    let rows = table(&told).into_iter().map(|row| {
        let cells = row.cells.into_iter().map(|cell| view! { <td>{cell}</td> });
        view! {
            <tr>
                <th scope="row">{row.words}</th>
                {cells.collect_view()}
            </tr>
        }
    });
    view! {
        <div data-testid="entry-is">
            {sentences.map(|sentence| view! { <p>{sentence}</p> }).collect_view()}
        </div>
        <div class="scroll" role="region" tabindex="0" aria-label="Steps of the entry"
            hidden=told.is_empty()>
            <table data-testid="entry-steps">
                <thead>
                    <tr>
                        <th scope="col">"Step"</th>
                        {heads.collect_view()}
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="hint">
            {since}
            " A dash: not, or not yet."
            {has_earlier.then_some(" “Earlier”: before the oldest moment that the node remembers, or before it was last started.")}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::Step;

    fn at(node: u64, term: u64, text: &str) -> EntryAt {
        EntryAt {
            node,
            kind: "put".into(),
            term,
            bytes: 96,
            text: text.into(),
            steps: vec![],
            earlier: vec![],
        }
    }

    #[test]
    fn nodes_that_have_the_same_share_a_sentence() {
        let told = [
            at(1, 3, "put"),
            at(2, 2, "put"),
            at(3, 3, "put"),
            at(4, 0, "gone"),
        ];
        let wanted = [
            "Nodes 1 and 3: put. Term 3, 96 B in memory.",
            "Node 2: put. Term 2, 96 B in memory.",
            "Node 4: gone.",
        ];
        assert_eq!(sentences(&told), wanted);
        assert!(sentences(&[]).is_empty());
    }

    #[test]
    fn a_status_tells_who_has_an_entry() {
        let mut status = Status::default();
        for (id, first, last, commit) in [(1, 1, 9, 8), (2, 6, 8, 8), (3, 1, 4, 4), (4, 0, 0, 0)] {
            let mut node = NodeStatus::unknown(id);
            (node.first_index, node.last_index, node.commit) = (first, last, commit);
            (node.applied, node.terms) = (commit, vec![(1, 1), (5, 3)]);
            status.nodes.push(node);
        }
        let wanted = [
            "Node 1: in its log, applied. Term 3.",
            "Node 2: compacted: in the snapshot.",
            "Node 3: not in its log.",
            "Node 4: has told of no log.",
        ];
        assert_eq!(sentences(&known(&status, 5)), wanted);
        let newest = &sentences(&known(&status, 9))[0];
        assert_eq!(newest, "Node 1: in its log, not committed. Term 3.");
    }

    #[test]
    fn each_step_has_a_cell_for_each_node() {
        let mut told = [at(1, 1, "put"), at(2, 1, "put"), at(7, 1, "put")];
        let step = |step: &str, at_ms| Step {
            node: 1,
            step: step.into(),
            at_ms,
        };
        told[0].steps = vec![step("proposed", 10.0), step("committed", 12.5)];
        told[1].earlier = vec!["received".into(), "persisted".into()];
        let rows = table(&told);
        assert_eq!(rows.len(), COLUMNS.len());
        assert_eq!(rows[0].cells, ["0.0", "earlier", "-"]);
        assert_eq!(rows[1].cells, ["-", "earlier", "-"]);
        assert_eq!(rows[3].cells, ["2.5", "-", "-"]);
    }
}
