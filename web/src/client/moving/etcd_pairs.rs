//! All pairs under a prefix of an etcd, as of one revision.

use super::{REQUEST_MS, patiently};
use crate::client::etcd::{Etcd, Keys, breathe};
use crate::client::store::Pair;
use crate::model::{ApiError, Call};

/// Pairs in the first answer, and in any.
const PAGE_FIRST: u32 = 8;
const PAGE_MAX: u32 = 2_000;
/// About how many bytes of keys and values an answer should have.
const PAGE_BYTES: usize = 2 << 20;

/// The pairs, and the revision they are as of.
///
/// # Errors
/// etcd's; a member that does not answer is given some seconds to come back.
pub async fn read(etcd: &Etcd, prefix: &str) -> Result<(Vec<Pair>, u64), ApiError> {
    let call = Call {
        timeout_ms: REQUEST_MS,
        ..Call::default()
    };
    let mut keys = Keys::under(prefix.as_bytes());
    let (mut pairs, mut revision, mut limit) = (Vec::new(), None, PAGE_FIRST);
    loop {
        let page = patiently(async || etcd.range(&keys, limit, revision, call).await).await;
        let page = match page {
            // Larger pairs than those before.
            Err(error) if error.code == "ANSWER_TOO_LARGE" && limit > 1 => {
                limit = (limit / 8).max(1);
                continue;
            }
            page => page?,
        };
        revision = Some(page.revision);
        let bytes: usize = page.pairs.iter().map(|(k, v)| k.len() + v.len()).sum();
        let fitting = limit as usize * PAGE_BYTES / bytes.max(1);
        limit = u32::try_from(fitting)
            .unwrap_or(PAGE_MAX)
            .clamp(1, PAGE_MAX);
        let last = page.pairs.last().map(|(key, _)| key.clone());
        pairs.extend(page.pairs);
        match (page.more, last) {
            (true, Some(last)) => keys = keys.after(&last),
            _ => return Ok((pairs, page.revision)),
        }
        breathe().await;
    }
}
