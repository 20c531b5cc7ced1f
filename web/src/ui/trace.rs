//! The way of one write through the cluster as a table: a row a node, a column a step.

use std::collections::BTreeMap;

use crate::model::Step;

/// The columns: a letter, the names of the steps that fall under it, and what it stands for in
/// the words of Raft's paper.
pub const COLUMNS: [(char, &[&str], &str); 6] = [
    (
        'A',
        &["proposed", "received"],
        "proposed by the leader, received by a follower",
    ),
    ('B', &["persisted"], "persisted in the WAL"),
    ('C', &["sent"], "sent to the followers"),
    (
        'D',
        &["committed"],
        "committed: a majority has persisted it, as a follower learns later",
    ),
    ('E', &["applied"], "applied to the store"),
    ('F', &["replied"], "replied to the client"),
];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub node: u64,
    /// Whether the write was proposed here.
    pub proposed: bool,
    /// Milliseconds since the earliest step of all; `None` where it is not known.
    pub at_ms: [Option<f64>; COLUMNS.len()],
}

/// The rows, by node.
pub fn rows(steps: &[Step]) -> Vec<Row> {
    let start = steps.iter().map(|s| s.at_ms).fold(f64::INFINITY, f64::min);
    let mut rows = BTreeMap::<u64, Row>::new();
    for step in steps {
        let named = |names: &[&str]| names.contains(&step.step.as_str());
        let Some(column) = COLUMNS.iter().position(|(_, names, _)| named(names)) else {
            continue;
        };
        let row = rows.entry(step.node).or_default();
        row.node = step.node;
        row.proposed |= step.step == "proposed";
        // A step told of twice counts from the first time.
        let at_ms = step.at_ms - start;
        let known = &mut row.at_ms[column];
        *known = Some(known.map_or(at_ms, |known| known.min(at_ms)));
    }
    rows.into_values().collect()
}

/// A time in a narrow column: "0.0", "12.3", "1234"; "-" where it is not known.
pub fn cell(at_ms: Option<f64>) -> String {
    match at_ms {
        None => "-".to_owned(),
        Some(ms) if ms < 99.95 => format!("{ms:.1}"),
        Some(ms) => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_write_from_its_proposal_to_its_reply() {
        let step = |node, step: &str, at_ms| Step {
            node,
            step: step.to_owned(),
            at_ms,
        };
        let steps = [
            step(2, "received", 1_001.5),
            step(1, "proposed", 1_000.0),
            step(1, "sent", 1_000.5),
            step(1, "sent", 1_004.0),
            step(1, "replied", 1_250.0),
            step(1, "dreamt", 0.0),
        ];
        let rows = rows(&steps[..5]);
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.at_ms.into_iter().map(cell).collect())
            .collect();
        assert_eq!(cells[0], ["0.0", "-", "0.5", "-", "-", "250"]);
        assert_eq!(cells[1], ["1.5", "-", "-", "-", "-", "-"]);
        assert_eq!((rows[0].proposed, rows[1].proposed), (true, false));
        assert_eq!(super::rows(&[]), []);
        assert_eq!(super::rows(&steps[5..]), []);
    }
}
