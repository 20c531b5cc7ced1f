//! The logs, one row a node, aligned by index.

use leptos::prelude::*;

use super::feed::Feed;
use super::figures::grouped;
use super::timeline::past::AsOf;
use crate::model::{NodeStatus, State, Status};

/// Entries in the window that follows the end.
const TAIL: u64 = 48;
/// Terms take turns with so many looks.
pub const LOOKS: u64 = 6;
/// So few entries in the window are drawn one by one.
const CELLS_MAX: u64 = 64;

/// The indices in sight, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    from: u64,
    to: u64,
}

impl Window {
    /// The newest entries of any node, or all entries that some node still has.
    fn of(status: &Status, all: bool) -> Self {
        let nodes = || status.nodes.iter().filter(|n| n.last_index > 0);
        let to = nodes().map(|n| n.last_index).max().unwrap_or(1);
        let first = nodes().map(|n| n.first_index).min().unwrap_or(1);
        let from = match all {
            true => first,
            false => first.max(to.saturating_sub(TAIL - 1)),
        };
        // A short log does not fill the width: a single entry is no wide bar.
        let to = to.max(from.saturating_add(TAIL - 1));
        Self { from, to }
    }

    fn len(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }

    /// Where an index begins, in percent of the width.
    fn at(self, index: u64) -> f64 {
        let before = index.clamp(self.from, self.to.saturating_add(1)) - self.from;
        100.0 * before as f64 / self.len() as f64
    }

    /// Place and width of the entries from one index to another, if any is in sight.
    fn place(self, first: u64, last: u64) -> Option<(f64, f64)> {
        let (first, last) = (first.max(self.from), last.min(self.to));
        let end = last.saturating_add(1);
        (first <= last).then(|| (self.at(first), self.at(end) - self.at(first)))
    }
}

/// A stretch of a row.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    left: f64,
    width: f64,
    entries: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not in the log any more: the snapshot has it.
    Folded {
        snapshot: u64,
    },
    Committed {
        term: u64,
    },
    Uncommitted {
        term: u64,
    },
}

fn stretches(node: &NodeStatus, window: Window) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut add = |first: u64, last: u64, kind: Kind| {
        if let Some((left, width)) = window.place(first, last) {
            let entries = last.min(window.to) - first.max(window.from) + 1;
            stretches.push(Stretch {
                left,
                width,
                entries,
                kind,
            });
        }
    };
    let snapshot = node.snapshot_index;
    if node.first_index > 1 {
        add(1, node.first_index - 1, Kind::Folded { snapshot });
    }
    let later = node.terms.iter().skip(1);
    let ends = later.map(|(begins, _)| begins.saturating_sub(1));
    let ends = ends.chain([node.last_index]);
    for ((begins, term), end) in node.terms.iter().copied().zip(ends) {
        if begins <= node.commit {
            add(begins, end.min(node.commit), Kind::Committed { term });
        }
        if end > node.commit {
            let first = begins.max(node.commit.saturating_add(1));
            add(first, end, Kind::Uncommitted { term });
        }
    }
    stretches
}

#[component]
pub fn Logs(feed: Feed) -> impl IntoView {
    let all = RwSignal::new(false);
    let window = Memo::new(move |_| feed.shown(|s| Window::of(s, all.get())));
    let ends = move || {
        let Window { from, to } = window.get();
        format!("{} to {}", grouped(from), grouped(to))
    };
    view! {
        <section class="logs" aria-labelledby="logs-title">
            <div class="head">
                <h2 id="logs-title">"Logs"</h2>
                <span class="count" title="Indices in sight">{ends}</span>
                <AsOf feed />
                <div class="choosers">
                    <label>
                        <span>"Show"</span>
                        <select data-testid="logs-window"
                            on:change=move |ev| all.set(event_target_value(&ev) == "all")>
                            <option value="tail">"the newest entries"</option>
                            <option value="all">"all entries"</option>
                        </select>
                    </label>
                </div>
            </div>
            <ol data-testid="logs">
                <For each=move || feed.shown_ids.get() key=|id| *id let:id>
                    <Row feed id window />
                </For>
            </ol>
            <p class="hint legend">
                <span class="sample committed"></span>"committed "
                <span class="sample uncommitted"></span>"not yet "
                <span class="sample folded"></span>"in the snapshot "
                <span class="sample mark"></span>"applied so far. The number is the term."
            </p>
        </section>
    }
}

#[component]
fn Row(feed: Feed, id: u64, window: Memo<Window>) -> impl IntoView {
    let node = feed.node(id);
    let parts = Memo::new(move |_| node.with(|n| stretches(n, window.get())));
    let applied = move || {
        let window = window.get();
        node.with(|n| {
            let seen = n.applied >= window.from && n.applied > 0;
            seen.then(|| format!("{:.3}%", window.at(n.applied.saturating_add(1))))
        })
    };
    let cells = move || match window.get().len() {
        many if many <= CELLS_MAX => "track cells",
        _ => "track",
    };
    let gone = move || node.with(|n| matches!(n.state, State::Stopped | State::Failed));
    view! {
        <li class:gone=gone data-testid=format!("log-{id}")>
            <span class="name">"node " {id}</span>
            <div class=cells aria-hidden="true">
                {move || parts.get().into_iter().map(draw).collect_view()}
                {move || applied().map(|place| view! { <i class="applied" style:left=place></i> })}
            </div>
            <span class="unseen">{move || node.with(words)}</span>
        </li>
    }
}

