//! The search for an order of one key's operations (Wing and Gong, 1993), with the states it came
//! to remembered (Lowe, 2017).
//!
//! An order is built from its beginning. What may come next is whatever was invoked before the
//! first return of all that is left; where nothing of it fits the key's value, the search goes a
//! step back. Three things keep it short:
//!
//! - What fits and cannot change anything is taken at once, and never taken back: whatever order there is
//!   with it later is one with it here.
//! - An operation of unknown outcome is taken only when one that returned does not fit without it,
//!   directly before that one, and no more of them than needed: where it was not needed it can
//!   come later, or never. Of several that do the same, any one will do.
//! - Writes whose index in the log is known are tried in that order ([`Search::order_by_log`]).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::deed::{ABSENT, Deed, Edge, UNKNOWN, Value};
use super::{Call, Initial, Operation, Return, Shown};

/// Operations shown around the one that no order explains.
const WINDOW_MAX: usize = 12;

pub(super) enum Found {
    Order,
    None(Stuck),
    TooHard,
}

pub(super) struct Stuck {
    pub window: Vec<Operation>,
    pub reason: String,
}

struct Unknown {
    edge: Edge,
    invoked: u64,
    used: bool,
}

struct Known<'a> {
    operation: &'a Operation,
    deed: Deed,
    /// Its turn among those that the log orders.
    turn: Option<usize>,
    /// Those that the log orders, by their index; then the others, by their return.
    hint: (bool, u64),
}

/// What may come next: writes of unknown outcome, then an operation that returned.
struct Choice {
    chain: Vec<usize>,
    known: usize,
    /// It changes nothing, so there is no other choice to try.
    free: bool,
}

struct Frame {
    taken: Choice,
    before: Value,
    /// What else there is to try in its place.
    others: Vec<Choice>,
}

pub(super) struct Search<'a> {
    known: Vec<Known<'a>>,
    unknown: Vec<Unknown>,
    values: Vec<Option<&'a Bytes>>,
    /// Invocations and returns of what is left, in the order of their times, as a ring: operation
    /// n is invoked at 2n and returns at 2n + 1; the last place is where it begins and ends.
    next: Vec<usize>,
    previous: Vec<usize>,
    left: usize,
    /// The turn of the next that the log orders.
    turn: usize,
    value: Value,
    /// Which operations are in the order so far: a number for each set of them. That two sets
    /// have the same of 128 bits is not to be feared.
    taken: u128,
    seen: HashSet<(u128, Value)>,
    /// The furthest it came: operations left, value, and the first return among them.
    furthest: (usize, Value, usize),
}

impl<'a> Search<'a> {
    pub fn new(operations: &[&'a Operation], initial: Initial) -> Self {
        let mut search = Self {
            known: Vec::new(),
            unknown: Vec::new(),
            values: vec![None, None],
            next: Vec::new(),
            previous: Vec::new(),
            left: 0,
            turn: 0,
            value: match initial {
                Initial::Absent => ABSENT,
                Initial::Unknown => UNKNOWN,
            },
            taken: 0,
            seen: HashSet::new(),
            furthest: (usize::MAX, ABSENT, 0),
        };
        let mut numbers = HashMap::new();
        for operation in operations {
            search.add(operation, &mut numbers);
        }
        search.left = search.known.len();
        search.line_up();
        search
    }

    fn add(&mut self, operation: &'a Operation, numbers: &mut HashMap<&'a Bytes, Value>) {
        let values = &mut self.values;
        let mut number = |value: &'a Bytes| {
            *numbers.entry(value).or_insert_with(|| {
                values.push(Some(value));
                values.len() as Value - 1
            })
        };
        let mut optional = |value: &'a Option<Bytes>| value.as_ref().map_or(ABSENT, &mut number);
        let Some(returned) = &operation.returned else {
            let edge = match &operation.call {
                Call::Put { value } => Edge {
                    from: None,
                    to: number(value),
                },
                Call::Delete => Edge {
                    from: None,
                    to: ABSENT,
                },
                Call::Cas { expected, value } => Edge {
                    from: Some(optional(expected)),
                    to: number(value),
                },
                // Whatever it would have got, it changes nothing.
                Call::Get => return,
            };
            return self.unknown.push(Unknown {
                edge,
                invoked: operation.invoked,
                used: false,
            });
        };
        let deed = match (&operation.call, &returned.answer) {
            (Call::Put { value }, Return::Put) => Deed::Put { to: number(value) },
            (Call::Delete, Return::Deleted { existed }) => Deed::Delete { existed: *existed },
            (Call::Cas { expected, value }, Return::Swapped(true)) => Deed::Swap {
                from: optional(expected),
                to: number(value),
            },
            (Call::Cas { expected, .. }, Return::Swapped(false)) => Deed::NoSwap {
                from: optional(expected),
            },
            (Call::Get, Return::Value(value)) => Deed::Get {
                value: optional(value),
            },
            _ => Deed::Nonsense,
        };
        let index = returned.position.map(|position| position.index);
        self.known.push(Known {
            operation,
            deed,
            turn: None,
            hint: (index.is_none(), index.unwrap_or(returned.at)),
        });
    }

