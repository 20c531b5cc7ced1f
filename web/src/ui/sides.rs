//! The sides of a partition: which node is on which, and what each side can do.

use std::collections::BTreeMap;

use crate::model::{FaultyLink, NodeStatus};

/// One of them. Each has a number and a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    First,
    Second,
    Third,
}

impl Side {
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];

    pub fn number(self) -> u64 {
        match self {
            Self::First => 1,
            Self::Second => 2,
            Self::Third => 3,
        }
    }

    pub fn words(self) -> String {
        format!("side {}", self.number())
    }

    /// Its shape as a character, for the eye.
    pub fn glyph(self) -> &'static str {
        match self {
            Self::First => "○",
            Self::Second => "□",
            Self::Third => "◇",
        }
    }

    /// Its shape as an SVG path around a node of that radius.
    pub fn outline(self, radius: f64) -> String {
        let r = radius + 4.0;
        match self {
            Self::First => format!("M{r} 0A{r} {r} 0 1 1-{r} 0A{r} {r} 0 1 1 {r} 0Z"),
            Self::Second => format!("M{r} {r}H-{r}V-{r}H{r}Z"),
            Self::Third => {
                let r = 1.4 * r;
                format!("M{r:.1} 0 0 {r:.1}-{r:.1} 0 0-{r:.1}Z")
            }
        }
    }
}

/// The side of each node.
pub type Sides = BTreeMap<u64, Side>;

/// What teaches most: the leader among a minority of the voters, all others on the second side.
pub fn around(leader: u64, members: &[u64], voters: &[u64]) -> Sides {
    let minority = (voters.len().saturating_sub(1) / 2).max(1);
    let first = if voters.contains(&leader) {
        leader
    } else {
        members.first().copied().unwrap_or(0)
    };
    let others = voters.iter().copied().filter(|id| *id != first);
    let few: Vec<u64> = [first].into_iter().chain(others).take(minority).collect();
    let side = |id: &u64| match few.contains(id) {
        true => Side::First,
        false => Side::Second,
    };
    members.iter().map(|id| (*id, side(id))).collect()
}

/// The sides that the cut links make; `None` where they make one, or more than have a name. Links
/// that are cut one way count as cut.
pub fn in_force(members: &[u64], faults: &[FaultyLink]) -> Option<Sides> {
    let is_cut = |a: u64, b: u64| {
        faults
            .iter()
            .any(|it| it.fault.is_cut() && [(a, b), (b, a)].contains(&(it.from, it.to)))
    };
    let mut sides = Sides::new();
    let mut names = Side::ALL.into_iter();
    for &first in members {
        if sides.contains_key(&first) {
            continue;
        }
        let side = names.next()?;
        let mut reached = vec![first];
        while let Some(id) = reached.pop() {
            if sides.insert(id, side).is_none() {
                reached.extend(members.iter().filter(|it| **it != id && !is_cut(id, **it)));
            }
        }
    }
    let made = sides.values().any(|it| *it != Side::First);
    made.then_some(sides)
}

