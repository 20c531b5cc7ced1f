//! One connection to an IndexedDB database: opened, watched, closed, and its failures named.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use indexed_db_futures::Build;
use indexed_db_futures::database::{Database, VersionChangeEvent};
use indexed_db_futures::error::{Error, OpenDbError, UnexpectedDataError};
use indexed_db_futures::factory::DBFactory;
use indexed_db_futures::internals::SystemRepr;
use indexed_db_futures::transaction::{
    Transaction, TransactionDurability, TransactionMode, TransactionOptions,
};
use thiserror::Error as ThisError;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::DomException;

use crate::settings::Durability;

/// Every database of this build has this version; a later format raises it.
const VERSION: u32 = 1;

/// How long opening or deleting may wait for other tabs, in milliseconds. A tab that is alive lets
/// go at once; a frozen one does not.
const WAIT_MS: u32 = 10_000;

/// Why the browser's storage did not do what it was asked. Unless a variant says otherwise,
/// nothing of a failed write was kept.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum DiskError {
    #[error(
        "The browser gives this page no storage ({0}). Use an ordinary window instead of a private one, or allow this site to keep data."
    )]
    Unavailable(String),
    #[error(
        "Another tab keeps the database from being opened or deleted. Close the other tabs of this site, then try again."
    )]
    Blocked,
    #[error(
        "The browser has no room left for this site's data. The write was not kept. Free some disk space or delete a cluster, then start the replica again."
    )]
    Full,
    #[error(
        "Another host has taken this replica over: it has epoch {found} and this host has {ours}. This host writes nothing more; the replica goes on over there."
    )]
    LostEpoch { ours: u64, found: u64 },
    /// A write that was under way may have been kept.
    #[error(
        "The database was closed or deleted by the browser, its user or another tab. This host writes nothing more; start the replica again to read what is there."
    )]
    Closed,
    #[error(
        "The record is on disk already, so this host is wrong about its own disk. Stop the replica and start it again to read what is there."
    )]
    Exists,
    #[error("There is nothing of that kind on the replica's disk.")]
    Nothing,
    #[error("The browser gave the write up ({0}). It was not kept; try again.")]
    Aborted(String),
    #[error("The browser's storage failed ({0}). Start the replica again to read what is there.")]
    Other(String),
}

impl DiskError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            DiskError::Unavailable(_) => "NO_STORAGE",
            DiskError::Blocked => "STORAGE_BLOCKED",
            DiskError::Full => "STORAGE_FULL",
            DiskError::LostEpoch { .. } => "LOST_EPOCH",
            DiskError::Closed => "STORAGE_CLOSED",
            DiskError::Nothing => "NOTHING_STORED",
            DiskError::Exists | DiskError::Aborted(_) | DiskError::Other(_) => "STORAGE_ERROR",
        }
    }

    /// Whether the same write may succeed a moment later.
    pub fn is_passing(&self) -> bool {
        matches!(self, DiskError::Aborted(_) | DiskError::Other(_))
    }

    /// What an exception of the browser means for a transaction.
    pub fn from_exception(exception: &DomException) -> Self {
        let reason = reason(exception);
        match exception.name().as_str() {
            "QuotaExceededError" => DiskError::Full,
            "InvalidStateError" => DiskError::Closed,
            "AbortError" => DiskError::Aborted(reason),
            // All that is added and not put is records.
            "ConstraintError" => DiskError::Exists,
            _ => DiskError::Other(reason),
        }
    }
}

fn reason(exception: &DomException) -> String {
    match exception.message() {
        message if message.is_empty() => exception.name(),
        message => format!("{}: {message}", exception.name()),
    }
}

impl From<Error> for DiskError {
    fn from(error: Error) -> Self {
        match error {
            Error::DomException(exception) => Self::from_exception(&exception.into()),
            other => DiskError::Other(other.to_string()),
        }
    }
}

/// What a failure to open or delete means.
fn unavailable(error: OpenDbError) -> DiskError {
    DiskError::Unavailable(match error {
        OpenDbError::Base(Error::DomException(exception)) => {
            let exception: DomException = exception.into();
            if exception.name() == "QuotaExceededError" {
                return DiskError::Full;
            }
            reason(&exception)
        }
        // The library says this of whatever `indexedDB.open` throws; the version is never zero.
        OpenDbError::VersionZero => "it refuses to open databases here".into(),
        OpenDbError::NullFactory | OpenDbError::UnsupportedEnvironment => {
            "it has no IndexedDB here".into()
        }
        OpenDbError::Base(other) => other.to_string(),
    })
}

thread_local! {
    /// Whether this page or worker opens no database any more.
    static CLOSED: Cell<bool> = const { Cell::new(false) };
}

/// From now on no database is opened here: all are to be deleted, and stay so.
pub fn close_for_good() {
    CLOSED.set(true);
}

/// An open database. Closed when dropped; when another tab wants to delete it; and by the browser.
pub struct Connection {
    db: Database,
    end: Rc<End>,
    _on_version_change: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
}

type Callback = Box<dyn FnOnce(&DiskError)>;

/// Why a connection is to be used no more, and who wants to know.
#[derive(Default)]
struct End {
    error: RefCell<Option<DiskError>>,
    callback: RefCell<Option<Callback>>,
}

impl End {
    /// The first error stays.
    fn set(&self, error: DiskError) {
        if self.error.borrow().is_some() {
            return;
        }
        *self.error.borrow_mut() = Some(error.clone());
        if let Some(callback) = self.callback.take() {
            callback(&error);
        }
    }
}

