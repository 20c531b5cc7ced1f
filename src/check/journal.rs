//! What a client did lately, within bounds, and its verdict, kept up bit by bit: for a page that
//! must never be slow because it judges.
//!
//! What is judged must be sound though the journal knows one client only, and not for ever:
//!
//! - **Of the beginning it knows nothing.** A key had any value before its first operation here.
//! - **The oldest is forgotten at one moment for all keys.** What had returned by then is gone.
//!   What was under way then counts as of unknown outcome: if it took effect before, it never does
//!   again, and if after, it does so after its invocation. Whatever order there was, the part of it
//!   behind that moment is an order for what is left.
//! - **Keys that others write are left out.** Other clients tell which keys they write
//!   ([`Journal::others_write`]), as hashes, before they do. Should one have been missed, because
//!   its tab is gone, it shows by a value that nobody here wrote. A contradiction is believed only
//!   when it is found again after a while ([`SETTLED_US`]), so that what others told has arrived.
//! - **A write of unknown outcome is kept as long as there is room**; when it must go, its key is
//!   left out from then on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::linear::{
    Call, Initial, Operation, Position, Return, Returned, Verdict, check, check_positions,
};
use super::shared_keys::SharedKeys;
pub use super::shared_keys::hash;

/// Operations kept.
pub const OPERATIONS_MAX: usize = 20_000;
/// Values longer than this are kept as their hash, in bytes.
pub const VALUE_BYTES_MAX: usize = 64;
/// How long after it was found first a contradiction is believed, in microseconds.
pub const SETTLED_US: u64 = 1_500_000;
/// Steps of the search for one key, at one time.
const WORK_MAX: u64 = 200_000;

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Operations judged, in all.
    pub operations: u64,
    /// Operations that cannot be judged: others write their key, or they are too entangled.
    pub left_out: u64,
    /// A contradiction that was found. It stays.
    pub broken: Option<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `None`: the answers contradict each other over where the log has the writes.
    pub key: Option<String>,
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "key {key:?}: {}", self.reason),
            None => write!(f, "the log: {}", self.reason),
        }
    }
}

struct Noted {
    operation: Operation,
    counted: bool,
}

pub struct Journal {
    client: u64,
    room: usize,
    noted: BTreeMap<u64, Noted>,
    next: u64,
    keys: HashMap<String, BTreeSet<u64>>,
    /// Keys with news since they were judged.
    news: BTreeSet<String>,
    /// What had returned by this moment is forgotten.
    forgotten_until: u64,
    shared: SharedKeys,
    /// Keys with a contradiction, and since when that is known.
    suspicions: BTreeMap<String, u64>,
    standing: Standing,
}

impl Journal {
    /// A journal with room for so many operations.
    pub fn new(client: u64, room: usize) -> Self {
        Self {
            client,
            room,
            noted: BTreeMap::new(),
            next: 1,
            keys: HashMap::new(),
            news: BTreeSet::new(),
            forgotten_until: 0,
            shared: SharedKeys::default(),
            suspicions: BTreeMap::new(),
            standing: Standing::default(),
        }
    }

    /// Notes that a call is about to be made; returns its number.
    pub fn invoked(&mut self, at: u64, key: &str, call: Call) -> Option<u64> {
        if self.noted.len() >= self.room {
            self.make_room();
        }
        if self.noted.len() >= self.room {
            // All of it is under way. What this one does is not known here.
            self.shared.add(hash(key));
            self.standing.left_out += 1;
            return None;
        }
        let number = self.next;
        self.next += 1;
        let operation = Operation {
            client: self.client,
            key: key.to_owned(),
            call: short_call(call),
            invoked: at,
            returned: None,
        };
        self.keys.entry(key.to_owned()).or_default().insert(number);
        let noted = Noted {
            operation,
            counted: false,
        };
        self.noted.insert(number, noted);
        Some(number)
    }