fn draw(stretch: Stretch) -> impl IntoView {
    let Stretch {
        left,
        width,
        entries,
        kind,
    } = stretch;
    // Each by itself: the page's policy allows no style attribute.
    let (left, width) = (format!("{left:.3}%"), format!("{width:.3}%"));
    let entries = entries.to_string();
    let (class, text, title) = match kind {
        Kind::Folded { snapshot } => (
            "folded".to_owned(),
            String::new(),
            format!("Compacted: the snapshot at {} has it", grouped(snapshot)),
        ),
        Kind::Committed { term } => (
            format!("term-{}", term % LOOKS),
            term.to_string(),
            format!("Term {term}, committed"),
        ),
        Kind::Uncommitted { term } => (
            format!("open term-{}", term % LOOKS),
            term.to_string(),
            format!("Term {term}, not known to be committed"),
        ),
    };
    view! {
        <b class=class title=title
            style:left=left style:width=width style=("--entries", entries)>{text}</b>
    }
}

/// The row in words.
fn words(node: &NodeStatus) -> String {
    if node.last_index < node.first_index || node.last_index == 0 {
        return match node.snapshot_index {
            0 => "An empty log.".to_owned(),
            index => format!("An empty log after the snapshot at {index}."),
        };
    }
    let terms: Vec<String> = node
        .terms
        .iter()
        .map(|(begins, term)| format!("term {term} from {begins}"))
        .collect();
    format!(
        "Entries {} to {}, {}; committed up to {}, applied up to {}.",
        node.first_index,
        node.last_index,
        terms.join(", "),
        node.commit,
        node.applied
    )
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn node(first: u64, last: u64, commit: u64, terms: &[(u64, u64)]) -> NodeStatus {
        NodeStatus {
            first_index: first,
            last_index: last,
            commit,
            applied: commit,
            snapshot_index: first.saturating_sub(1),
            terms: terms.to_vec(),
            ..NodeStatus::unknown(1)
        }
    }

    fn window(nodes: Vec<NodeStatus>, all: bool) -> Window {
        let status = Status {
            nodes,
            ..Status::default()
        };
        Window::of(&status, all)
    }

    #[test]
    fn the_window_follows_the_end_or_has_all() {
        assert_eq!(window(vec![], false), Window { from: 1, to: 48 });
        let nodes = vec![node(1, 5, 5, &[(1, 1)]), node(0, 0, 0, &[])];
        assert_eq!(window(nodes, false), Window { from: 1, to: 48 });
        let nodes = vec![
            node(501, 1_000, 990, &[(501, 2)]),
            node(301, 900, 890, &[(301, 2)]),
        ];
        assert_eq!(
            window(nodes.clone(), false),
            Window {
                from: 953,
                to: 1_000
            }
        );
        assert_eq!(
            window(nodes, true),
            Window {
                from: 301,
                to: 1_000
            }
        );
    }

    #[test]
    fn a_row_has_what_is_folded_committed_and_not() {
        let window = Window { from: 1, to: 100 };
        let kinds: Vec<_> = stretches(&node(11, 60, 55, &[(11, 2), (31, 3), (51, 7)]), window)
            .into_iter()
            .map(|s| (s.left, s.width, s.entries, s.kind))
            .collect();
        let wanted = [
            (0.0, 10.0, 10, Kind::Folded { snapshot: 10 }),
            (10.0, 20.0, 20, Kind::Committed { term: 2 }),
            (30.0, 20.0, 20, Kind::Committed { term: 3 }),
            (50.0, 5.0, 5, Kind::Committed { term: 7 }),
            (55.0, 5.0, 5, Kind::Uncommitted { term: 7 }),
        ];
        assert_eq!(kinds, wanted);
        // What lies before the window is not drawn.
        let later = Window { from: 58, to: 157 };
        let kinds: Vec<_> = stretches(&node(11, 60, 55, &[(11, 2), (31, 7)]), later);
        assert_eq!(kinds.len(), 1);
        assert_eq!((kinds[0].left, kinds[0].entries), (0.0, 3));
        assert!(stretches(&node(0, 0, 0, &[]), window).is_empty());
        // Nor is what no replica would say a reason to stop.
        let odd = node(9, u64::MAX, u64::MAX, &[(0, 1), (0, 2), (u64::MAX, 3)]);
        for all in [false, true] {
            let status = Status {
                nodes: vec![odd.clone(), node(u64::MAX, 1, 0, &[(5, 1)])],
                ..Status::default()
            };
            let window = Window::of(&status, all);
            assert!(
                status
                    .nodes
                    .iter()
                    .flat_map(|n| stretches(n, window))
                    .count()
                    < 9
            );
        }
    }

    #[test]
    fn a_row_is_told_in_words() {
        let told = words(&node(11, 60, 55, &[(11, 2), (51, 7)]));
        let wanted = "Entries 11 to 60, term 2 from 11, term 7 from 51; committed up to 55, applied \
                      up to 55.";
        assert_eq!(told, wanted);
        assert_eq!(
            words(&node(11, 10, 10, &[])),
            "An empty log after the snapshot at 10."
        );
        assert_eq!(words(&node(0, 0, 0, &[])), "An empty log.");
    }
}
