//! What happened at one moment: crashes, stops, snapshots, conf changes, contradictions.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Event, NodeStatus, State};

/// Marks kept; the oldest are dropped.
pub const MARKS_MAX: usize = 400;
/// An end that was told and one that was seen are the same within so many milliseconds.
const SAME_MS: f64 = 2_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Started,
    Snapshot,
    Conf,
    Paused,
    Links,
    /// Ended in order, or nobody told how.
    Stopped,
    Crashed,
    /// Its host gave up.
    Failed,
    /// The live judge found that the answers contradict each other.
    Contradiction,
}

impl Kind {
    /// For `data-kind` and the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Snapshot => "snapshot",
            Self::Conf => "conf",
            Self::Paused => "paused",
            Self::Links => "links",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Failed => "failed",
            Self::Contradiction => "contradiction",
        }
    }

    /// The glyph, as an SVG path in a box from -6 to 6.
    pub fn path(self) -> &'static str {
        match self {
            Self::Started => "M-2.5-4 4 0-2.5 4Z",
            Self::Snapshot => "M0-4.5 4.5 0 0 4.5-4.5 0Z",
            Self::Conf => "M-4.5 0H4.5M0-4.5V4.5",
            Self::Paused => "M-2.5-4V4M2.5-4V4",
            Self::Links => "M-5 0H-2M2 0H5M-1 3 1-3",
            Self::Stopped => "M-3.5-3.5H3.5V3.5H-3.5Z",
            Self::Crashed => "M-4-4 4 4M-4 4 4-4",
            Self::Failed => "M0-4.5 4.5 4H-4.5Z",
            Self::Contradiction => "M0-5V1M0 4.2V4.8",
        }
    }

    fn ends(self) -> bool {
        matches!(self, Self::Stopped | Self::Crashed | Self::Failed)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Milliseconds of the Unix epoch.
    pub at_ms: f64,
    /// 0 for the cluster as a whole.
    pub node: u64,
    pub kind: Kind,
    /// One sentence for people.
    pub text: String,
}

impl Mark {
    /// What an event is on the timeline, if anything.
    fn of(event: &Event) -> Option<Self> {
        // Its teller's words, for want of a code.
        let says = |words: &str| event.text.contains(words);
        let kind = match event.kind.as_str() {
            "snapshot" => Kind::Snapshot,
            "conf" => Kind::Conf,
            "link" => Kind::Links,
            "host" if says("was crashed.") => Kind::Crashed,
            "host" if says(" failed. ") => Kind::Failed,
            "host" if says("begins anew from its disk") || says("host had ended") => Kind::Stopped,
            _ => return None,
        };
        event.at_ms.is_finite().then(|| Self {
            at_ms: event.at_ms,
            node: event.node,
            kind,
            text: event.text.clone(),
        })
    }
}

/// By time.
#[derive(Debug, Default)]
pub struct Marks(VecDeque<Mark>);

impl FromIterator<Mark> for Marks {
    fn from_iter<I: IntoIterator<Item = Mark>>(marks: I) -> Self {
        Self(marks.into_iter().collect())
    }
}

impl Marks {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Mark> {
        self.0.iter()
    }

    /// Takes what was told.
    pub fn hear(&mut self, event: &Event) {
        let Some(mark) = Mark::of(event) else { return };
        if mark.kind.ends() {
            // What was seen of it says less.
            self.0.retain(|m| {
                let same = m.node == mark.node && (m.at_ms - mark.at_ms).abs() < SAME_MS;
                !(same && m.kind == Kind::Stopped)
            });
        }
        self.add(mark);
    }

    /// Takes what two looks show, the later one at `now_ms` of the Unix epoch.
    pub fn compare(&mut self, now_ms: f64, before: &[Arc<NodeStatus>], after: &[NodeStatus]) {
        for node in after {
            let Some(was) = before.iter().find(|n| n.id == node.id) else {
                continue;
            };
            let id = node.id;
            let (kind, text) = match (was.state, node.state) {
                (was, is) if was == is => continue,
                (_, State::Failed) => (Kind::Failed, format!("Node {id} failed. {}", node.problem)),
                (_, State::Stopped) => (Kind::Stopped, format!("Node {id} stopped.")),
                (_, State::Paused) => (Kind::Paused, format!("Node {id} was paused.")),
                (State::Paused, State::Running) => continue,
                // It ran before it was heard of, as far as anybody knows.
                _ if was.epoch == 0 && was.term == 0 => continue,
                (_, State::Running) => (Kind::Started, format!("Node {id} started.")),
            };
            let told =
                |m: &Mark| m.node == id && m.kind.ends() && (m.at_ms - now_ms).abs() < SAME_MS;
            if kind.ends() && self.0.iter().rev().any(told) {
                continue;
            }
            self.add(Mark {
                at_ms: now_ms,
                node: id,
                kind,
                text,
            });
        }
    }