    /// Notes its answer. Without one its outcome is unknown, and it stays as it is.
    pub fn returned(&mut self, number: u64, at: u64, answer: Return, position: Option<Position>) {
        let Some(noted) = self.noted.get_mut(&number) else {
            return;
        };
        let answer = match answer {
            Return::Value(value) => Return::Value(value.map(short)),
            other => other,
        };
        noted.operation.returned = Some(Returned {
            at,
            answer,
            position,
        });
        self.news.insert(noted.operation.key.clone());
    }

    /// It did nothing and never will.
    pub fn did_nothing(&mut self, number: u64) {
        self.forget(number);
    }

    /// Others write the keys of these hashes.
    pub fn others_write(&mut self, hashes: impl IntoIterator<Item = u64>) {
        for hash in hashes {
            self.shared.add(hash);
        }
    }

    /// The keys of writes that may still take effect.
    pub fn open_writes(&self) -> Vec<u64> {
        let all = self.noted.values().map(|noted| &noted.operation);
        let open = all.filter(|it| it.returned.is_none() && it.call != Call::Get);
        open.map(|operation| hash(&operation.key)).collect()
    }

    /// The operations that are kept, in the order of their invocation.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.noted.values().map(|noted| &noted.operation)
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether there is anything to judge.
    pub fn has_news(&self) -> bool {
        self.standing.broken.is_none() && (!self.news.is_empty() || !self.suspicions.is_empty())
    }

    /// Whether a contradiction was found that may yet turn out to be another client's doing.
    pub fn is_suspicious(&self) -> bool {
        self.standing.broken.is_none() && !self.suspicions.is_empty()
    }

    /// Judges keys with news until so many operations are through, or none is left. Whether there
    /// is more to do at once.
    pub fn judge(&mut self, now: u64, operations_max: usize) -> bool {
        if self.standing.broken.is_some() {
            return false;
        }
        let mut through = 0;
        while through < operations_max
            && let Some(key) = self.news.pop_first()
        {
            through += self.judge_key(now, &key);
        }
        if !self.news.is_empty() {
            return true;
        }
        let settled = |(_, since): &(&String, &u64)| now >= **since + SETTLED_US;
        let suspected: Vec<String> = self
            .suspicions
            .iter()
            .filter(settled)
            .map(|(key, _)| key.clone())
            .collect();
        for key in suspected {
            self.suspicions.remove(&key);
            self.judge_again(&key);
        }
        if self.standing.broken.is_none() {
            let positions = check_positions(self.operations());
            if let Err(reason) = positions {
                self.standing.broken = Some(Broken { key: None, reason });
            }
        }
        false
    }

    fn judge_key(&mut self, now: u64, key: &str) -> usize {
        if self.shared.has(hash(key)) {
            self.count(key, false);
            return 1;
        }
        let window = self.window(key);
        match check(&window, Initial::Unknown, WORK_MAX) {
            Verdict::Linearizable { .. } => self.count(key, true),
            Verdict::TooHard { .. } => self.count(key, false),
            Verdict::NotLinearizable { .. } if has_foreign_value(&window) => {
                self.shared.add(hash(key));
                self.count(key, false);
            }
            Verdict::NotLinearizable { .. } => {
                self.suspicions.entry(key.to_owned()).or_insert(now);
            }
        }
        window.len().max(1)
    }

    /// What others told has arrived by now.
    fn judge_again(&mut self, key: &str) {
        if self.shared.has(hash(key)) {
            return self.count(key, false);
        }
        match check(&self.window(key), Initial::Unknown, WORK_MAX) {
            Verdict::NotLinearizable { key, reason, .. } => {
                self.standing.broken = Some(Broken {
                    key: Some(key),
                    reason,
                });
            }
            Verdict::Linearizable { .. } => self.count(key, true),
            Verdict::TooHard { .. } => self.count(key, false),
        }
    }

    fn window(&self, key: &str) -> Vec<Operation> {
        let numbers = self.keys.get(key).into_iter().flatten();
        let noted = numbers.filter_map(|number| self.noted.get(number));
        noted
            .map(|noted| {
                let mut operation = noted.operation.clone();
                if operation.invoked <= self.forgotten_until {
                    operation.returned = None;
                }
                operation
            })
            .collect()
    }

