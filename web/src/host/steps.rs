//! When a replica's log came how far: the times of a write's steps, for whoever asks.
//!
//! Every step of a replica only moves forward along its log, so it is enough to note the time
//! whenever one of them moves: a point a batch, not one an entry.

use std::collections::VecDeque;

use tabraft::node::Marks;

use crate::model::Step;

/// Points kept; older writes are forgotten.
const POINTS_MAX: usize = 8_192;

struct Point {
    at_ms: f64,
    leads: bool,
    marks: Marks,
}

/// The points of one replica, in order of time.
#[derive(Default)]
pub struct Steps {
    points: VecDeque<Point>,
}

/// A step's name on a leader and on another replica; `None` where there is no such step.
type Names = (Option<&'static str>, Option<&'static str>);

/// Where a step stands among the marks.
type Mark = fn(&Marks) -> u64;

const STEPS: [(Names, Mark); 6] = [
    ((Some("proposed"), Some("received")), |marks| marks.last),
    ((Some("sent"), None), |marks| marks.sent),
    ((Some("persisted"), Some("persisted")), |marks| {
        marks.persisted
    }),
    ((Some("committed"), Some("committed")), |marks| {
        marks.committed
    }),
    ((Some("applied"), Some("applied")), |marks| marks.applied),
    // A leader answers in the same turn.
    ((Some("replied"), None), |marks| marks.applied),
];

impl Steps {
    pub fn note(&mut self, at_ms: f64, leads: bool, marks: Marks) {
        if self.points.back().is_some_and(|last| last.marks == marks) {
            return;
        }
        if self.points.len() == POINTS_MAX {
            self.points.pop_front();
        }
        self.points.push_back(Point {
            at_ms,
            leads,
            marks,
        });
    }

    /// The steps that the entry at `index` went through here, as far as is remembered. Of an entry
    /// that was replaced, those of the one in its place.
    pub fn of(&self, node: u64, index: u64) -> Vec<Step> {
        // Whoever came to lead later neither sent it first nor answers for it.
        let oldest = || self.points.front().filter(|it| it.marks.last >= index);
        let came = self.crossing(index, |marks| marks.last).or_else(oldest);
        let proposed = came.is_some_and(|point| point.leads);
        let steps = STEPS.iter().filter_map(|((leading, following), mark)| {
            let point = self.crossing(index, mark)?;
            let name = match point.leads {
                true if following.is_none() && !proposed => return None,
                true => leading,
                false => following,
            };
            Some(Step {
                node,
                step: (*name)?.into(),
                at_ms: point.at_ms,
            })
        });
        steps.collect()
    }

    /// The steps that the entry at `index` had gone through before the first point.
    pub fn earlier(&self, index: u64) -> Vec<String> {
        let Some(first) = self.points.front() else {
            return Vec::new();
        };
        let gone = STEPS.iter().filter(|(_, mark)| mark(&first.marks) >= index);
        let names = gone.filter_map(|((leading, following), _)| match first.leads {
            true => *leading,
            false => *following,
        });
        names.map(str::to_owned).collect()
    }

    /// The last point at which a mark came to be at `index` or beyond.
    fn crossing(&self, index: u64, mark: impl Fn(&Marks) -> u64) -> Option<&Point> {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        let crosses = |(before, after): &(&Point, &Point)| {
            mark(&before.marks) < index && index <= mark(&after.marks)
        };
        pairs.filter(crosses).last().map(|(_, after)| after)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn marks(last: u64, applied: u64) -> Marks {
        Marks {
            last,
            sent: last,
            persisted: applied,
            committed: applied,
            applied,
        }
    }

    #[test]
    fn what_is_not_remembered_is_told_apart_from_what_is_not_yet() {
        let mut steps = Steps::default();
        assert_eq!(steps.earlier(1), Vec::<String>::new());
        steps.note(1.0, true, marks(5, 4));
        steps.note(2.0, true, marks(6, 5));
        let names = |index| {
            let of = steps.of(1, index).into_iter();
            (steps.earlier(index), of.map(|s| s.step).collect::<Vec<_>>())
        };
        let all = [
            "proposed",
            "sent",
            "persisted",
            "committed",
            "applied",
            "replied",
        ];
        assert_eq!(names(4), (all.map(str::to_owned).into(), vec![]));
        let (earlier, of) = names(5);
        assert_eq!(earlier, ["proposed", "sent"]);
        assert_eq!(of, ["persisted", "committed", "applied", "replied"]);
        // Led by another when it came: this one sent and answered nothing of it.
        let mut later = Steps::default();
        let mut unsent = marks(5, 4);
        unsent.sent = 0;
        later.note(1.0, false, Marks { last: 4, ..unsent });
        later.note(2.0, false, unsent);
        later.note(3.0, true, marks(6, 5));
        let of: Vec<_> = later.of(1, 5).into_iter().map(|s| s.step).collect();
        assert_eq!(of, ["received", "persisted", "committed", "applied"]);
        let (earlier, of) = names(6);
        assert!(earlier.is_empty(), "{earlier:?}");
        assert_eq!(of, ["proposed", "sent"]);
    }
}
