//! The rows of the timeline: who led when, who ran, whose links were cut, and what happened.

use super::axis::Span;
use super::history::History;
use super::marks::{Kind, Mark};
use crate::clock;
use crate::model::{FaultyLink, NodeStatus, Role, State};

/// What is narrower than that, in percent of the width, counts to its neighbour.
const NARROW: f64 = 0.2;
/// Marks of a row that are nearer to each other, in percent of the width, are drawn as one.
const NEAR: f64 = 1.2;
/// Bands and marks that the words of a row name.
const NAMED_MAX: usize = 8;

/// How a node was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Leads {
        term: u64,
    },
    /// It is a candidate, or asks whether it could win.
    Asks {
        term: u64,
    },
    Runs,
    Paused,
    Stopped,
    Failed,
}

impl Phase {
    fn of(node: &NodeStatus) -> Option<Self> {
        let idle = matches!(node.state, State::Stopped | State::Failed);
        let unheard_of = node.epoch == 0 && node.term == 0 && node.state == State::Stopped;
        if (!node.member && idle) || unheard_of {
            return None;
        }
        Some(match (node.state, node.role) {
            (State::Paused, _) => Self::Paused,
            (State::Stopped, _) => Self::Stopped,
            (State::Failed, _) => Self::Failed,
            (State::Running, Role::Leader) => Self::Leads { term: node.term },
            (State::Running, Role::Candidate | Role::Precandidate) => {
                Self::Asks { term: node.term }
            }
            (State::Running, Role::Follower | Role::Learner) => Self::Runs,
        })
    }

    /// What it did, before "from ... to ...".
    pub fn words(self) -> String {
        match self {
            Self::Leads { term } => format!("leader of term {term}"),
            Self::Asks { .. } => "asked for votes".to_owned(),
            Self::Runs => "ran".to_owned(),
            Self::Paused => "paused".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Failed => "failed".to_owned(),
        }
    }
}

/// How a node's links were, all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Cut,
    Disturbed,
}

impl Links {
    fn of(id: u64, faults: &[FaultyLink]) -> Option<Self> {
        let mut own = faults.iter().filter(|f| f.from == id || f.to == id);
        let first = own.next()?;
        let cut = first.fault.is_cut() || own.any(|f| f.fault.is_cut());
        Some(if cut { Self::Cut } else { Self::Disturbed })
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Cut => "links cut",
            Self::Disturbed => "links lose, double or delay messages",
        }
    }
}

/// A stretch of a row, in percent of the width.
#[derive(Clone, Debug, PartialEq)]
pub struct Band<T> {
    pub what: T,
    pub left: f64,
    pub width: f64,
}

/// A mark in its place, or several that lie too near to each other to be told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub left: f64,
    /// The gravest, and its moment, in milliseconds of the Unix epoch.
    pub kind: Kind,
    pub at_ms: f64,
    pub words: String,
}

/// One node's row; of id 0, what happened to the cluster as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub id: u64,
    pub bands: Vec<Band<Phase>>,
    pub links: Vec<Band<Links>>,
    pub marks: Vec<Placed>,
    /// The same in words.
    pub words: String,
}

/// A row for the cluster and one for each node that is known in the span, by id.
pub fn rows(history: &History, span: Span) -> Vec<Row> {
    let held: Vec<_> = history.between(span.from_ms, span.to_ms).collect();
    let mut ids: Vec<u64> = held
        .iter()
        .flat_map(|(sample, ..)| sample.nodes.iter().map(|n| n.id))
        .collect();
    ids.push(0);
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| {
            let phases = held.iter().map(|(sample, from, to)| {
                let phase = sample.node(id).and_then(Phase::of);
                (phase, *from, *to)
            });
            let bands = joined(phases, span);
            let links = held
                .iter()
                .map(|(sample, from, to)| (Links::of(id, &sample.faults), *from, *to));
            let links = joined(links, span);
            let own = history
                .marks
                .iter()
                // A pause is a band of its own.
                .filter(|m| m.node == id && span.holds(m.at_ms) && m.kind != Kind::Paused);
            let marks = placed(own, span);
            let words = words(&bands, &links, &marks, span);
            Row {
                id,
                bands,
                links,
                marks,
                words,
            }
        })
        .collect()
}

/// Neighbours that are the same are one band; what is too narrow to be seen counts to the band
/// before it.
fn joined<T: Copy + PartialEq>(
    parts: impl Iterator<Item = (Option<T>, f64, f64)>,
    span: Span,
) -> Vec<Band<T>> {
    let bands = parts.filter_map(|(what, from_ms, to_ms)| {
        let (left, right) = (span.at(from_ms), span.at(to_ms));
        let what = what.filter(|_| right > left)?;
        let width = right - left;
        Some(Band { what, left, width })
    });
    let same = merged(bands, |a, b| a.what == b.what);
    merged(same.into_iter(), |a, b| {
        a.what == b.what || b.width < NARROW
    })
}

/// Joins each band to the one before it, if they touch and `one` says so.
fn merged<T>(
    bands: impl Iterator<Item = Band<T>>,
    one: impl Fn(&Band<T>, &Band<T>) -> bool,
) -> Vec<Band<T>> {
    let mut merged = Vec::<Band<T>>::new();
    for band in bands {
        match merged.last_mut() {
            Some(last) if band.left - (last.left + last.width) < 1e-6 && one(last, &band) => {
                last.width = band.left + band.width - last.left;
            }
            _ => merged.push(band),
        }
    }
    merged
}

fn placed<'a>(marks: impl Iterator<Item = &'a Mark>, span: Span) -> Vec<Placed> {
    let mut places = Vec::<Placed>::new();
    for mark in marks {
        let left = span.at(mark.at_ms);
        let told = format!("{}: {}", clock::time_of_day(mark.at_ms), mark.text.trim());
        match places.last_mut() {
            Some(near) if left - near.left < NEAR => {
                if mark.kind > near.kind {
                    (near.left, near.kind, near.at_ms) = (left, mark.kind, mark.at_ms);
                }
                near.words = format!("{} {told}", near.words);
            }
            _ => places.push(Placed {
                left,
                kind: mark.kind,
                at_ms: mark.at_ms,
                words: told,
            }),
        }
    }
    places
}

fn words(bands: &[Band<Phase>], links: &[Band<Links>], marks: &[Placed], span: Span) -> String {
    let time = |percent: f64| clock::time_of_day(span.moment(percent / 100.0));
    let stretch = |what: String, left: f64, width: f64| match left + width {
        end if end > 99.99 => format!("{what} since {}", time(left)),
        end => format!("{what} from {} to {}", time(left), time(end)),
    };
    let bands = bands.iter().filter(|b| b.what != Phase::Runs);
    let stretches: Vec<String> = bands
        .map(|b| stretch(b.what.words(), b.left, b.width))
        .chain(
            links
                .iter()
                .map(|b| stretch(b.what.words().to_owned(), b.left, b.width)),
        )
        .collect();
    let newest = |list: &[String]| list[list.len().saturating_sub(NAMED_MAX)..].join("; ");
    let mut told = match stretches.is_empty() {
        true => String::new(),
        false => format!("{}. ", newest(&stretches)),
    };
    for mark in &marks[marks.len().saturating_sub(NAMED_MAX)..] {
        told += &mark.words;
        told.push(' ');
    }
    match told.trim_end() {
        "" => "Nothing to tell.".to_owned(),
        told => told.to_owned(),
    }
}

#[cfg(test)]
#[path = "bands_tests.rs"]
mod tests;