    fn count(&mut self, key: &str, judged: bool) {
        for number in self.keys.get(key).into_iter().flatten() {
            if let Some(noted) = self.noted.get_mut(number)
                && noted.operation.returned.is_some()
                && !std::mem::replace(&mut noted.counted, true)
            {
                match judged {
                    true => self.standing.operations += 1,
                    false => self.standing.left_out += 1,
                }
            }
        }
    }

    /// Forgets the oldest quarter.
    fn make_room(&mut self) {
        let Some(noted) = self.noted.values().nth(self.room / 4) else {
            return;
        };
        let until = noted.operation.invoked;
        self.forgotten_until = until;
        let returned_by = |operation: &Operation| {
            let returned = operation.returned.as_ref();
            returned.is_some_and(|returned| returned.at <= until)
        };
        let gone = self.numbers(returned_by);
        for number in gone {
            self.forget(number);
        }
        if self.noted.len() <= self.room - self.room / 8 {
            return;
        }
        // Few of the oldest have returned: those go too, and with them what is known of their keys.
        let oldest = self.numbers(|operation| operation.invoked <= until);
        for number in oldest {
            if let Some(noted) = self.noted.get(&number) {
                self.shared.add(hash(&noted.operation.key));
                self.standing.left_out += u64::from(!noted.counted);
            }
            self.forget(number);
        }
    }

    fn numbers(&self, which: impl Fn(&Operation) -> bool) -> Vec<u64> {
        let matching = self.noted.iter().filter(|(_, it)| which(&it.operation));
        matching.map(|(number, _)| *number).collect()
    }

    fn forget(&mut self, number: u64) {
        let Some(noted) = self.noted.remove(&number) else {
            return;
        };
        let key = noted.operation.key;
        if let Some(numbers) = self.keys.get_mut(&key) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.keys.remove(&key);
                self.news.remove(&key);
            }
        }
    }
}

/// Whether a value was seen that nobody in this history wrote, when it can no longer have been the
/// first: a write of this history had returned.
fn has_foreign_value(window: &[Operation]) -> bool {
    let written = window.iter().filter_map(|operation| match &operation.call {
        Call::Put { value } | Call::Cas { value, .. } => Some(value),
        Call::Delete | Call::Get => None,
    });
    let written: HashSet<&Bytes> = written.collect();
    let is_write = |operation: &&Operation| {
        let answer = operation.returned.as_ref().map(|returned| &returned.answer);
        matches!(
            answer,
            Some(Return::Put | Return::Deleted { .. } | Return::Swapped(true))
        )
    };
    let returns = window.iter().filter(is_write);
    let first_write = returns
        .filter_map(|operation| operation.returned.as_ref())
        .map(|returned| returned.at)
        .min();
    window.iter().any(|operation| {
        let answer = operation.returned.as_ref().map(|returned| &returned.answer);
        let seen = match (&operation.call, answer) {
            (Call::Get, Some(Return::Value(value))) => value.as_ref(),
            (Call::Cas { expected, .. }, Some(Return::Swapped(true))) => expected.as_ref(),
            _ => None,
        };
        seen.is_some_and(|value| !written.contains(value))
            && first_write.is_some_and(|at| at < operation.invoked)
    })
}

fn short_call(call: Call) -> Call {
    match call {
        Call::Put { value } => Call::Put {
            value: short(value),
        },
        Call::Cas { expected, value } => Call::Cas {
            expected: expected.map(short),
            value: short(value),
        },
        other => other,
    }
}

/// Equal values stay equal, and others stay different.
fn short(value: Bytes) -> Bytes {
    if value.len() <= VALUE_BYTES_MAX {
        // It may be a slice of a large message, which a copy of its own lets go.
        return Bytes::copy_from_slice(&value);
    }
    let (bytes, hash) = (value.len(), xxh3_128(&value));
    Bytes::from(format!("{bytes} bytes, xxh3 {hash:032x}"))
}
