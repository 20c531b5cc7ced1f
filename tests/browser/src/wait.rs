//! Waiting: always for a condition, always with a deadline, never for a while.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Between two looks.
const POLL: Duration = Duration::from_millis(30);

/// For what takes a cluster some elections at most, on a machine with too much to do.
pub const SOON: Duration = Duration::from_secs(20);

/// Looks until `look` succeeds, and fails with its last error when `deadline` has passed. What a
/// look requires is written as in a test, with `ensure!`, so that a failure tells how far it got.
pub async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(seen) => return Ok(seen),
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
        look().await.with_context(|| {
            format!(
                "{what}: not so after {looks} looks in {:?}",
                started.elapsed()
            )
        })?;
        looks += 1;
        tokio::time::sleep(POLL).await;
    }
    Ok(looks)
}
