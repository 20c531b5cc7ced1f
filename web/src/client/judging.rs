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
use tabraft::kv::Op;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::Cluster;
use super::deadline::Deadline;
use crate::channel::{Channel, bytes_of};
use crate::clock;
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
        let now_ms = clock::unix_ms();
        let error_ms = (now_ms - clock::wall_ms()).abs();
        self.clock_error_ms
            .set(self.clock_error_ms.get().max(error_ms));
        (now_ms * 1_000.0) as u64
    }

    /// How far this tab's times were from the wall clock's, at the most.
    pub fn clock_error_ms(&self) -> f64 {
        self.clock_error_ms.get()
    }

    /// Notes a call that is about to be made.
    pub fn invoked(&self, key: &str, call: Call) -> Noted {
        let now = self.now_us();
        Noted(self.journal.borrow_mut().invoked(now, key, call))
    }

    /// The same of a write, which other tabs are told of before.
    pub fn note_write(self: &Rc<Self>, op: &Op) -> Noted {
        let call = match op {
            Op::Put { value, .. } => Call::Put {
                value: value.clone(),
            },
            Op::Delete { .. } => Call::Delete,
            Op::Cas {
                expected, value, ..
            } => Call::Cas {
                expected: expected.clone(),
                value: value.clone(),
            },
        };
        self.tell([hash(op.key())]);
        self.invoked(op.key(), call)
    }

    pub fn returned(&self, noted: Noted, answer: Return, position: Option<Position>) {
        let now = self.now_us();
        if let Some(number) = noted.0 {
            let mut journal = self.journal.borrow_mut();
            journal.returned(number, now, answer, position);
        }
    }

    pub fn did_nothing(&self, noted: Noted) {
        if let Some(number) = noted.0 {
            self.journal.borrow_mut().did_nothing(number);
        }
    }

    /// How what was done stands, as far as it is judged.
    pub fn standing(&self) -> Standing {
        self.journal.borrow().standing().clone()
    }

    /// Keys that others write, by their hashes: they are left out from now on.
    pub fn others_write(&self, hashes: impl IntoIterator<Item = u64>) {
        self.journal.borrow_mut().others_write(hashes);
    }

    /// The verdict on all of it.
    ///
    /// # Errors
    /// `TIMEOUT`.
    pub async fn settled(&self, deadline: Deadline) -> Result<Standing, ApiError> {
        loop {
            self.judge().await;
            let busy = self.busy.get() || self.journal.borrow().is_suspicious();
            if !busy {
                return Ok(self.standing());
            }
            if !deadline.pause(SETTLED_US as u32 / 10_000).await {
                return Err(ApiError::new("TIMEOUT", "Not all was judged in time."));
            }
        }
    }

    fn tell_open_writes(self: &Rc<Self>) {
        let open = self.journal.borrow().open_writes();
        self.tell(open);
    }

    /// Tells the other tabs that this one writes keys: those of one microtask together.
    fn tell(self: &Rc<Self>, hashes: impl IntoIterator<Item = u64>) {
        let mut telling = self.telling.borrow_mut();
        let under_way = !telling.is_empty();
        telling.extend(hashes);
        if under_way || telling.is_empty() {
            return;
        }
        let me = self.clone();
        spawn_local(async move { me.tell_now() });
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

/// A call on its way, if there was room for it; without an end, its outcome is unknown.
#[derive(Clone, Copy)]
pub struct Noted(Option<u64>);

impl Cluster {
    /// A tab that has just been opened is told what may take effect yet.
    pub(super) fn tell_open_writes(&self) {
        if let Some(judged) = self.0.judged.get() {
            judged.judging.tell_open_writes();
        }
    }

    /// Judges what is new, if there is any; for the timer.
    pub(super) fn look_for_news(&self) {
        let Some(judged) = self.0.judged.get() else {
            return;
        };
        let judging = judged.judging.clone();
        if !judging.journal.borrow().has_news() {
            return;
        }
        let me = self.clone();
        spawn_local(async move {
            judging.judge().await;
            me.tell(Update::Judged);
        });
    }

    /// How this tab's history stands, as far as it is judged.
    pub fn standing(&self) -> Standing {
        let judged = self.0.judged.get();
        judged.map_or_else(Standing::default, |it| it.judging.standing())
    }

    /// The same with all of it judged. Where a contradiction shows, this takes until what other
    /// tabs told has arrived.
    ///
    /// # Errors
    /// `TIMEOUT`.
    pub async fn judged(&self, deadline: Deadline) -> Result<Standing, ApiError> {
        let standing = self.store().await?.judging.settled(deadline).await?;
        self.tell(Update::Judged);
        Ok(standing)
    }

    /// This tab's operations that are kept, in the order of their invocation, and how far its
    /// times were from the wall clock's, in milliseconds.
    ///
    /// # Errors
    /// Those of [`Cluster::ready`].
    pub async fn history(&self) -> Result<(Vec<Operation>, f64), ApiError> {
        let judging = &self.store().await?.judging;
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