    /// Makes the ring of events. Of one moment, invocations come before returns.
    fn line_up(&mut self) {
        let mut events: Vec<usize> = (0..2 * self.known.len()).collect();
        events.sort_by_key(|event| (self.time(*event), event % 2));
        let end = events.len();
        self.next = vec![end; end + 1];
        self.previous = vec![end; end + 1];
        let mut last = end;
        for event in events {
            self.next[last] = event;
            self.previous[event] = last;
            last = event;
        }
        self.next[last] = end;
        self.previous[end] = last;
    }

    fn time(&self, event: usize) -> u64 {
        let operation = self.known[event / 2].operation;
        match (&operation.returned, event % 2) {
            (Some(returned), 1) => returned.at,
            _ => operation.invoked,
        }
    }

    /// From now on, writes whose index is known come in the order of their indices only. Whether
    /// there are any.
    pub fn order_by_log(&mut self) -> bool {
        let is_ordered = |n: &usize| !self.known[*n].hint.0;
        let mut ordered: Vec<usize> = (0..self.known.len()).filter(is_ordered).collect();
        ordered.sort_by_key(|n| self.known[*n].hint.1);
        for (turn, n) in ordered.iter().enumerate() {
            self.known[*n].turn = Some(turn);
        }
        !ordered.is_empty()
    }

    pub fn run(mut self, work_left: &mut u64) -> Found {
        let mut frames: Vec<Frame> = Vec::new();
        let mut choices = self.choices(work_left);
        loop {
            if self.left == 0 {
                return Found::Order;
            }
            if *work_left == 0 {
                return Found::TooHard;
            }
            if let Some(choice) = choices.pop() {
                *work_left -= 1;
                let before = self.value;
                self.take(&choice);
                if choice.free || self.seen.insert((self.taken, self.value)) {
                    let others = std::mem::replace(&mut choices, self.choices(work_left));
                    frames.push(Frame {
                        taken: choice,
                        before,
                        others,
                    });
                } else {
                    self.take_back(&choice, before);
                }
                continue;
            }
            match frames.pop() {
                Some(frame) => {
                    self.take_back(&frame.taken, frame.before);
                    choices = frame.others;
                }
                None => return Found::None(self.stuck()),
            }
        }
    }

    /// What may come next, the likeliest last.
    fn choices(&mut self, work_left: &mut u64) -> Vec<Choice> {
        let mut candidates = Vec::new();
        let mut event = self.next[self.next.len() - 1];
        while event.is_multiple_of(2) && event < 2 * self.known.len() {
            candidates.push(event / 2);
            event = self.next[event];
        }
        *work_left = work_left.saturating_sub(candidates.len() as u64 / 8);
        if self.left < self.furthest.0 {
            self.furthest = (self.left, self.value, event / 2);
        }
        candidates.retain(|n| self.known[*n].turn.is_none_or(|turn| turn == self.turn));
        let fits = |n: &usize| self.known[*n].deed.after(self.value);
        let is_free = |n: &&usize| self.known[**n].deed.observes() && fits(n) == Some(self.value);
        if let Some(&known) = candidates.iter().find(is_free) {
            return vec![Choice {
                chain: Vec::new(),
                known,
                free: true,
            }];
        }
        candidates.sort_by_key(|n| std::cmp::Reverse(self.known[*n].hint));
        let (fitting, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|n| fits(n).is_some());
        let mut choices = Vec::new();
        for n in others {
            self.chains(n, self.time(event), &mut choices, work_left);
        }
        choices.extend(fitting.into_iter().map(|known| Choice {
            chain: Vec::new(),
            known,
            free: false,
        }));
        choices
    }

