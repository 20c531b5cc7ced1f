//! From tabs to etcd.

use std::cell::Cell;

use futures_util::future::try_join_all;

use super::difference::{Due, difference};
use super::{Move, Moved, REQUEST_MS, conflict, etcd_pairs, patiently, stopped, tally, verified};
use crate::client::Cluster;
use crate::client::deadline::Deadline;
use crate::client::etcd::{Etcd, Keys, compare, put};
use crate::client::store::Pair;
use crate::model::{ApiError, Call};

/// Of a transaction: etcd takes 128 operations and 1.5 MiB unless it is told otherwise.
const TXN_PAIRS: usize = 100;
const TXN_BYTES: usize = 512 << 10;
/// Transactions under way.
const IN_FLIGHT: usize = 8;

const WHAT: &str = "Copying to etcd";

impl Cluster {
    pub(super) async fn export(
        &self,
        etcd: &Etcd,
        it: &Move,
        timeout_ms: f64,
    ) -> Result<Moved, ApiError> {
        self.set_work("Reading the tabs", None).await;
        let (here, as_of) = self.pairs_of_tabs(&it.prefix, timeout_ms).await?;
        self.set_work("Comparing with etcd", None).await;
        let (there, _) = etcd_pairs::read(etcd, &it.prefix).await?;
        let due = difference(&here, &there, it.overwrite)?;
        let (of, skipped) = (here.len() as u64, (here.len() - due.len()) as u64);
        let done = Cell::new(skipped);
        self.moved_so_far(it, WHAT, skipped, of);
        let batches = batches(&due);
        let next = Cell::new(0);
        let lane = async || {
            while let Some(batch) = batches.get(next.replace(next.get() + 1)) {
                write(etcd, batch).await?;
                done.set(done.get() + batch.len() as u64);
                self.moved_so_far(it, WHAT, done.get(), of);
            }
            Ok(())
        };
        let all = try_join_all((0..IN_FLIGHT).map(|_| lane())).await;
        all.map_err(|error| stopped(error, done.get(), of))?;
        self.set_work("Checking what etcd has", None).await;
        let (there, _) = etcd_pairs::read(etcd, &it.prefix).await?;
        verified(tally(&here), tally(&there))?;
        Ok(Moved {
            tally: tally(&there),
            written: due.len() as u64,
            as_of,
        })
    }

    /// All that was acknowledged, as of one index.
    pub(super) async fn pairs_of_tabs(
        &self,
        prefix: &str,
        timeout_ms: f64,
    ) -> Result<(Vec<Pair>, u64), ApiError> {
        let deadline = Deadline::after(timeout_ms);
        self.joined().await?;
        let state = self.state_of_leader(deadline).await?;
        let pairs = state.store.scan(prefix, usize::MAX).into_iter();
        Ok((pairs.map(|(k, v)| (k.into(), v)).collect(), state.index))
    }
}

/// Runs of what is due, each small enough for a transaction.
fn batches(due: &[Due]) -> Vec<&[Due]> {
    let (mut batches, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (at, one) in due.iter().enumerate() {
        // Of what is replaced the old value travels, too.
        let before = one.before.as_ref().map_or(0, |before| before.len());
        let more = one.key.len() * 2 + one.value.len() + before;
        if at > from && (at - from == TXN_PAIRS || bytes + more > TXN_BYTES) {
            batches.push(&due[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += more;
    }
    if from < due.len() {
        batches.push(&due[from..]);
    }
    batches
}

/// One transaction, again and again until it is known to be in.
async fn write(etcd: &Etcd, batch: &[Due]) -> Result<(), ApiError> {
    let compares = batch
        .iter()
        .map(|one| compare(&one.key, one.before.as_deref()));
    let compares: Vec<_> = compares.collect();
    let puts: Vec<_> = batch.iter().map(|one| put(&one.key, &one.value)).collect();
    let is_in = patiently(async || etcd.transact(&compares, &puts, REQUEST_MS).await).await?;
    match is_in {
        true => Ok(()),
        // An earlier attempt may be in, whose answer was lost.
        false => check(etcd, batch).await,
    }
}

async fn check(etcd: &Etcd, batch: &[Due]) -> Result<(), ApiError> {
    let call = Call {
        timeout_ms: REQUEST_MS,
        ..Call::default()
    };
    for one in batch {
        let keys = Keys::one(&one.key);
        let found = patiently(async || etcd.range(&keys, 1, None, call).await).await?;
        if found.pairs.first().map(|(_, value)| value) != Some(&one.value) {
            let why = "somebody else wrote it at the destination meanwhile.";
            return Err(conflict(&one.key, why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn transactions_are_bounded() {
        let due = |bytes: usize| Due {
            key: Bytes::from_static(b"k"),
            value: vec![0; bytes].into(),
            before: None,
        };
        let sizes = |due: &[Due]| batches(due).iter().map(|b| b.len()).collect::<Vec<_>>();
        assert!(sizes(&[]).is_empty());
        assert_eq!(sizes(&vec![due(10); 250]), [100, 100, 50]);
        assert_eq!(sizes(&vec![due(200 << 10); 5]), [2, 2, 1]);
        // What fits into none goes alone.
        assert_eq!(sizes(&[due(1), due(1 << 20), due(1)]), [1, 1, 1]);
    }
}
