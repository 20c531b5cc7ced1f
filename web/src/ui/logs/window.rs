//! Which indices are in sight: of all that the logs have, a part that follows the newest or stays at
//! its place, or all of them.

use crate::model::{NodeStatus, Role, State, Status};

/// Entries in sight, unless all are.
pub const IN_SIGHT: u64 = 48;
/// Entries between one that is looked for and the window's edge, if there are so many; and, at the
/// beginning, those in sight that are folded into the snapshot.
const AROUND: u64 = 2;
/// What comes between two reports of a node that works hard is no more than that.
const TOLD_APART: u64 = 2_048;

/// What the logs have: the first entry that some node still has, and the newest of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub first: u64,
    /// Not before the first.
    pub last: u64,
}

impl Kept {
    pub fn of(status: &Status) -> Self {
        let nodes = || status.nodes.iter().filter(|n| n.last_index > 0);
        let newest = nodes().map(|n| n.last_index).max().unwrap_or(1);
        let last = told_by_all(status).unwrap_or(newest).max(1);
        let first = nodes().map(|n| n.first_index).min().unwrap_or(1);
        Self {
            first: first.clamp(1, last),
            last,
        }
    }

    pub fn has(self, index: u64) -> bool {
        (self.first..=self.last).contains(&index)
    }

    /// Where the window begins that shows the oldest of them, with some that are folded.
    fn oldest(self) -> u64 {
        self.first.saturating_sub(AROUND).max(1)
    }

    /// Where the window begins that shows the newest of them.
    fn newest(self) -> u64 {
        let from = self.last.saturating_sub(IN_SIGHT - 1);
        from.max(self.oldest())
    }

    /// All of them, with as large a part that is folded as other windows have.
    fn all(self) -> Window {
        let entries = (self.last - self.first).saturating_add(1).max(IN_SIGHT);
        let folded = entries / IN_SIGHT * AROUND;
        let from = self.first.saturating_sub(folded).max(1);
        Window {
            from,
            to: self.last.max(from.saturating_add(IN_SIGHT - 1)),
        }
    }

    /// All of them, and a window that may be elsewhere: compacted meanwhile, or not there yet at the
    /// moment of the past that is shown.
    pub fn with(self, window: Window) -> Window {
        Window {
            from: self.first.min(window.from),
            to: self.last.max(window.to),
        }
    }
}

/// The newest entry that the leader and all who follow it have told of. Each node tells at moments of its
/// own, and under load hundreds of entries come between two of them: rows of different moments would show
/// a follower ahead of its leader, which cannot be, or far behind it, which it is not. `None` while nobody
/// leads.
fn told_by_all(status: &Status) -> Option<u64> {
    let runs = |n: &&NodeStatus| n.state == State::Running;
    let mut leaders = status.nodes.iter().filter(runs);
    let leader = leaders.find(|n| n.id == status.leader && n.role == Role::Leader)?;
    let follows =
        |n: &NodeStatus| n.id == leader.id || (n.term, n.leader) == (leader.term, leader.id);
    // The leader knows it to have more than it told itself.
    let is_late = |n: &&NodeStatus| {
        let known = leader.progress.iter().find(|p| p.id == n.id);
        let apart = leader.last_index.saturating_sub(n.last_index);
        known.is_some_and(|p| p.matched > n.last_index) && apart <= TOLD_APART
    };
    let late = status
        .nodes
        .iter()
        .filter(runs)
        .filter(|n| follows(n))
        .filter(is_late);
    let together = late.map(|n| n.last_index).fold(leader.last_index, u64::min);
    // One that is cut off may have entries that no other has.
    let others = status
        .nodes
        .iter()
        .filter(|n| !follows(n))
        .map(|n| n.last_index);
    Some(others.fold(together, u64::max))
}

/// Which part of the logs a person wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The newest entries, whatever is added.
    #[default]
    Newest,
    /// Those from an index on, whatever is added or compacted.
    From(u64),
    All,
}

impl View {
    pub fn window(self, kept: Kept) -> Window {
        let from = match self {
            View::All => return kept.all(),
            View::Newest => kept.newest(),
            View::From(from) => from,
        };
        // A short log does not fill the width: a single entry is no wide bar.
        Window {
            from,
            to: from.saturating_add(IN_SIGHT - 1),
        }
    }

    /// The view from an index on, or as near as the logs have it. At their end it follows the
    /// newest; where all was compacted since, it is not driven on from `now`, the window in sight.
    pub fn beginning(from: u64, kept: Kept, now: Window) -> Self {
        let from = from.max(kept.oldest().min(now.from));
        match from >= kept.newest() {
            true => View::Newest,
            false => View::From(from),
        }
    }