impl Connection {
    /// Opens a database; a new one gets the object stores.
    ///
    /// # Errors
    /// `Unavailable`, `Full`, or `Blocked` after ten seconds of waiting for a deletion; `Closed` if
    /// none is to be opened here any more.
    pub async fn open(name: &str, stores: &'static [&'static str]) -> Result<Self, DiskError> {
        if CLOSED.get() {
            return Err(DiskError::Closed);
        }
        let create = move |_: VersionChangeEvent, db: Database| {
            for store in stores {
                db.create_object_store(*store).build()?;
            }
            Ok(())
        };
        let request = Database::open(name)
            .with_version(VERSION)
            .with_on_upgrade_needed(create)
            .build()
            .map_err(unavailable)?;
        match select(request, TimeoutFuture::new(WAIT_MS)).await {
            Either::Left((opened, _)) => Ok(Self::watch(opened.map_err(unavailable)?)),
            Either::Right(((), late)) => {
                // Opened later it would be in the way of whoever wants to delete it.
                spawn_local(async move {
                    if let Ok(db) = late.await {
                        db.close();
                    }
                });
                Err(DiskError::Blocked)
            }
        }
    }

    /// Opens a database if it exists.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_existing(
        name: &str,
        stores: &'static [&'static str],
    ) -> Result<Option<Self>, DiskError> {
        match exists(name).await? {
            true => Self::open(name, stores).await.map(Some),
            false => Ok(None),
        }
    }

    fn watch(db: Database) -> Self {
        let end = Rc::new(End::default());
        // Somebody wants to delete the database, and waits until it is closed here.
        let on_version_change = Closure::<dyn FnMut()>::new({
            let (end, db) = (end.clone(), db.as_sys().clone());
            move || {
                db.close();
                end.set(DiskError::Closed);
            }
        });
        // The browser has closed it.
        let on_close = Closure::<dyn FnMut()>::new({
            let end = end.clone();
            move || end.set(DiskError::Closed)
        });
        let sys = db.as_sys();
        sys.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        sys.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Self {
            db,
            end,
            _on_version_change: on_version_change,
            _on_close: on_close,
        }
    }

    /// A transaction that writes, and is aborted when dropped.
    ///
    /// # Errors
    /// Why the connection is to be used no more, or the browser's reason.
    pub fn write<const N: usize>(
        &self,
        stores: [&str; N],
        durability: Durability,
    ) -> Result<Transaction<'_>, DiskError> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        let durability = match durability {
            Durability::Strict => TransactionDurability::Strict,
            Durability::Relaxed => TransactionDurability::Relaxed,
        };
        let transaction = self
            .db
            .transaction(stores)
            .with_mode(TransactionMode::Readwrite)
            .with_options(TransactionOptions::new().with_durability(durability))
            .build()?;
        Ok(transaction)
    }

    /// A transaction that reads.
    ///
    /// # Errors
    /// The browser's reason.
    pub fn read<const N: usize>(&self, stores: [&str; N]) -> Result<Transaction<'_>, DiskError> {
        let transaction = self.db.transaction(stores).build()?;
        Ok(transaction)
    }

    pub fn ended(&self) -> Option<DiskError> {
        self.end.error.borrow().clone()
    }

    /// From now on every use fails with this error.
    pub fn end(&self, error: DiskError) {
        self.db.as_sys().close();
        self.end.set(error);
    }

    /// Calls back once, when the connection ends by any hand but the owner's; now, if it has.
    pub fn on_end(&self, callback: impl FnOnce(&DiskError) + 'static) {
        match self.ended() {
            Some(error) => callback(&error),
            None => *self.end.callback.borrow_mut() = Some(Box::new(callback)),
        }
    }

    /// Closes it without calling back. A transaction under way still finishes.
    pub fn close(&self) {
        drop(self.end.callback.take());
        self.end(DiskError::Closed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let sys = self.db.as_sys();
        sys.set_onversionchange(None);
        sys.set_onclose(None);
        sys.close();
    }
}

/// Commits a transaction and waits for its `complete` event: only then is it durable.
///
/// # Errors
/// Why it was aborted. The library consumes the transaction and says only that it was; the
/// browser's own transaction knows the cause, such as `QuotaExceededError`.
pub async fn commit(transaction: Transaction<'_>) -> Result<(), DiskError> {
    let sys = transaction.as_sys().clone();
    transaction.commit().await.map_err(|error| match error {
        Error::MissingData(UnexpectedDataError::TransactionAborted) => sys.error().map_or_else(
            || DiskError::Aborted("it gave no reason".into()),
            |exception| DiskError::from_exception(&exception),
        ),
        other => other.into(),
    })
}

/// Deletes a database. Whoever has it open is told and closes it.
///
/// # Errors
/// `Unavailable`; `Blocked` if somebody has not let go of it after ten seconds: it is deleted as
/// soon as that tab wakes up or ends.
pub async fn delete(name: &str) -> Result<(), DiskError> {
    let request = Database::delete_by_name(name).map_err(unavailable)?;
    match select(request, TimeoutFuture::new(WAIT_MS)).await {
        Either::Left((deleted, _)) => Ok(deleted?),
        Either::Right(_) => Err(DiskError::Blocked),
    }
}

/// Whether a database of that name exists: opening it to see would create it.
///
/// # Errors
/// `Unavailable`.
pub async fn exists(name: &str) -> Result<bool, DiskError> {
    Ok(names().await?.iter().any(|it| it == name))
}

/// The names of all databases of the origin.
///
/// # Errors
/// `Unavailable`.
pub async fn names() -> Result<Vec<String>, DiskError> {
    let factory = DBFactory::new().map_err(unavailable)?;
    let mut names = Vec::new();
    for database in factory.databases()?.await? {
        names.push(database?.name().to_owned());
    }
    Ok(names)
}