/// The nodes of each side that has any.
pub fn groups(sides: &Sides) -> Vec<(Side, Vec<u64>)> {
    let of = |side: Side| {
        let on_it = sides.iter().filter(|(_, it)| **it == side);
        (side, on_it.map(|(id, _)| *id).collect::<Vec<_>>())
    };
    let all = Side::ALL.into_iter().map(of);
    all.filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Who votes, as the replica that has applied most tells; empty if none has told.
pub fn voters(nodes: &[NodeStatus]) -> Vec<u64> {
    let told = nodes.iter().filter(|it| !it.voters.is_empty());
    let newest = told.max_by_key(|it| it.applied);
    newest.map_or_else(Vec::new, |it| it.voters.clone())
}

/// What a cut between the sides would come to.
pub fn outlook(sides: &Sides, voters: &[u64]) -> String {
    let groups = groups(sides);
    if groups.len() < 2 {
        return "All nodes are on one side: there is nothing to cut.".to_owned();
    }
    let all = voters.len();
    let votes = |ids: &[u64]| ids.iter().filter(|id| voters.contains(id)).count();
    let majority = groups.iter().find(|(_, ids)| 2 * votes(ids) > all);
    match majority {
        Some((side, ids)) => format!(
            "Side {} has {} of {all} votes, a majority: there a leader can commit.",
            side.number(),
            votes(ids)
        ),
        None => format!("No side has a majority of {all} votes: nothing can be committed."),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::timeline::history::tests::cut;
    use super::*;

    fn ids(sides: &Sides) -> Vec<Vec<u64>> {
        groups(sides).into_iter().map(|(_, ids)| ids).collect()
    }

    /// All links between different groups, cut.
    fn between(groups: &[&[u64]]) -> Vec<FaultyLink> {
        let mut links = Vec::new();
        for one in groups {
            for other in groups.iter().filter(|it| *it != one) {
                for &from in *one {
                    links.extend(other.iter().map(|&to| cut(from, to)));
                }
            }
        }
        links
    }

    #[test]
    fn the_leader_begins_in_a_minority() {
        assert_eq!(
            ids(&around(2, &[1, 2, 3], &[1, 2, 3])),
            [vec![2], vec![1, 3]]
        );
        let five = [1, 2, 3, 4, 5];
        assert_eq!(ids(&around(4, &five, &five)), [vec![1, 4], vec![2, 3, 5]]);
        // A learner has no vote; of two nodes each is half.
        assert_eq!(
            ids(&around(1, &[1, 2, 3, 4], &[1, 2, 3])),
            [vec![1], vec![2, 3, 4]]
        );
        assert_eq!(ids(&around(2, &[1, 2], &[1, 2])), [vec![2], vec![1]]);
        // Nobody leads, and nobody has told who votes.
        assert_eq!(ids(&around(0, &[1, 2, 3], &[])), [vec![1], vec![2, 3]]);
        assert_eq!(ids(&around(0, &[], &[])), Vec::<Vec<u64>>::new());
    }

    #[test]
    fn the_sides_in_force_are_what_is_cut_apart() {
        let five = [1, 2, 3, 4, 5];
        for wanted in [
            vec![vec![1, 4], vec![2, 3, 5]],
            vec![vec![1], vec![2, 5], vec![3, 4]],
        ] {
            let groups: Vec<&[u64]> = wanted.iter().map(Vec::as_slice).collect();
            let found = in_force(&five, &between(&groups)).expect("sides");
            assert_eq!(ids(&found), wanted);
        }
        assert_eq!(in_force(&five, &[]), None);
        assert_eq!(in_force(&five, &[cut(1, 2), cut(2, 1)]), None);
        assert_eq!(
            in_force(&five, &between(&[&[1], &[2], &[3], &[4, 5]])),
            None
        );
        assert_eq!(in_force(&[], &[]), None);
    }

    #[test]
    fn the_outlook_counts_votes() {
        let of = |first: &[u64], members: &[u64], voters: &[u64]| {
            let side = |id: &u64| match first.contains(id) {
                true => Side::First,
                false => Side::Second,
            };
            outlook(&members.iter().map(|id| (*id, side(id))).collect(), voters)
        };
        assert!(of(&[1], &[1, 2, 3], &[1, 2, 3]).starts_with("Side 2 has 2 of 3 votes"));
        assert!(of(&[1, 2], &[1, 2, 3, 4], &[1, 2, 3]).starts_with("Side 1 has 2 of 3 votes"));
        assert!(of(&[1, 2], &[1, 2, 3, 4], &[1, 2, 3, 4]).starts_with("No side"));
        assert!(of(&[], &[1, 2, 3], &[1, 2, 3]).starts_with("All nodes are on one side"));
    }
}
