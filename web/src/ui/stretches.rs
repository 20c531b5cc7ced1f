//! What of each log is in sight, and its stretches: by term, committed or not, or folded away. However
//! long a log is, a row has no more stretches than its status has terms.

use crate::model::{NodeStatus, Status};

/// Entries in the window that follows the end.
const TAIL: u64 = 48;
/// Terms take turns with so many looks.
pub const LOOKS: u64 = 6;

/// The indices in sight, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: u64,
    pub to: u64,
}

impl Window {
    /// The newest entries of any node, or all entries that some node still has.
    pub fn of(status: &Status, all: bool) -> Self {
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

    pub fn len(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }

    /// Where an index begins, in percent of the width.
    pub fn at(self, index: u64) -> f64 {
        let before = index.clamp(self.from, self.to.saturating_add(1)) - self.from;
        100.0 * before as f64 / self.len() as f64
    }

    /// The index at a part of the width, from 0 to 1.
    pub fn index_at(self, part: f64) -> u64 {
        let after = (part.clamp(0.0, 1.0) * self.len() as f64) as u64;
        self.from.saturating_add(after).min(self.to)
    }

    /// Place and width of the entries from one index to another, if any is in sight.
    pub fn place(self, first: u64, last: u64) -> Option<(f64, f64)> {
        let (first, last) = (first.max(self.from), last.min(self.to));
        let end = last.saturating_add(1);
        (first <= last).then(|| (self.at(first), self.at(end) - self.at(first)))
    }
}

/// A stretch of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    pub left: f64,
    pub width: f64,
    pub entries: u64,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

pub fn stretches(node: &NodeStatus, window: Window) -> Vec<Stretch> {
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

/// The row in words.
pub fn words(node: &NodeStatus) -> String {
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

/// One entry of a log in words, as far as its status tells.
pub fn entry_words(node: &NodeStatus, index: u64) -> String {
    if index < node.first_index {
        return "compacted".to_owned();
    }
    if index > node.last_index {
        return "not there".to_owned();
    }
    let begun = node.terms.iter().rev().find(|(begins, _)| *begins <= index);
    let term = begun.map_or_else(
        || "an older term".to_owned(),
        |(_, term)| format!("term {term}"),
    );
    match index <= node.commit {
        true => format!("{term}, committed"),
        false => format!("{term}, not known to be committed"),
    }
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

    #[test]
    fn an_index_is_found_by_its_place_and_told() {
        let window = Window { from: 11, to: 20 };
        for (part, index) in [
            (-1.0, 11),
            (0.0, 11),
            (0.49, 15),
            (0.5, 16),
            (1.0, 20),
            (9.0, 20),
        ] {
            assert_eq!(window.index_at(part), index);
        }
        assert_eq!(window.index_at(f64::NAN), 11);
        // As exact as it can be seen: a million entries on a thousand pixels.
        let window = Window {
            from: 1,
            to: 1_000_000,
        };
        assert_eq!(window.index_at(window.at(500_001) / 100.0), 500_001);
        let node = node(11, 60, 55, &[(21, 2), (51, 7)]);
        assert_eq!(entry_words(&node, 10), "compacted");
        assert_eq!(entry_words(&node, 11), "an older term, committed");
        assert_eq!(entry_words(&node, 50), "term 2, committed");
        assert_eq!(entry_words(&node, 60), "term 7, not known to be committed");
        assert_eq!(entry_words(&node, 61), "not there");
    }

    #[test]
    fn a_long_log_costs_no_more_than_a_short_one() {
        let terms: Vec<(u64, u64)> = (0..32).map(|n| (1 + n * 100_000, n + 1)).collect();
        let long = node(1, 3_200_000, 3_100_000, &terms);
        let status = Status {
            nodes: vec![long.clone()],
            ..Status::default()
        };
        for all in [false, true] {
            assert!(stretches(&long, Window::of(&status, all)).len() <= 2 * 32 + 1);
        }
    }
}