    /// The ways to make operation `known` fit by writes of unknown outcome that were invoked by
    /// `until`: one that writes whatever was there, or none, then compare-and-swaps, and no value
    /// twice.
    fn chains(&self, known: usize, until: u64, found: &mut Vec<Choice>, work_left: &mut u64) {
        let deed = self.known[known].deed;
        let mut open = vec![(vec![self.value], Vec::new())];
        while let Some((values, chain)) = open.pop() {
            let value = values[values.len() - 1];
            let mut tried = HashSet::new();
            for (n, unknown) in self.unknown.iter().enumerate() {
                *work_left = work_left.saturating_sub(u64::from(n % 8 == 0));
                let Edge { from, to } = unknown.edge;
                let fits = from.map_or(chain.is_empty(), |from| from == value || value == UNKNOWN);
                let is_new = !unknown.used && !values.contains(&to);
                if !is_new || !fits || unknown.invoked > until || !tried.insert(unknown.edge) {
                    continue;
                }
                let chain = [&chain[..], &[n]].concat();
                if deed.after(to).is_some() {
                    found.push(Choice {
                        chain,
                        known,
                        free: false,
                    });
                } else if *work_left > 0 {
                    open.push(([&values[..], &[to]].concat(), chain));
                }
            }
        }
    }

    fn take(&mut self, choice: &Choice) {
        for n in &choice.chain {
            self.unknown[*n].used = true;
            self.value = self.unknown[*n].edge.to;
        }
        let known = &self.known[choice.known];
        self.value = known.deed.after(self.value).unwrap_or(self.value);
        self.turn += usize::from(known.turn.is_some());
        self.left -= 1;
        self.taken ^= self.mark(choice);
        for event in [2 * choice.known, 2 * choice.known + 1] {
            let (previous, next) = (self.previous[event], self.next[event]);
            self.next[previous] = next;
            self.previous[next] = previous;
        }
    }

    fn take_back(&mut self, choice: &Choice, before: Value) {
        // In the opposite order, or the ring would not come together again.
        for event in [2 * choice.known + 1, 2 * choice.known] {
            let (previous, next) = (self.previous[event], self.next[event]);
            self.next[previous] = event;
            self.previous[next] = event;
        }
        self.taken ^= self.mark(choice);
        self.left += 1;
        self.turn -= usize::from(self.known[choice.known].turn.is_some());
        self.value = before;
        for n in &choice.chain {
            self.unknown[*n].used = false;
        }
    }

    fn mark(&self, choice: &Choice) -> u128 {
        let of = |n: usize| xxh3_128(&(n as u64).to_le_bytes());
        let chain = choice.chain.iter().map(|n| of(self.known.len() + n));
        chain.fold(of(choice.known), |all, one| all ^ one)
    }

    /// Where every order ends.
    fn stuck(&self) -> Stuck {
        let (_, value, first) = self.furthest;
        let operation = self.known[first].operation;
        let until = self.time(2 * first + 1);
        let near = |n: &usize| self.known[*n].operation.invoked <= until;
        let mut window: Vec<usize> = (0..self.known.len()).filter(near).collect();
        window.sort_by_key(|n| (self.time(2 * n + 1), *n));
        let from = window.len().saturating_sub(WINDOW_MAX);
        let mut window: Vec<Operation> = window[from..]
            .iter()
            .map(|n| self.known[*n].operation.clone())
            .collect();
        window.sort_by_key(|operation| operation.invoked);
        let had = match value {
            UNKNOWN => "anything".to_owned(),
            value => Shown(self.values[value as usize]).to_string(),
        };
        Stuck {
            window,
            reason: format!(
                "no order explains {operation}; the one that goes furthest leaves {had} before it"
            ),
        }
    }
}
