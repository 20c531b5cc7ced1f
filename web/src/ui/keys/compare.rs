//! Where replicas differ: pure functions from what they told of themselves, and the rows that were
//! read of them, to marks and a sentence.
//!
//! A digest covers all that a replica has applied, so replicas of equal digests hold the same. One
//! that has applied less is behind, which is ordinary; one that has applied as much and has another
//! digest has diverged, which must never be.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;

use super::source::pair;
use super::tell;
use crate::model::{NodeStatus, State};
use crate::ui::timeline::readings::{Pair, ROWS_MAX};

/// Of the node that it is, how far it has applied, and the digest of that.
pub type Versions = BTreeMap<u64, (u64, String)>;

/// The first keys of a prefix as one replica has them, in the order of their bytes.
#[derive(Debug, Default)]
pub struct Held {
    rows: Vec<Row>,
    /// Whether there are more.
    more: bool,
}

#[derive(Debug)]
struct Row {
    key: Bytes,
    /// Of the whole value: what is shown of a long one is cut.
    value_hash: u64,
    shown: Arc<Pair>,
}

impl Held {
    /// Of what a scan for one row more than are shown has found.
    pub fn of(found: &[(Bytes, Bytes)]) -> Self {
        let rows = found.iter().take(ROWS_MAX).map(|it| {
            let mut hasher = DefaultHasher::new();
            it.1.hash(&mut hasher);
            Row {
                key: it.0.clone(),
                value_hash: hasher.finish(),
                shown: pair(it),
            }
        });
        Self {
            rows: rows.collect(),
            more: found.len() > ROWS_MAX,
        }
    }

    fn get(&self, key: &[u8]) -> Option<&Row> {
        let at = self.rows.binary_search_by(|row| row.key[..].cmp(key));
        at.ok().map(|at| &self.rows[at])
    }

    /// Whether it would have the key, had the replica.
    fn covers(&self, key: &[u8]) -> bool {
        !self.more || self.rows.last().is_some_and(|last| key <= &last.key[..])
    }
}

/// How a replica stands to the one that the table shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stand {
    Same,
    /// It was elsewhere a moment ago, or is about to be.
    Moving,
    /// By so many entries.
    Behind(u64),
    Ahead(u64),
    /// As far as another one, with another digest.
    Diverged,
}

impl Stand {
    /// Whether it is known to stand elsewhere.
    pub fn differs(self) -> bool {
        !matches!(self, Self::Same | Self::Moving)
    }
}

/// A replica that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    pub id: u64,
    pub paused: bool,
    pub stand: Stand,
    pub digest: String,
}

/// All replicas beside the one that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stands {
    pub others: Vec<Other>,
    /// Those that do not run.
    pub away: Vec<u64>,
    /// What the one that is shown has, in all.
    pub keys: u64,
}

impl Stands {
    /// How the members stand to `reference`, or to the one that is furthest if that does not run.
    /// `before` has those that were different when they were last looked at: who is where it was
    /// then stands there, the others may be on their way. `None`: nobody is on its way. `None` is
    /// returned while no member has told anything.
    pub fn of(nodes: &[NodeStatus], reference: u64, before: Option<&Versions>) -> Option<Self> {
        let is_away = |n: &&NodeStatus| !matches!(n.state, State::Running | State::Paused);
        let (away, here): (Vec<_>, Vec<_>) = nodes.iter().filter(|n| n.member).partition(is_away);
        let shown = here.iter().find(|n| n.id == reference);
        let shown = *shown.or_else(|| here.iter().max_by_key(|n| n.applied))?;
        if shown.digest.is_empty() {
            return None;
        }
        let stands_still = |n: &NodeStatus| match before {
            Some(before) => n.state == State::Paused || before.get(&n.id) == Some(&version(n)),
            None => true,
        };
        let others = here.iter().filter(|n| n.id != shown.id).map(|n| {
            let contradicts = |other: &&&NodeStatus| {
                let told = !other.digest.is_empty() && !n.digest.is_empty();
                told && other.applied == n.applied && other.digest != n.digest
            };
            let stand = if n.digest == shown.digest {
                Stand::Same
            } else if !stands_still(n) {
                Stand::Moving
            } else if here.iter().any(|other| contradicts(&other)) {
                Stand::Diverged
            } else if n.applied < shown.applied {
                Stand::Behind(shown.applied - n.applied)
            } else {
                Stand::Ahead(n.applied - shown.applied)
            };
            Other {
                id: n.id,
                paused: n.state == State::Paused,
                stand,
                digest: n.digest.clone(),
            }
        });
        Some(Self {
            others: others.collect(),
            away: away.iter().map(|n| n.id).collect(),
            keys: shown.keys,
        })
    }

    /// Whether replicas have diverged.
    pub fn alarm(&self) -> bool {
        self.others.iter().any(|it| it.stand == Stand::Diverged)
    }