    /// The view with an index in its middle.
    pub fn around(index: u64, kept: Kept, now: Window) -> Self {
        Self::beginning(index.saturating_sub(IN_SIGHT / 2), kept, now)
    }

    /// The view that has an index in sight and moves no further than that.
    pub fn revealing(self, index: u64, kept: Kept, now: Window) -> Self {
        let before = index.saturating_sub(AROUND);
        let after = index.saturating_add(AROUND).saturating_sub(IN_SIGHT - 1);
        match index {
            index if index < now.from => Self::beginning(before, kept, now),
            index if index > now.to => Self::beginning(after, kept, now),
            _ => self,
        }
    }

    /// The view so many entries further on, or back. Where all entries are in sight there is nothing
    /// to scroll.
    pub fn scrolled(self, by: i64, kept: Kept, now: Window) -> Self {
        match self {
            View::All => self,
            _ => Self::beginning(now.from.saturating_add_signed(by), kept, now),
        }
    }
}

/// Indices in sight, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: u64,
    pub to: u64,
}

impl Window {
    pub fn len(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }

    pub fn has(self, index: u64) -> bool {
        (self.from..=self.to).contains(&index)
    }

    /// Where an index begins, in percent of the width.
    pub fn at(self, index: u64) -> f64 {
        let before = index.clamp(self.from, self.to.saturating_add(1)) - self.from;
        100.0 * before as f64 / self.len() as f64
    }

