//! The live judge: what this tab's clients did, and whether it is linearizable.
//!
//! Every put, delete, compare-and-swap and linearizable get of this tab is noted in a [`Journal`],
//! which judges it while there is nothing better to do, some operations at a time. Tabs tell each
//! other which keys they write, by a hash, on a channel of its own: eight bytes of the cluster's
//! identity, then eight a key. What this tab says of a key that others write would be worth
//! nothing without their part of the story, so such keys are left out.
//!
//! Times are microseconds of the Unix epoch, from a clock that never goes back; browsers round it
//! down (Chromium to 0.1 ms, Firefox to 1 ms), which takes nothing from the order within a tab: of
//! two moments that are told apart, the earlier is the earlier. Between tabs the clocks differ, by
//! that rounding and by what the wall clock was set since each tab was opened. Each tab measures
//! how far it is from `Date.now()`, which all tabs share: [`Judging::clock_error_ms`]. Histories of
//! several tabs are judged together soundly when every invocation is moved that far back, and every
//! return that far on.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use tabraft::check::edn;
use tabraft::check::journal::{Journal, OPERATIONS_MAX, SETTLED_US, Standing, hash};
use tabraft::check::linear::{Call, Operation, Position, Return};
use tabraft::kv::{Applied, Op, Outcome};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::Cluster;
use super::deadline::Deadline;
use crate::channel::{Channel, bytes_of};
use crate::model::{ApiError, HistoryFile, Update};
use crate::names;

/// How often the judge looks whether there is news, in milliseconds.
const EVERY_MS: u32 = 2_000;
/// Operations judged without a pause.
const SLICE_OPERATIONS: usize = 2_000;
/// The pause, in milliseconds.
const PAUSE_MS: u32 = 10;

pub struct Judging {
    identity: u64,
    journal: Rc<RefCell<Journal>>,
    channel: Channel,
    /// Keys that others are to be told of.
    telling: RefCell<Vec<u64>>,
    clock_error_ms: Cell<f64>,
    busy: Cell<bool>,
    _every: Interval,
}

impl Judging {
    /// `look` is called every now and then.
    ///
    /// # Errors
    /// The browser's, where it has no channels.
    pub fn new(
        cluster: &str,
        identity: u64,
        client: u64,
        look: impl Fn() + 'static,
    ) -> Result<Self, JsValue> {
        let journal = Rc::new(RefCell::new(Journal::new(client, OPERATIONS_MAX)));
        let heard = journal.clone();
        let name = names::writes_channel(cluster);
        let channel = Channel::receiver(&name, move |message| {
            let bytes = bytes_of(&message).unwrap_or_default();
            let (numbers, []) = bytes.as_chunks::<8>() else {
                return;
            };
            let mut numbers = numbers.iter().copied().map(u64::from_le_bytes);
            if numbers.next() == Some(identity) {
                heard.borrow_mut().others_write(numbers);
            }
        })?;
        Ok(Self {
            identity,
            journal,
            channel,
            telling: RefCell::default(),
            clock_error_ms: Cell::new(0.0),
            busy: Cell::new(false),
            _every: Interval::new(EVERY_MS, look),
        })
    }

    fn now_us(&self) -> u64 {
        let wall_ms = js_sys::Date::now();
        let clock = web_sys::window().and_then(|window| window.performance());
        let now_ms = clock.map_or(wall_ms, |clock| clock.time_origin() + clock.now());
        let error_ms = (now_ms - wall_ms).abs();
        self.clock_error_ms
            .set(self.clock_error_ms.get().max(error_ms));
        (now_ms * 1_000.0) as u64
    }

    /// How far this tab's times were from the wall clock's, at the most.
    pub fn clock_error_ms(&self) -> f64 {
        self.clock_error_ms.get()
    }

    /// Notes a call that is about to be made.
    fn invoked(&self, key: &str, call: Call) -> Option<u64> {
        let now = self.now_us();
        self.journal.borrow_mut().invoked(now, key, call)
    }

    fn returned(&self, number: u64, answer: Return, position: Option<Position>) {
        let now = self.now_us();
        let mut journal = self.journal.borrow_mut();
        journal.returned(number, now, answer, position);
    }

    fn did_nothing(&self, number: u64) {
        self.journal.borrow_mut().did_nothing(number);
    }

    /// Tells the other tabs that this one writes keys: those of one microtask together.
    fn tell(&self, cluster: &Cluster, hashes: impl IntoIterator<Item = u64>) {
        let mut telling = self.telling.borrow_mut();
        let under_way = !telling.is_empty();
        telling.extend(hashes);
        if under_way || telling.is_empty() {
            return;
        }
        let cluster = cluster.clone();
        spawn_local(async move {
            if let Some(joined) = cluster.0.joined.get() {
                joined.judging.tell_now();
            }
        });
    }

    fn tell_now(&self) {
        let mut hashes = self.telling.take();
        hashes.sort_unstable();
        hashes.dedup();
        let numbers = std::iter::once(self.identity).chain(hashes);
        let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        if let Err(error) = self.channel.send_bytes(&bytes) {
            web_sys::console::warn_2(&"tabraft: other tabs were not told:".into(), &error);
        }
    }

