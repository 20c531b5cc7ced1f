//! "Reset everything": all that tabraft keeps in this browser is deleted, for all tabs at once.
//!
//! A tab that goes on would write, or make databases anew. So every page shares a lock for as long
//! as it may: told of a reset it ends its workers, opens no database any more, and lets go of the
//! lock; a page that is opened meanwhile waits for it. Who resets deletes nothing before the lock
//! is its own: then no page of this build is left that could. A page that does not let go, since it
//! is frozen, is waited for, and then nothing is deleted at all. Pages of an older build know
//! nothing of this; their hosts end when their databases are deleted.
//!
//! - [`kept`]: what there is, and deleting it

pub mod kept;

use futures_util::future::{Either, join, select};
use gloo_timers::future::TimeoutFuture;
use serde::{Deserialize, Serialize};
use wasm_bindgen_futures::spawn_local;

use self::kept::{Deleted, Kept};
use super::{Cluster, within};
use crate::channel::Channel;
use crate::host::idb;
use crate::host::lock::{self, LockState, Mode};
use crate::model::{ApiError, Update};
use crate::names::{RESET_CHANNEL, RESET_LOCK};

/// How long pages may take to let go, in milliseconds. One that is alive does so at once.
const LET_GO_MS: u32 = 8_000;
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
        let waiting = std::pin::pin!(lock::acquire(RESET_LOCK, Mode::Shared));
        let patience = TimeoutFuture::new(PATIENCE_MS);
        let share = match select(waiting, patience).await {
            Either::Left((share, _)) => share,
            Either::Right(((), waiting)) => {
                self.notice(WAITING.into());
                let share = waiting.await;
                self.0.notices.borrow_mut().retain(|it| it != WAITING);
                self.tell(Update::Notices);
                share
            }
        };
        if let Ok(Some(share)) = share {
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
        let ended = lock::acquire(RESET_LOCK, Mode::Shared).await;
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
        // Without locks nobody could be told from a frozen page.
        pages().await?;
        self.end_for_reset();
        // It stands in the queue when the others hear of it: they queue behind it.
        let alone = within(lock::acquire(RESET_LOCK, Mode::Wait), LET_GO_MS);
        let (alone, ()) = join(alone, async { self.say_reset(Word::Begin) }).await;
        let alone = match alone {
            Some(Ok(Some(alone))) => alone,
            Some(Ok(None)) | None => {
                let others = match pages().await? {
                    1 => "A tab of this site does".to_owned(),
                    n => format!("{n} tabs of this site do"),
                };
                let why = format!(
                    "{others} not answer, as if frozen. Nothing was deleted. Close it or look at \
                     it, then try again."
                );
                self.say_reset(Word::GivenUp(why.clone()));
                self.set_stage(Stage::GivenUp(why.clone()));
                return Err(ApiError::new("TABS_SILENT", why));
            }
            Some(Err(error)) => {
                let why = format!("{error} Nothing was deleted.");
                self.say_reset(Word::GivenUp(why.clone()));
                self.set_stage(Stage::GivenUp(why.clone()));
                return Err(ApiError::new("NO_LOCKS", why));
            }
        };
        let deleted = kept::delete_all().await;
        self.say_reset(Word::Over(deleted.clone()));
        self.set_stage(Stage::Over(deleted.clone()));
        drop(alone);
        match deleted.left.is_empty() {
            true => Ok(deleted),
            false => Err(ApiError::new("RESET_INCOMPLETE", deleted.left_in_words())),
        }
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