    /// Where the line before an index is, in percent of the width, if it is in sight.
    pub fn line(self, before: u64) -> Option<f64> {
        let is_seen = (self.from..=self.to.saturating_add(1)).contains(&before);
        is_seen.then(|| self.at(before))
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

    /// This as the thumb of a scroll bar of `whole`, which has it in it: how much of the way it has
    /// gone, and its part of the length, both from 0 to 1.
    pub fn thumb(self, whole: Window) -> (f64, f64) {
        let way = whole.len().saturating_sub(self.len());
        let gone = self.from.saturating_sub(whole.from);
        let part = self.len() as f64 / whole.len() as f64;
        (gone as f64 / way.max(1) as f64, part)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::Progress;

    fn kept(logs: &[(u64, u64)]) -> Kept {
        let node = |&(first_index, last_index): &(u64, u64)| NodeStatus {
            first_index,
            last_index,
            ..NodeStatus::unknown(1)
        };
        Kept::of(&Status {
            nodes: logs.iter().map(node).collect(),
            ..Status::default()
        })
    }

    #[test]
    fn rows_of_different_moments_end_together() {
        let node = |id, (term, last_index)| NodeStatus {
            state: State::Running,
            role: if id == 1 {
                Role::Leader
            } else {
                Role::Follower
            },
            leader: 1,
            term,
            first_index: 1,
            last_index,
            ..NodeStatus::unknown(id)
        };
        let last = |leads: u64, logs: [(u64, u64); 3], matched: u64| {
            let mut nodes: Vec<_> = (1..).zip(logs).map(|(id, log)| node(id, log)).collect();
            nodes[0].progress = vec![Progress {
                id: 2,
                matched,
                next: matched + 1,
            }];
            let status = Status {
                leader: leads,
                nodes,
                ..Status::default()
            };
            Kept::of(&status).last
        };
        // A follower told later than its leader, or earlier.
        assert_eq!(last(1, [(4, 900), (4, 980), (4, 910)], 900), 900);
        assert_eq!(last(1, [(4, 900), (4, 820), (4, 900)], 890), 820);
        // It is behind, as the leader knows, or has not told for long.
        assert_eq!(last(1, [(4, 900), (4, 820), (4, 900)], 820), 900);
        assert_eq!(last(1, [(4, 9_000), (4, 20), (4, 9_000)], 890), 9_000);
        // What a leader of before has alone is in sight; and all, while nobody leads.
        assert_eq!(last(1, [(4, 25), (3, 27), (4, 25)], 24), 27);
        assert_eq!(last(0, [(4, 900), (4, 980), (4, 910)], 900), 980);
    }

    fn ends(window: Window) -> (u64, u64) {
        (window.from, window.to)
    }

    #[test]
    fn what_is_kept_is_what_any_node_has() {
        let ends = |logs: &[(u64, u64)]| (kept(logs).first, kept(logs).last);
        assert_eq!(ends(&[]), (1, 1));
        assert_eq!(ends(&[(1, 5), (0, 0)]), (1, 5));
        assert_eq!(ends(&[(501, 1_000), (301, 900)]), (301, 1_000));
        // All is in the snapshot.
        assert_eq!(ends(&[(11, 10)]), (10, 10));
        // What no replica would say.
        assert_eq!(ends(&[(u64::MAX, 1), (0, u64::MAX)]), (1, u64::MAX));
    }

    #[test]
    fn the_window_follows_the_end_or_stays_or_has_all() {
        for view in [View::Newest, View::All] {
            assert_eq!(ends(view.window(kept(&[]))), (1, 48));
            assert_eq!(ends(view.window(kept(&[(2, 5), (0, 0)]))), (1, 48));
        }
        let logs = kept(&[(501, 1_000), (301, 900)]);
        assert_eq!(ends(View::Newest.window(logs)), (953, 1_000));
        assert_eq!(ends(View::All.window(logs)), (273, 1_000));
        // It stays, whatever is added, compacted, or was not there yet in the past.
        for logs in [
            logs,
            kept(&[(301, 90_000)]),
            kept(&[(9_000, 9_100)]),
            kept(&[(1, 20)]),
        ] {
            assert_eq!(ends(View::From(400).window(logs)), (400, 447));
        }
    }

    #[test]
    fn it_scrolls_from_the_first_kept_to_the_newest() {
        let logs = kept(&[(301, 1_000)]);
        let scrolled = |view: View, by| view.scrolled(by, logs, view.window(logs));
        assert_eq!(scrolled(View::Newest, -3), View::From(950));
        assert_eq!(scrolled(View::From(950), 2), View::From(952));
        assert_eq!(scrolled(View::From(950), 3), View::Newest);
        assert_eq!(scrolled(View::Newest, i64::MAX), View::Newest);
        // With some entries that are folded.
        assert_eq!(scrolled(View::Newest, i64::MIN), View::From(299));
        assert_eq!(scrolled(View::All, -3), View::All);
        // A short log is in sight as a whole.
        let short = kept(&[(2, 5)]);
        let now = View::Newest.window(short);
        assert_eq!(View::Newest.scrolled(-9, short, now), View::Newest);
    }

    #[test]
    fn a_place_that_was_compacted_is_not_left_by_itself() {
        let logs = kept(&[(9_001, 9_100)]);
        let now = View::From(400).window(logs);
        assert_eq!(View::From(400).scrolled(-5, logs, now), View::From(400));
        assert_eq!(View::From(400).scrolled(5, logs, now), View::From(405));
        assert_eq!(ends(logs.with(now)), (400, 9_100));
        // Nor one that was not there yet.
        let logs = kept(&[(1, 20)]);
        assert_eq!(ends(logs.with(now)), (1, 447));
        assert_eq!(View::From(400).scrolled(-5, logs, now), View::Newest);
    }

    #[test]
    fn an_index_is_brought_into_sight() {
        let logs = kept(&[(301, 1_000)]);
        let now = View::From(500).window(logs);
        let revealing = |index| View::From(500).revealing(index, logs, now);
        for index in [500, 520, 547] {
            assert_eq!(revealing(index), View::From(500));
        }
        assert_eq!(revealing(499), View::From(497));
        assert_eq!(revealing(548), View::From(503));
        assert_eq!(revealing(301), View::From(299));
        assert_eq!(revealing(1_000), View::Newest);
        assert_eq!(View::around(600, logs, now), View::From(576));
        assert_eq!(View::around(302, logs, now), View::From(299));
        assert_eq!(View::around(999, logs, now), View::Newest);
        let all = View::All.window(logs);
        assert_eq!(View::All.revealing(301, logs, all), View::All);
        for index in [0, 1, u64::MAX] {
            let far = revealing(index).window(logs);
            assert!(far.from <= far.to);
        }
    }

    #[test]
    fn an_index_is_found_by_its_place() {
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
    }

    #[test]
    fn lines_are_where_they_are_in_sight() {
        let window = Window { from: 11, to: 20 };
        assert_eq!(window.line(10), None);
        assert_eq!(window.line(11), Some(0.0));
        assert_eq!(window.line(16), Some(50.0));
        assert_eq!(window.line(21), Some(100.0));
        assert_eq!(window.line(22), None);
    }

    #[test]
    fn the_thumb_goes_from_one_end_to_the_other() {
        let whole = Window { from: 1, to: 480 };
        let thumb = |from| View::From(from).window(kept(&[])).thumb(whole);
        assert_eq!(thumb(1), (0.0, 0.1));
        assert_eq!(thumb(217), (0.5, 0.1));
        assert_eq!(thumb(433), (1.0, 0.1));
        assert_eq!(whole.thumb(whole), (0.0, 1.0));
    }
}
