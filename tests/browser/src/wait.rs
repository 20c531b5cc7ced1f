//! Waiting: always for a condition, always with a deadline, never for a while.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What must never be was seen: a write lost, replicas that differ, a panic. Seen once, it is a
/// failure, however things go on: no waiting and no second try get past it.
#[derive(Debug)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl Error for Broken {}

/// `ensure!` for what must never be otherwise: fails with [`Broken`].
#[macro_export]
macro_rules! ensure_kept {
    ($kept:expr, $($words:tt)+) => {
        if !$kept {
            return Err($crate::wait::Broken(format!($($words)+)).into());
        }
    };
}

/// Whether the error says that something is [`Broken`].
pub fn is_broken(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Broken>())
}

/// Between two looks.
const POLL: Duration = Duration::from_millis(30);

/// For what takes a cluster some elections at most, on a machine with too much to do.
pub const SOON: Duration = Duration::from_secs(20);

/// Looks until `look` succeeds, and fails with its last error when `deadline` has passed, or at
/// once with one that is [`Broken`]. What a look requires is written as in a test, with `ensure!`,
/// so that a failure tells how far it got.
pub async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(seen) => return Ok(seen),
            Err(error) if is_broken(&error) => return Err(error).context(what.to_owned()),
            Err(error) if started.elapsed() >= deadline => {
                return Err(error).with_context(|| format!("waited {deadline:?} for {what}"));
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// Looks again and again for `period`, and fails as soon as `look` does: for what must never be.
/// Returns how often it looked.
pub async fn all_along(
    what: &str,
    period: Duration,
    mut look: impl AsyncFnMut() -> Result<()>,
) -> Result<usize> {
    let started = Instant::now();
    let mut looks = 0;
    while started.elapsed() < period {
        if let Err(error) = look().await {
            let after = started.elapsed();
            return Err(Broken(format!(
                "{what}: not so after {looks} looks in {after:?}: {error:#}"
            ))
            .into());
        }
        looks += 1;
        tokio::time::sleep(POLL).await;
    }
    Ok(looks)
}