    /// Those that are different now, for the next look.
    pub fn versions(&self, nodes: &[NodeStatus]) -> Versions {
        let differs = |n: &&NodeStatus| {
            let mut others = self.others.iter();
            others.any(|it| it.id == n.id && it.stand != Stand::Same)
        };
        let differing = nodes.iter().filter(differs);
        differing.map(|n| (n.id, version(n))).collect()
    }
}

fn version(node: &NodeStatus) -> (u64, String) {
    (node.applied, node.digest.clone())
}

/// How a replica's key is different from the one that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    Older,
    Newer,
    /// Of one that diverged: neither is the older one.
    Another,
    NotThere,
    /// It has a key that the one which is shown has not, or has deleted.
    StillThere,
    There,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub node: u64,
    pub difference: Difference,
    /// What that replica has, as it is shown.
    pub value: Option<String>,
}

/// A row of the table, and who differs there.
#[derive(Clone, Debug, PartialEq)]
pub struct Marked {
    pub pair: Arc<Pair>,
    /// Whether the replica that is shown has it.
    pub there: bool,
    /// Whether all others are known to have the same.
    pub same: bool,
    pub marks: Vec<Mark>,
}

impl Marked {
    /// A row of which nothing is known but what one replica has.
    pub fn plain(pair: Arc<Pair>) -> Self {
        Self {
            pair,
            there: true,
            same: false,
            marks: Vec::new(),
        }
    }
}

/// What there is to see of differences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    pub sentence: String,
    /// Whether replicas have diverged.
    pub alarm: bool,
    /// `None` where there are no rows to compare with.
    pub rows: Option<Vec<Marked>>,
}

/// Compares `shown`, what the table has read, with what is known of others: the rows that go with a
/// digest. `settled`: nothing was applied since `shown` was read.
pub fn compare(
    stands: &Stands,
    shown: Option<&Held>,
    known: &BTreeMap<String, Arc<Held>>,
    settled: bool,
) -> Compared {
    let held = |it: &Other| known.get(&it.digest).map(|held| &**held);
    let others = stands.others.iter();
    let different: Vec<_> = others.filter(|it| it.stand.differs()).collect();
    let read: Vec<_> = different
        .iter()
        .filter_map(|it| Some((*it, held(it)?)))
        .collect();
    // A row is the same everywhere if nobody is left of whom that is not known.
    let all_known = settled
        && read.len() == different.len()
        && stands.others.iter().all(|it| it.stand != Stand::Moving);
    let rows = shown.map(|shown| mark(shown, &read, all_known));
    let counted = rows.as_ref().map(|rows| {
        let of = |id| {
            let differs = |row: &&Marked| row.marks.iter().any(|mark| mark.node == id);
            rows.iter().filter(differs).count()
        };
        let counts = read.iter().map(|(it, _)| (it.id, of(it.id))).collect();
        tell::Counted {
            differ: counts,
            rows: rows.len(),
            first: shown.is_some_and(|it| it.more),
        }
    });
    Compared {
        sentence: tell::sentence(stands, counted.as_ref()),
        alarm: stands.alarm(),
        rows,
    }
}

/// The rows of `shown`, and those that only others have, in the order of their keys.
fn mark(shown: &Held, others: &[(&Other, &Held)], all_known: bool) -> Vec<Marked> {
    let mut all: BTreeMap<&[u8], (Arc<Pair>, bool)> = BTreeMap::new();
    for (_, held) in others {
        for row in held.rows.iter().filter(|row| shown.covers(&row.key)) {
            let blank = || Pair {
                key: row.shown.key.clone(),
                value: String::new(),
            };
            all.entry(&row.key)
                .or_insert_with(|| (Arc::new(blank()), false));
        }
    }
    for row in &shown.rows {
        all.insert(&row.key, (row.shown.clone(), true));
    }
    let marked = all.into_iter().map(|(key, (pair, there))| {
        let ours = shown.get(key);
        let marks = others.iter().filter_map(|(other, held)| {
            let theirs = held.get(key);
            Some(Mark {
                node: other.id,
                difference: difference(other.stand, ours, theirs, held.covers(key))?,
                value: theirs.map(|row| row.shown.value.clone()),
            })
        });
        let marks: Vec<_> = marks.collect();
        let covered = others.iter().all(|(_, held)| held.covers(key));
        Marked {
            pair,
            there,
            same: all_known && covered && marks.is_empty(),
            marks,
        }
    });
    marked.take(ROWS_MAX).collect()
}

fn difference(
    stand: Stand,
    ours: Option<&Row>,
    theirs: Option<&Row>,
    covered: bool,
) -> Option<Difference> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours.value_hash == theirs.value_hash => None,
        (Some(_), Some(_)) => Some(match stand {
            Stand::Behind(_) => Difference::Older,
            Stand::Ahead(_) => Difference::Newer,
            Stand::Same | Stand::Moving | Stand::Diverged => Difference::Another,
        }),
        (Some(_), None) => covered.then_some(Difference::NotThere),
        (None, Some(_)) => Some(match stand {
            Stand::Behind(_) => Difference::StillThere,
            _ => Difference::There,
        }),
        (None, None) => None,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
