//! What the table of keys has shown, moment by moment, in bounded memory.
//!
//! A reading holds until its replica tells of news: an entry that it applied. What was there from then
//! on is not known before the next reading, and [`Then`] says so. Rows that did not change are
//! shared with the reading before; a reading that finds all as it was is the same reading. Beyond
//! the bounds every other one of the older readings goes, then the oldest.
//!
//! [`words`] says of a moment what is known; [`image`] is how readings are saved.

pub mod image;
pub mod words;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Readings kept.
pub const READINGS_MAX: usize = 400;
/// What keys and values may take, in bytes.
pub const BYTES_MAX: usize = 4 << 20;
/// Rows of a reading.
pub const ROWS_MAX: usize = 100;

/// A key and its value, as they are shown: long values are cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub key: String,
    pub value: String,
}

impl Pair {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.value.len()
    }
}

/// What was asked for, and whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub prefix: String,
    /// `None` for the leader.
    pub node: Option<u64>,
    pub stale: bool,
}

/// The first keys that begin so, as they were from one moment to another, in milliseconds of the
/// Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub from_ms: f64,
    /// Until when it was known to be so.
    pub to_ms: f64,
    pub source: Arc<Source>,
    pub rows: Vec<Arc<Pair>>,
    /// Whether there were more.
    pub more: bool,
}

/// What is known of a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then<'a> {
    /// So it was, as far as the replica had told.
    Was(&'a Reading),
    /// So it had been, and there was news since; the next reading shows what it came to.
    HadBeen(&'a Reading, Option<&'a Reading>),
    /// Nothing had been read yet.
    Unread,
    /// What was read is not kept any more.
    Forgotten,
}

#[derive(Debug, Default)]
pub struct Readings {
    readings: VecDeque<Reading>,
    /// Whether the newest still holds.
    holds: bool,
    /// Before that moment nothing is kept; 0 if nothing was dropped there.
    forgotten_ms: f64,
    /// What the rows take, or more: exact after each thinning.
    bytes: usize,
}

impl Readings {
    /// Takes what was read at `now_ms`.
    pub fn add(&mut self, now_ms: f64, source: Source, rows: Vec<Arc<Pair>>, more: bool) {
        let mut now_ms = now_ms;
        let (mut of, mut known) = (None, HashMap::new());
        self.holds = true;
        if let Some(last) = self.readings.back_mut() {
            // The wall clock may be set back.
            now_ms = now_ms.max(last.to_ms);
            let same = *last.source == source;
            if same && last.more == more && last.rows == rows {
                last.to_ms = now_ms;
                return;
            }
            of = same.then(|| last.source.clone());
            known = last.rows.iter().map(|it| (it.key.clone(), it)).collect();
        }
        let mut bytes = 0;
        let share = |row: Arc<Pair>| match known.get(&row.key) {
            Some(before) if ***before == *row => Arc::clone(before),
            _ => {
                bytes += row.bytes();
                row
            }
        };
        let rows: Vec<_> = rows.into_iter().take(ROWS_MAX).map(share).collect();
        self.bytes += bytes;
        self.readings.push_back(Reading {
            from_ms: now_ms,
            to_ms: now_ms,
            source: of.unwrap_or_else(|| Arc::new(source)),
            rows,
            more,
        });
        if self.readings.len() > READINGS_MAX || self.bytes > BYTES_MAX {
            self.thin();
        }
    }

    /// At `now_ms` the replica told of news, or another is looked at.
    pub fn outdate(&mut self, now_ms: f64) {
        if std::mem::take(&mut self.holds)
            && let Some(last) = self.readings.back_mut()
        {
            last.to_ms = last.to_ms.max(now_ms);
        }
    }

    /// What is known of a moment.
    pub fn at(&self, at_ms: f64) -> Then<'_> {
        let after = self.readings.partition_point(|it| it.from_ms <= at_ms);
        let Some(reading) = after.checked_sub(1).and_then(|i| self.readings.get(i)) else {
            return match at_ms < self.forgotten_ms {
                true => Then::Forgotten,
                false => Then::Unread,
            };
        };
        let next = self.readings.get(after);
        match at_ms <= reading.to_ms || (next.is_none() && self.holds) {
            true => Then::Was(reading),
            false => Then::HadBeen(reading, next),
        }
    }

    /// Leaves room for some more. The newest quarter stays whole.
    fn thin(&mut self) {
        let older = self.readings.len() - self.readings.len() / 4;
        let mut place = 0;
        self.readings.retain(|_| {
            place += 1;
            place > older || place % 2 == 1
        });
        self.bytes = self.taken();
        while self.bytes > BYTES_MAX / 4 * 3 && self.readings.len() > 1 {
            let some = (self.readings.len() / 4).max(1);
            self.readings.drain(..some);
            self.forgotten_ms = self.readings.front().map_or(0.0, |it| it.from_ms);
            self.bytes = self.taken();
        }
    }

    /// What the rows take, each once.
    fn taken(&self) -> usize {
        let mut seen = HashSet::new();
        let rows = self.readings.iter().flat_map(|it| &it.rows);
        rows.filter(|row| seen.insert(Arc::as_ptr(row)))
            .map(|row| row.bytes())
            .sum()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
pub mod tests;
