//! Whether a history is linearizable: whether each operation could have taken effect at one moment
//! between its invocation and its return, on a single copy of the data (Herlihy and Wing, 1990).
//!
//! The judge knows nothing of logs, replicas or the simulator: a history is who asked what when and
//! was answered what when, so it may come from a page, from a browser test or from elsewhere.
//! Linearizability is local: a history is linearizable if what was done to each key is, so each key
//! is searched by itself (`search.rs`). Scans read many keys at once and are left out.
//!
//! An operation without a return is of unknown outcome: it may take effect at any time after its
//! invocation, or never.

mod asked;
mod deed;
mod search;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use self::search::{Found, Search};

/// What a client asked of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Put {
        value: Bytes,
    },
    Delete,
    /// Puts `value` if the key has `expected` (`None`: if it is absent).
    Cas {
        expected: Option<Bytes>,
        value: Bytes,
    },
    Get,
}

/// What a client was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return {
    Put,
    Deleted { existed: bool },
    Swapped(bool),
    Value(Option<Bytes>),
}

/// Where the replicated log has a write, as its answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub index: u64,
    pub term: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    pub at: u64,
    pub answer: Return,
    /// Known of writes alone.
    pub position: Option<Position>,
}

/// One operation of one client. Times are of one clock that never goes back, in any unit; two
/// operations of which one returned in the very moment the other was invoked count as concurrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub client: u64,
    pub key: String,
    pub call: Call,
    pub invoked: u64,
    /// `None`: the outcome is unknown.
    pub returned: Option<Returned>,
}

/// What every key had before the history began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    Absent,
    /// Anything. A failed compare-and-swap then tells nothing of it.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable {
        operations: usize,
    },
    NotLinearizable {
        key: String,
        /// The operations around the one that no order explains, in the order of their invocation.
        window: Vec<Operation>,
        reason: String,
    },
    /// The search was given up; so many operations are of keys that it was not given up for.
    TooHard {
        key: String,
        operations: usize,
    },
}

/// Searches each key for an order that explains all answers. `work_max` bounds the steps in all.
///
/// Where writes have positions, the order of the log is tried first. It is the order that the
/// answers claim, and with it the search takes time in proportion to the history, whatever was
/// concurrent. A history that only another order explains is not taken for linearizable.
pub fn check(operations: &[Operation], initial: Initial, work_max: u64) -> Verdict {
    let mut keys: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        keys.entry(&operation.key).or_default().push(operation);
    }
    let mut work_left = work_max;
    let mut judged = 0;
    let mut too_hard = None;
    for (key, operations) in keys {
        match check_key(&operations, initial, &mut work_left) {
            Found::Order => judged += operations.len(),
            Found::TooHard => too_hard = too_hard.or(Some(key)),
            Found::None(stuck) => {
                return Verdict::NotLinearizable {
                    key: key.to_owned(),
                    window: stuck.window,
                    reason: stuck.reason,
                };
            }
        }
    }
    match too_hard {
        None => Verdict::Linearizable { operations: judged },
        Some(key) => Verdict::TooHard {
            key: key.to_owned(),
            operations: judged,
        },
    }
}

fn check_key(operations: &[&Operation], initial: Initial, work_left: &mut u64) -> Found {
    let mut logged = Search::new(operations, initial);
    let in_log_order = logged.order_by_log();
    match logged.run(work_left) {
        Found::None(stuck) if in_log_order => {
            // A stronger promise than linearizability is broken. Is that one broken, too?
            match Search::new(operations, initial).run(work_left) {
                Found::None(stuck) => Found::None(stuck),
                Found::Order | Found::TooHard => Found::None(search::Stuck {
                    reason: format!("in the order of their indices, {}", stuck.reason),
                    window: stuck.window,
                }),
            }
        }
        found => found,
    }
}

/// The extra promise of positions, over all keys together: an index is given once, terms do not go
/// back along the log, and a write that was invoked after another had returned comes after it.
/// Operations of other clients that are not in the history cannot break this.
///
/// # Errors
/// The first two writes that contradict each other.
pub fn check_positions<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
) -> Result<(), String> {
    let positioned = operations.into_iter().filter_map(|operation| {
        let returned = operation.returned.as_ref()?;
        Some((returned.position?, operation, returned.at))
    });
    let mut writes: Vec<_> = positioned.collect();
    writes.sort_by_key(|(position, ..)| *position);
    for pair in writes.windows(2) {
        let [(a, first, _), (b, second, _)] = pair else {
            continue;
        };
        if a.index == b.index || a.term > b.term {
            return Err(format!(
                "{first} and {second} are at index {} of term {} and index {} of term {}",
                a.index, a.term, b.index, b.term
            ));
        }
    }
    // From the end of the log: whatever is before a write must not have been invoked after the
    // return of any write behind it.
    let mut earliest: Option<(u64, &Operation)> = None;
    for (position, operation, at) in writes.iter().rev() {
        if let Some((returned, behind)) = earliest
            && operation.invoked > returned
        {
            return Err(format!(
                "{operation} is at index {}, before {behind}, which had returned when it was asked",
                position.index
            ));
        }
        if earliest.is_none_or(|(returned, _)| *at < returned) {
            earliest = Some((*at, operation));
        }
    }
    Ok(())
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let key = &self.key;
        match &self.call {
            Call::Put { value } => write!(f, "put({key:?}, {})", Shown(Some(value)))?,
            Call::Delete => write!(f, "delete({key:?})")?,
            Call::Cas { expected, value } => {
                let (expected, value) = (Shown(expected.as_ref()), Shown(Some(value)));
                write!(f, "cas({key:?}, {expected}, {value})")?;
            }
            Call::Get => write!(f, "get({key:?})")?,
        }
        match self.returned.as_ref().map(|returned| &returned.answer) {
            None => write!(f, ", whose outcome is unknown"),
            Some(Return::Put) => Ok(()),
            Some(Return::Deleted { existed: true }) => write!(f, ", which found it"),
            Some(Return::Deleted { existed: false }) => write!(f, ", which did not find it"),
            Some(Return::Swapped(true)) => write!(f, ", which swapped"),
            Some(Return::Swapped(false)) => write!(f, ", which did not swap"),
            Some(Return::Value(value)) => write!(f, ", which got {}", Shown(value.as_ref())),
        }
    }
}

/// The beginning of a value, as a sentence shows it.
pub(crate) struct Shown<'a>(pub Option<&'a Bytes>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        const SHOWN_MAX: usize = 40;
        let Some(value) = self.0 else {
            return write!(f, "nothing");
        };
        let head = &value[..value.len().min(SHOWN_MAX)];
        let more = if head.len() < value.len() { "…" } else { "" };
        write!(f, "{:?}{more}", String::from_utf8_lossy(head))
    }
}
