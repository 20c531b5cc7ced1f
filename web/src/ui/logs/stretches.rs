//! The stretches of a row: by term, committed or not, or folded away; and the row in words. However
//! long a log is, a row has no more stretches than its status has terms.

use super::window::Window;
use crate::model::{NodeStatus, Progress};
use crate::ui::followers;

/// Terms take turns with so many looks.
pub const LOOKS: u64 = 6;

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

/// How far its leader knows the log to be, in words.
pub fn known_words(known: &Progress) -> String {
    match followers::answered(known) {
        Some(matched) => format!(
            " The leader knows it to match up to {matched} and sends {} next.",
            known.next
        ),
        None => format!(
            " The leader does not know yet what it has, and sends {} next.",
            known.next
        ),
    }
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
        let odd = [odd, node(u64::MAX, 1, 0, &[(5, 1)])];
        for from in [0, u64::MAX - 9] {
            let window = Window { from, to: u64::MAX };
            let drawn = odd.iter().flat_map(|n| stretches(n, window));
            assert!(drawn.count() < 9);
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
        let known = Progress {
            id: 2,
            matched: 55,
            next: 58,
        };
        let wanted = " The leader knows it to match up to 55 and sends 58 next.";
        assert_eq!(known_words(&known), wanted);
    }

    #[test]
    fn an_entry_is_told_in_words() {
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
        for from in [1, 3_199_953] {
            let window = Window {
                from,
                to: 3_200_000,
            };
            assert!(stretches(&long, window).len() <= 2 * 32 + 1);
        }
    }
}
