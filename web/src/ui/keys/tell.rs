//! The differences between replicas, in words.

use super::compare::{Difference, Mark, Marked, Other, Stand, Stands};
use crate::ui::figures::grouped;
use crate::ui::summary::words::{nodes, subject};

/// How many rows differ.
#[derive(Debug, Default)]
pub struct Counted {
    /// By replica, of those whose rows were read.
    pub differ: Vec<(u64, usize)>,
    pub rows: usize,
    /// Whether these are the first rows of more.
    pub first: bool,
}

/// How the replicas stand, and how many keys differ where that is known. `None`: no rows are there
/// to count.
pub fn sentence(stands: &Stands, counted: Option<&Counted>) -> String {
    let Stands { others, away, keys } = stands;
    let of = |wanted: fn(Stand) -> bool| {
        let found = others.iter().filter(move |it| wanted(it.stand));
        found.map(|it| it.id).collect::<Vec<_>>()
    };
    let mut sentences = Vec::new();
    let diverged = of(|it| it == Stand::Diverged);
    if !diverged.is_empty() {
        let verb = if diverged.len() == 1 { "has" } else { "have" };
        sentences.push(format!(
            "{} {verb} diverged: as many entries applied, another digest. That must never be.",
            subject(&diverged)
        ));
    }
    if others.is_empty() {
        sentences.push("There is no other replica to compare with.".to_owned());
    } else if others.iter().all(|it| it.stand == Stand::Same) {
        sentences.push(all_same(others.len() + 1, *keys));
    }
    for other in others {
        sentences.extend(one(other, counted));
    }
    let moving = of(|it| it == Stand::Moving);
    sentences.extend(match moving.as_slice() {
        [] => None,
        [_] => Some(format!(
            "{} applies entries: it is compared when it rests.",
            subject(&moving)
        )),
        _ => Some(format!(
            "{} apply entries: they are compared when they rest.",
            subject(&moving)
        )),
    });
    sentences.extend(match away.as_slice() {
        [] => None,
        [_] => Some(format!("{} does not run.", subject(away))),
        _ => Some(format!("{} do not run.", subject(away))),
    });
    sentences.join(" ")
}

/// The same of a moment of the past.
pub fn past(stands: &Stands) -> String {
    let mut words = sentence(stands, None);
    if stands.others.iter().any(|it| it.stand.differs()) {
        words += " Which keys differed then is not recorded.";
    }
    words
}

fn all_same(count: usize, keys: u64) -> String {
    let who = match count {
        2 => "Both replicas".to_owned(),
        _ => format!("All {count} replicas"),
    };
    match keys {
        0 => format!("{who} are without keys, by their digests."),
        1 => format!("{who} hold the same key, by their digests."),
        _ => format!(
            "{who} hold the same {} keys, by their digests.",
            grouped(keys)
        ),
    }
}

/// "Node 3 is 2 entries behind: 2 of 12 keys differ."
fn one(other: &Other, counted: Option<&Counted>) -> Option<String> {
    let who = subject(&[other.id]);
    let entries = |n: u64| match n {
        1 => "1 entry".to_owned(),
        n => format!("{} entries", grouped(n)),
    };
    let paused = if other.paused { "paused, " } else { "" };
    let stand = match other.stand {
        Stand::Same | Stand::Moving => return None,
        Stand::Behind(n) => format!("{who} is {paused}{} behind", entries(n)),
        Stand::Ahead(n) => format!("{who} is {paused}{} ahead", entries(n)),
        Stand::Diverged => who,
    };
    let Some(counted) = counted else {
        return (other.stand != Stand::Diverged).then(|| format!("{stand}."));
    };
    let found = counted.differ.iter().find(|(id, _)| *id == other.id);
    let keys = match (counted.rows, counted.first) {
        (1, _) => "1 key".to_owned(),
        (n, false) => format!("{n} keys"),
        (n, true) => format!("the first {n} keys"),
    };
    let differ = match found.map(|(_, n)| *n) {
        Some(0) => "none of these keys differs".to_owned(),
        Some(1) => format!("1 of {keys} differs"),
        Some(n) => format!("{n} of {keys} differ"),
        None if other.paused => "which keys differ is not known".to_owned(),
        None => "which keys differ is being read".to_owned(),
    };
    Some(format!("{stand}: {differ}."))
}

/// "node 3: older", "nodes 1 and 3: not there".
pub fn row(marked: &Marked) -> String {
    if marked.same {
        return "same".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    for (n, mark) in marked.marks.iter().enumerate() {
        let alike = |other: &&Mark| other.difference == mark.difference;
        if marked.marks[..n].iter().any(|before| alike(&before)) {
            continue;
        }
        let ids: Vec<u64> = marked.marks.iter().filter(alike).map(|m| m.node).collect();
        words.push(format!("{}: {}", nodes(&ids), word(mark.difference)));
    }
    words.join("; ")
}

/// What each of those has that differ.
pub fn title(marked: &Marked) -> String {
    let each = marked.marks.iter().map(|mark| match &mark.value {
        Some(value) => format!("{} has “{value}”.", subject(&[mark.node])),
        None => format!("{} does not have this key.", subject(&[mark.node])),
    });
    each.collect::<Vec<_>>().join("\n")
}

fn word(difference: Difference) -> &'static str {
    match difference {
        Difference::Older => "older",
        Difference::Newer => "newer",
        Difference::Another => "another value",
        Difference::NotThere => "not there",
        Difference::StillThere => "still there",
        Difference::There => "there",
    }
}