    /// Takes a contradiction that was found just now.
    pub fn contradict(&mut self, now_ms: f64, what: &str) {
        self.add(Mark {
            at_ms: now_ms,
            node: 0,
            kind: Kind::Contradiction,
            text: format!("Found: not linearizable, {what}."),
        });
    }

    fn add(&mut self, mark: Mark) {
        if self.0.len() >= MARKS_MAX {
            self.0.pop_front();
        }
        // Nearly always at the end.
        let later = self.0.iter().rev().take_while(|m| m.at_ms > mark.at_ms);
        let place = self.0.len() - later.count();
        self.0.insert(place, mark);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::history::tests::led;
    use super::*;

    fn event(at_ms: f64, node: u64, kind: &str, text: &str) -> Event {
        Event {
            seq: 0,
            at_ms,
            node,
            kind: kind.to_owned(),
            text: text.to_owned(),
            term: 0,
        }
    }

    fn kinds(marks: &Marks) -> Vec<(f64, u64, Kind)> {
        marks.iter().map(|m| (m.at_ms, m.node, m.kind)).collect()
    }

    fn seen(marks: &mut Marks, now_ms: f64, node: u64, was: State, is: State) {
        let (mut before, mut after) = (led(1, 1), led(1, 1));
        before.nodes[node as usize - 1].state = was;
        after.nodes[node as usize - 1].state = is;
        let before: Vec<_> = before.nodes.into_iter().map(Arc::new).collect();
        marks.compare(now_ms, &before, &after.nodes);
    }

    #[test]
    fn an_end_that_is_told_and_seen_is_one() {
        let crash = event(5_000.0, 2, "host", "Node 2 was crashed.");
        for told_first in [true, false] {
            let mut marks = Marks::default();
            if told_first {
                marks.hear(&crash);
            }
            seen(&mut marks, 5_250.0, 2, State::Running, State::Stopped);
            if !told_first {
                marks.hear(&crash);
            }
            assert_eq!(kinds(&marks), [(5_000.0, 2, Kind::Crashed)]);
            // A later one is another.
            seen(&mut marks, 9_000.0, 2, State::Stopped, State::Running);
            seen(&mut marks, 9_500.0, 2, State::Running, State::Stopped);
            assert_eq!(marks.iter().count(), 3);
        }
    }

    #[test]
    fn what_is_seen_has_words() {
        let mut marks = Marks::default();
        seen(&mut marks, 1.0, 3, State::Running, State::Paused);
        seen(&mut marks, 2.0, 3, State::Paused, State::Running);
        seen(&mut marks, 3.0, 1, State::Stopped, State::Failed);
        seen(&mut marks, 4.0, 2, State::Failed, State::Running);
        marks.contradict(5.0, "key \"x\": no order explains it");
        let texts: Vec<_> = marks.iter().map(|m| m.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Node 3 was paused.",
                "Node 1 failed. ",
                "Node 2 started.",
                "Found: not linearizable, key \"x\": no order explains it."
            ]
        );
    }

    #[test]
    fn events_are_kept_by_time_and_bounded() {
        let mut marks = Marks::default();
        marks.hear(&event(20.0, 1, "snapshot", "Node 1 took a snapshot."));
        marks.hear(&event(10.0, 0, "link", "2 one-way links are cut."));
        marks.hear(&event(30.0, 1, "role", "Node 1 leads in term 2."));
        marks.hear(&event(f64::NAN, 1, "conf", "Node 1 applied a conf change."));
        assert_eq!(
            kinds(&marks),
            [(10.0, 0, Kind::Links), (20.0, 1, Kind::Snapshot)]
        );
        for i in 0..2 * MARKS_MAX {
            marks.hear(&event(100.0 + i as f64, 1, "conf", "Changed."));
            assert!(marks.iter().count() <= MARKS_MAX);
        }
    }
}