    /// Judges what is new, with pauses.
    async fn judge(&self) {
        if self.busy.replace(true) {
            return;
        }
        loop {
            let now = self.now_us();
            if !self.journal.borrow_mut().judge(now, SLICE_OPERATIONS) {
                break;
            }
            TimeoutFuture::new(PAUSE_MS).await;
        }
        self.busy.set(false);
    }
}

/// A call on its way; without an end, its outcome is unknown.
pub(super) struct Noted(Option<u64>);

impl Cluster {
    pub(super) fn note_write(&self, op: &Op) -> Noted {
        let Some(joined) = self.0.joined.get() else {
            return Noted(None);
        };
        let call = match op.clone() {
            Op::Put { value, .. } => Call::Put { value },
            Op::Delete { .. } => Call::Delete,
            Op::Cas {
                expected, value, ..
            } => Call::Cas { expected, value },
        };
        joined.judging.tell(self, [hash(op.key())]);
        Noted(joined.judging.invoked(op.key(), call))
    }

    pub(super) fn note_get(&self, key: &str) -> Noted {
        let judging = self.0.joined.get().map(|joined| &joined.judging);
        Noted(judging.and_then(|judging| judging.invoked(key, Call::Get)))
    }

    pub(super) fn note_written(&self, noted: Noted, result: &Result<Applied, ApiError>) {
        let (Some(joined), Some(number)) = (self.0.joined.get(), noted.0) else {
            return;
        };
        match result {
            Ok(applied) => {
                let answer = match applied.outcome {
                    Outcome::Put => Return::Put,
                    Outcome::Deleted { existed } => Return::Deleted { existed },
                    Outcome::Swapped(swapped) => Return::Swapped(swapped),
                    Outcome::Opened | Outcome::Changed | Outcome::Refused(_) => return,
                };
                let position = Position {
                    index: applied.index,
                    term: applied.term,
                };
                joined.judging.returned(number, answer, Some(position));
            }
            Err(error) if error.says_nothing_happened() => joined.judging.did_nothing(number),
            // It may take effect yet.
            Err(_) => {}
        }
    }

    pub(super) fn note_got(&self, noted: Noted, value: Option<Option<bytes::Bytes>>) {
        let (Some(joined), Some(number)) = (self.0.joined.get(), noted.0) else {
            return;
        };
        match value {
            Some(value) => joined.judging.returned(number, Return::Value(value), None),
            None => joined.judging.did_nothing(number),
        }
    }

    /// A tab that has just been opened is told what may take effect yet.
    pub(super) fn tell_open_writes(&self) {
        if let Some(joined) = self.0.joined.get() {
            let open = joined.judging.journal.borrow().open_writes();
            joined.judging.tell(self, open);
        }
    }

    /// Judges what is new, if there is any; for the timer.
    pub(super) fn look_for_news(&self) {
        let Some(joined) = self.0.joined.get() else {
            return;
        };
        if !joined.judging.journal.borrow().has_news() {
            return;
        }
        let me = self.clone();
        spawn_local(async move {
            if let Some(joined) = me.0.joined.get() {
                joined.judging.judge().await;
                me.tell(Update::Judged);
            }
        });
    }

    /// How this tab's history stands, as far as it is judged.
    pub fn standing(&self) -> Standing {
        let joined = self.0.joined.get();
        joined.map_or_else(Standing::default, |joined| {
            joined.judging.journal.borrow().standing().clone()
        })
    }

    /// The same with all of it judged. Where a contradiction shows, this takes until what other
    /// tabs told has arrived.
    ///
    /// # Errors
    /// `TIMEOUT`.
    pub async fn judged(&self, deadline: Deadline) -> Result<Standing, ApiError> {
        let judging = &self.joined().await?.judging;
        loop {
            judging.judge().await;
            let busy = judging.busy.get() || judging.journal.borrow().is_suspicious();
            if !busy {
                self.tell(Update::Judged);
                return Ok(self.standing());
            }
            if !deadline.pause(SETTLED_US as u32 / 10_000).await {
                return Err(ApiError::new("TIMEOUT", "Not all was judged in time."));
            }
        }
    }

    /// This tab's operations that are kept, in the order of their invocation, and how far its
    /// times were from the wall clock's, in milliseconds.
    ///
    /// # Errors
    /// Those of [`Cluster::ready`].
    pub async fn history(&self) -> Result<(Vec<Operation>, f64), ApiError> {
        let judging = &self.joined().await?.judging;
        let operations = judging.journal.borrow().operations().cloned().collect();
        Ok((operations, judging.clock_error_ms()))
    }

    /// The history as a file for other checkers; its format is [`edn`]'s.
    ///
    /// # Errors
    /// Those of [`Cluster::ready`], and the browser's.
    pub async fn export_history(&self) -> Result<HistoryFile, ApiError> {
        let (operations, clock_error_ms) = self.history().await?;
        let text = format!(
            ";; tabraft, cluster {}: times are within {clock_error_ms:.1} ms of the wall clock\n{}",
            self.cluster(),
            edn::write(&operations, 1_000)
        );
        let failed = |error: JsValue| ApiError::browser("The file could not be made", &error);
        let parts = Array::of1(&JsValue::from(&text));
        Ok(HistoryFile {
            blob: Blob::new_with_str_sequence(&parts).map_err(failed)?,
            file_name: format!("tabraft-{}-history.edn", self.cluster()),
            operations: operations.len() as u64,
        })
    }
}
