//! "Reset everything": all that tabraft keeps in this browser is deleted, for all tabs at once.
//!
//! A tab that goes on would write, or make databases anew. So every page shares a lock for as long
//! as it may: told of a reset it ends its workers, opens no database any more, and lets go of the
//! lock. Who resets deletes nothing before the lock is its own: then no page of this build is left
//! that could. A page that does not let go, since it is frozen, is waited for, and then nothing is
//! deleted at all. Pages of an older build know nothing of this; their hosts end when their
//! databases are deleted.
//!
//! Who resets holds a lock of its own meanwhile. A page that is opened waits for that one, and the
//! others learn by it when whoever resets has died. It does not queue for the shared lock but tries
//! it again and again: Chromium lets nobody in who queued behind a request that was withdrawn.
//!
//! - [`kept`]: what there is, and deleting it

pub mod kept;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use serde::{Deserialize, Serialize};
use wasm_bindgen_futures::spawn_local;

use self::kept::{Deleted, Kept};
use super::Cluster;
use super::deadline::Deadline;
use crate::channel::Channel;
use crate::host::idb;
use crate::host::lock::{self, LockState, Mode};
use crate::model::{ApiError, Update};
use crate::names::{RESET_CHANNEL, RESET_LOCK, RESETTER_LOCK};

/// How long pages may take to let go, in milliseconds. One that is alive does so at once.
const LET_GO_MS: f64 = 8_000.0;
/// How often it is tried whether they have, and they are told again, in milliseconds: a page may
/// have been opened meanwhile.
const TRY_EVERY_MS: u32 = 100;
/// After how long a page that is opened says what it waits for, in milliseconds.
const PATIENCE_MS: u32 = 500;
/// How long the word of what was deleted may take, after the lock, in milliseconds.
const WORD_MS: u32 = 1_000;
/// The channel speaks this version.
const PROTOCOL: u32 = 1;

const WAITING: &str =
    "Another tab is deleting everything that tabraft keeps here. This page goes on after that.";

/// How far a reset is, in a page that takes part in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    Begun,
    Over(Deleted),
    /// Nothing was deleted, and why.
    GivenUp(String),
    /// The tab that began it ended before it was done.
    CutShort,
}

#[derive(Serialize, Deserialize)]
struct Message {
    protocol: u32,
    word: Word,
}

#[derive(Serialize, Deserialize)]
enum Word {
    Begin,
    Over(Deleted),
    GivenUp(String),
}

/// What a page needs to take part.
#[derive(Default)]
pub struct Resetting {
    /// Where resets are told of.
    channel: Option<Channel>,
    /// Shared with all pages that may use databases.
    share: Option<lock::Held>,
    stage: Option<Stage>,
}

impl Cluster {
    /// Listens for resets, and waits until none is under way.
    pub(super) async fn heed_resets(&self) {
        let weak = std::rc::Rc::downgrade(&self.0);
        let channel = Channel::receiver(RESET_CHANNEL, move |message| {
            if let Ok(message) = serde_wasm_bindgen::from_value::<Message>(message)
                && message.protocol == PROTOCOL
                && let Some(inner) = weak.upgrade()
            {
                Self(inner).on_reset_word(message.word);
            }
        });
        // Without channels or locks there is no cluster; what follows says so.
        self.0.resetting.borrow_mut().channel = channel.ok();
        let waiting = std::pin::pin!(lock::acquire(RESETTER_LOCK, Mode::Shared));
        let patience = TimeoutFuture::new(PATIENCE_MS);
        if let Either::Right(((), waiting)) = select(waiting, patience).await {
            self.notice(WAITING.into());
            drop(waiting.await);
            self.0.notices.borrow_mut().retain(|it| it != WAITING);
            self.tell(Update::Notices);
        }
        if let Ok(Some(share)) = lock::acquire(RESET_LOCK, Mode::Shared).await {
            self.0.resetting.borrow_mut().share = Some(share);
        }
    }

    /// How far a reset is that this page takes part in.
    pub fn reset_stage(&self) -> Option<Stage> {
        self.0.resetting.borrow().stage.clone()
    }

    fn set_stage(&self, stage: Stage) {
        self.0.resetting.borrow_mut().stage = Some(stage);
        self.tell(Update::Reset);
    }

    fn say_reset(&self, word: Word) {
        let message = Message {
            protocol: PROTOCOL,
            word,
        };
        let resetting = self.0.resetting.borrow();
        let sent = serde_wasm_bindgen::to_value(&message).map_err(Into::into);
        let sent = sent.and_then(|message| match &resetting.channel {
            Some(channel) => channel.send(&message),
            None => Ok(()),
        });
        if let Err(error) = sent {
            web_sys::console::warn_2(&"tabraft: other tabs were not told:".into(), &error);
        }
    }

