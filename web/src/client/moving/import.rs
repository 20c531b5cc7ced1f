//! From etcd to tabs.

use std::cell::Cell;

use bytes::Bytes;
use futures_util::future::try_join_all;
use tabraft::kv::Op;

use super::difference::{Due, difference};
use super::{Move, Moved, conflict, etcd_pairs, patiently, stopped, tally, verified};
use crate::client::Cluster;
use crate::client::etcd::Etcd;
use crate::client::store::{Pair, Store};
use crate::model::{ApiError, Call};

/// Writes under way, at the most, and bytes of their values.
const IN_FLIGHT: usize = 256;
const BYTES_MAX: usize = 16 << 20;
/// For a write that waits for many others, in milliseconds.
const WRITE_MS: f64 = 15_000.0;
/// How many pairs between two words of progress.
const TOLD_EVERY: u64 = 500;

const WHAT: &str = "Copying from etcd";

impl Cluster {
    pub(super) async fn import(
        &self,
        etcd: &Etcd,
        it: &Move,
        timeout_ms: f64,
    ) -> Result<Moved, ApiError> {
        self.set_work("Reading etcd", None).await;
        let (there, as_of) = etcd_pairs::read(etcd, &it.prefix).await?;
        check_limits(&there)?;
        self.set_work("Comparing with the tabs", None).await;
        let (here, _) = self.pairs_of_tabs(&it.prefix, timeout_ms).await?;
        let due = difference(&there, &here, it.overwrite)?;
        let (of, skipped) = (there.len() as u64, (there.len() - due.len()) as u64);
        let done = Cell::new(skipped);
        self.moved_so_far(it, WHAT, skipped, of);
        let next = Cell::new(0);
        let lane = async || {
            while let Some(one) = due.get(next.replace(next.get() + 1)) {
                self.take(one).await?;
                done.set(done.get() + 1);
                if done.get().is_multiple_of(TOLD_EVERY) {
                    self.moved_so_far(it, WHAT, done.get(), of);
                }
            }
            Ok(())
        };
        let largest = due.iter().map(|one| one.value.len()).max();
        let lanes = (BYTES_MAX / largest.unwrap_or(0).max(1)).clamp(1, IN_FLIGHT);
        let all = try_join_all((0..lanes).map(|_| lane())).await;
        all.map_err(|error| stopped(error, done.get(), of))?;
        self.moved_so_far(it, WHAT, done.get(), of);
        self.set_work("Checking what the tabs have", None).await;
        let (here, _) = self.pairs_of_tabs(&it.prefix, timeout_ms).await?;
        verified(tally(&there), tally(&here))?;
        Ok(Moved {
            tally: tally(&here),
            written: due.len() as u64,
            as_of,
        })
    }

    async fn take(&self, one: &Due) -> Result<(), ApiError> {
        let store = self.store().await?;
        let key = text(&one.key)?;
        let call = Call {
            timeout_ms: WRITE_MS,
            ..Call::default()
        };
        let cas = async || {
            let (before, value) = (one.before.clone(), one.value.clone());
            store.cas(key, before, value, call).await
        };
        if patiently(cas).await?.effect {
            return Ok(());
        }
        // An earlier attempt may be in, whose answer was lost.
        let found = patiently(async || store.get(key, call).await).await?;
        if found.as_ref() == Some(&one.value) {
            return Ok(());
        }
        let why = "somebody else wrote it at the destination meanwhile.";
        Err(conflict(&one.key, why))
    }
}

fn text(key: &Bytes) -> Result<&str, ApiError> {
    std::str::from_utf8(key).map_err(|_| {
        let sentence = format!(
            "{:?} is a key that is no UTF-8, and tabs have no others. Nothing was written.",
            String::from_utf8_lossy(key)
        );
        ApiError::new("KEY_NOT_TEXT", sentence)
    })
}

/// Tabs keep keys of up to 1,024 bytes and values of up to 1 MiB.
fn check_limits(pairs: &[Pair]) -> Result<(), ApiError> {
    for (key, value) in pairs {
        let name = text(key)?;
        let op = Op::Put {
            key: name.into(),
            value: value.clone(),
        };
        op.check().map_err(|refusal| {
            let error = ApiError::from(refusal);
            let shown: String = name.chars().take(80).collect();
            let message = format!("{shown:?}: {} Nothing was written.", error.message);
            ApiError { message, ..error }
        })?;
    }
    Ok(())
}
