//! Moving house: all pairs under a prefix, from tabs to etcd and back.
//!
//! - [`difference`]: what is missing where
//! - [`export`], [`import`]: the two ways
//! - [`etcd_pairs`]: reading all of it from etcd
//!
//! What is moved is the source as of one index or revision. Nothing is deleted anywhere, and what
//! the destination holds under the prefix and the source does not stops it before the first write;
//! so does another value, unless it may be overwritten. Each write is made only if the destination
//! still holds what was seen there, so it can be made again: whoever was interrupted runs it again,
//! and what is there is skipped. In the end the destination is read once more, and must have the
//! source's count and digest.

mod difference;
mod etcd_pairs;
mod export;
mod import;

use gloo_timers::future::TimeoutFuture;
use tabraft::kv::tally::Tally;

use super::Cluster;
use super::deadline::Deadline;
use super::etcd::Etcd;
use super::store::Pair;
use crate::model::ApiError;

/// How long one request may take before it is made again, in milliseconds.
const REQUEST_MS: f64 = 5_000.0;
/// How often a request is made, at the most, that finds nobody or whose outcome is unknown.
const TRIES: u32 = 12;
/// Before a request is made again, in milliseconds.
const AGAIN_MS: u32 = 500;

/// Which way pairs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToEtcd,
    FromEtcd,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::ToEtcd, Self::FromEtcd];

    /// Its call in the console API.
    pub fn call(self) -> &'static str {
        match self {
            Self::ToEtcd => "exportTo",
            Self::FromEtcd => "importFrom",
        }
    }

    /// What the source counts its changes by.
    pub fn counts(self) -> &'static str {
        match self {
            Self::ToEtcd => "index",
            Self::FromEtcd => "revision",
        }
    }
}

/// Where from or to, and what.
pub struct Move {
    pub endpoints: Vec<String>,
    /// A name and a password, where etcd has authentication on.
    pub login: Option<(String, String)>,
    pub prefix: String,
    /// Whether other values at the destination give way.
    pub overwrite: bool,
    /// Told how many pairs are at the destination, of how many.
    pub progress: Option<Box<dyn Fn(u64, u64)>>,
}

/// What was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub tally: Tally,
    /// Pairs that were not there before.
    pub written: u64,
    /// The index or revision of the source that all of this is as of.
    pub as_of: u64,
}

impl Cluster {
    /// Copies all pairs under a prefix. Signing in, and each reading of the tabs, may take
    /// `timeout_ms`; the whole takes as long as it goes on.
    ///
    /// # Errors
    /// Those of connecting; `CONFLICT` before anything was written, or where somebody else wrote
    /// meanwhile; `MISMATCH`; what stopped it half way. To tabs, `KEY_NOT_TEXT`, `KEY_TOO_LARGE`
    /// and `VALUE_TOO_LARGE` for what they do not keep, before anything was written.
    pub async fn copy(&self, way: Way, it: &Move, timeout_ms: f64) -> Result<Moved, ApiError> {
        self.check_tabs(way.call())?;
        let _work = self.work("Asking etcd");
        let etcd = self.open_etcd(it, Deadline::after(timeout_ms)).await?;
        match way {
            Way::ToEtcd => self.export(&etcd, it, timeout_ms).await,
            Way::FromEtcd => self.import(&etcd, it, timeout_ms).await,
        }
    }

    pub(super) async fn open_etcd(&self, it: &Move, deadline: Deadline) -> Result<Etcd, ApiError> {
        let etcd = Etcd::connect(&it.endpoints).await?;
        if let Some((name, password)) = &it.login {
            etcd.sign_in(name, password, deadline).await?;
        }
        Ok(etcd)
    }

    fn moved_so_far(&self, it: &Move, what: &str, done: u64, of: u64) {
        let share = done as f64 / of.max(1) as f64;
        self.note_work(what.into(), Some(share));
        if let Some(progress) = &it.progress {
            progress(done, of);
        }
    }
}

fn tally(pairs: &[Pair]) -> Tally {
    Tally::of(pairs.iter().map(|(key, value)| (&key[..], &value[..])))
}

/// # Errors
/// `MISMATCH`.
fn verified(source: Tally, destination: Tally) -> Result<(), ApiError> {
    if source == destination {
        return Ok(());
    }
    Err(ApiError::new(
        "MISMATCH",
        format!(
            "The source had {source}, the destination has {destination}: somebody wrote there \
             meanwhile. Nothing was deleted; run it again."
        ),
    ))
}

fn conflict(key: &[u8], why: &str) -> ApiError {
    let key = String::from_utf8_lossy(key);
    ApiError::new("CONFLICT", format!("{key:?}: {why}"))
}

/// Makes a request, and the same again while that may help: the member may come back. Only for what
/// does no harm if it takes effect and is made again: what reads, and what writes nothing unless it
/// finds what was there before.
async fn patiently<T>(request: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let mut tries = 0;
    loop {
        match request().await {
            Err(error) if may_pass(&error) && tries < TRIES => {
                tries += 1;
                TimeoutFuture::new(AGAIN_MS).await;
            }
            answer => return answer,
        }
    }
}

/// Whether the same request can be made again: the member may come back, or it is known then.
fn may_pass(error: &ApiError) -> bool {
    matches!(
        error.code,
        "TIMEOUT" | "UNREACHABLE" | "NO_LEADER" | "BUSY" | "SESSION_EXPIRED"
    )
}

/// An error that stopped it half way.
fn stopped(error: ApiError, done: u64, of: u64) -> ApiError {
    let message = format!(
        "{} At least {done} of {of} pairs are at the destination; running it again goes on from there.",
        error.message
    );
    ApiError { message, ..error }
}