    fn on_reset_word(&self, word: Word) {
        match word {
            // Told before.
            Word::Begin if self.reset_stage().is_some() => {}
            Word::Begin => {
                self.end_for_reset();
                let me = self.clone();
                spawn_local(async move { me.await_reset().await });
            }
            Word::Over(deleted) => self.set_stage(Stage::Over(deleted)),
            Word::GivenUp(why) => self.set_stage(Stage::GivenUp(why)),
        }
    }

    /// Ends all that uses a database here, for good, and then lets the others know.
    fn end_for_reset(&self) {
        self.stop_load();
        self.0.hosting.end();
        idb::close_for_good();
        let closed = ApiError::new(
            "RESET",
            "Everything is being deleted, or was. Reload the page to start anew.",
        );
        *self.0.opened.borrow_mut() = Some(Err(closed));
        kept::forget_session();
        self.set_stage(Stage::Begun);
        drop(self.0.resetting.borrow_mut().share.take());
    }

    /// Waits for the end of another tab's reset, however it ends.
    async fn await_reset(&self) {
        let ended = lock::acquire(RESETTER_LOCK, Mode::Shared).await;
        TimeoutFuture::new(WORD_MS).await;
        drop(ended);
        if self.reset_stage() == Some(Stage::Begun) {
            self.set_stage(Stage::CutShort);
        }
    }

    /// What a reset would delete.
    ///
    /// # Errors
    /// The browser's.
    pub async fn kept(&self) -> Result<Kept, ApiError> {
        let pages = pages().await?.saturating_sub(1);
        Ok(Kept {
            other_tabs: pages,
            ..kept::list().await?
        })
    }

    /// Deletes all that tabraft keeps in this browser, and has all tabs end first.
    ///
    /// # Errors
    /// `TABS_SILENT`: a tab does not let go; nothing was deleted. `RESET_INCOMPLETE`: what is left
    /// is named. `NO_LOCKS`; `RESET` if one was begun before.
    pub async fn reset(&self) -> Result<Deleted, ApiError> {
        if self.reset_stage().is_some() {
            return Err(ApiError::new(
                "RESET",
                "A reset was begun in this page. Reload it first.",
            ));
        }
        let refused = |error: lock::LockError| ApiError::new("NO_LOCKS", error.to_string());
        let resetter = lock::acquire(RESETTER_LOCK, Mode::IfAvailable).await;
        let Some(resetter) = resetter.map_err(refused)? else {
            return Err(ApiError::new(
                "RESET",
                "Another tab is at it. Nothing was done here.",
            ));
        };
        self.end_for_reset();
        let alone = match self.await_others().await {
            Ok(alone) => alone,
            Err(error) => {
                self.say_reset(Word::GivenUp(error.message.clone()));
                self.set_stage(Stage::GivenUp(error.message.clone()));
                return Err(error);
            }
        };
        let deleted = kept::delete_all().await;
        self.say_reset(Word::Over(deleted.clone()));
        self.set_stage(Stage::Over(deleted.clone()));
        drop((alone, resetter));
        match deleted.left.is_empty() {
            true => Ok(deleted),
            false => Err(ApiError::new("RESET_INCOMPLETE", deleted.left_in_words())),
        }
    }

    /// Has all other pages let go of what they share.
    async fn await_others(&self) -> Result<lock::Held, ApiError> {
        let deadline = Deadline::after(LET_GO_MS);
        loop {
            self.say_reset(Word::Begin);
            match lock::acquire(RESET_LOCK, Mode::IfAvailable).await {
                Ok(Some(alone)) => return Ok(alone),
                Ok(None) if deadline.pause(TRY_EVERY_MS).await => {}
                Ok(None) => break,
                Err(error) => {
                    let why = format!("{error} Nothing was deleted.");
                    return Err(ApiError::new("NO_LOCKS", why));
                }
            }
        }
        let others = match pages().await? {
            0 | 1 => "A tab of this site does".to_owned(),
            n => format!("{n} tabs of this site do"),
        };
        let why = format!(
            "{others} not answer, as if frozen. Nothing was deleted. Close it or look at it, then \
             try again."
        );
        Err(ApiError::new("TABS_SILENT", why))
    }
}

/// How many pages may use databases.
async fn pages() -> Result<usize, ApiError> {
    let locks = lock::query().await;
    let locks = locks.map_err(|error| ApiError::new("NO_LOCKS", error.to_string()))?;
    let held =
        |(name, state): &&(String, LockState)| name == RESET_LOCK && *state == LockState::Held;
    Ok(locks.iter().filter(held).count())
}
