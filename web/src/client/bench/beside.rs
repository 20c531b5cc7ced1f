//! The same load on tabs and on an etcd, one after the other in one run, and the judge's verdict on
//! each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use tabraft::check::journal::Standing;
use tabraft::kv::Op;

use super::{Figures, TIMEOUT_MS, now_ms};
use crate::client::deadline::Deadline;
use crate::client::judged::Judged;
use crate::client::judging::Judging;
use crate::client::latencies::Latencies;
use crate::client::moving::Move;
use crate::client::store::Store;
use crate::client::{Cluster, random};
use crate::model::{ApiError, Call};

/// Keys that it uses, and deletes at the end.
const KEYS: u64 = 64;
/// How long a verdict may take, in milliseconds.
const VERDICT_MS: f64 = 30_000.0;

/// What came of it on one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub figures: Figures,
    pub standing: Standing,
}

impl Cluster {
    /// Runs `ops` operations, half of them linearizable reads, on the tabs and then on an etcd.
    ///
    /// # Errors
    /// Those of connecting, and the first that an operation got.
    pub async fn beside(
        &self,
        it: &Move,
        ops: u64,
        in_flight: u64,
        value_bytes: usize,
    ) -> Result<[Side; 2], ApiError> {
        self.check_tabs("beside")?;
        let _work = self.work("Asking etcd");
        let etcd = self.open_etcd(it, Deadline::after(TIMEOUT_MS)).await?;
        let judging = Judging::new(
            &format!("etcd-{}", etcd.id()),
            etcd.identity(),
            random(),
            || {},
        )
        .map_err(|e| ApiError::browser("This browser has no BroadcastChannel", &e))?;
        let etcd = Judged::new(Rc::new(etcd), Rc::new(judging), Rc::new(|_, _| {}));
        let mut sides = Vec::new();
        for (name, store) in [("the tabs", self.store().await?), ("etcd", &etcd)] {
            self.set_work(&format!("Measuring {name}"), None).await;
            let figures = run(store, ops, in_flight, value_bytes).await?;
            self.set_work(&format!("Judging {name}"), None).await;
            let deadline = Deadline::after(VERDICT_MS);
            let standing = store.judging.settled(deadline).await?;
            sides.push(Side { figures, standing });
        }
        let both = |_| ApiError::new("CLOSED", "The page is closing.");
        sides.try_into().map_err(both)
    }
}

async fn run(
    store: &Judged,
    ops: u64,
    in_flight: u64,
    value_bytes: usize,
) -> Result<Figures, ApiError> {
    let call = Call {
        timeout_ms: TIMEOUT_MS,
        ..Call::default()
    };
    let prefix = format!("beside/{:016x}/", random());
    let (next, latencies) = (Cell::new(0), RefCell::new(Latencies::default()));
    let lane = async || {
        while next.get() < ops {
            let n = next.replace(next.get() + 1);
            let key = format!("{prefix}{}", n / 2 % KEYS);
            let began = now_ms();
            match operation(n, &key, value_bytes) {
                None => drop(store.get(&key, call).await?),
                Some(op) => drop(store.write(op, call).await?),
            }
            latencies.borrow_mut().add(now_ms() - began);
        }
        Ok::<(), ApiError>(())
    };
    let began = now_ms();
    try_join_all((0..in_flight).map(|_| lane())).await?;
    let seconds = (now_ms() - began) / 1_000.0;
    for n in 0..KEYS {
        store.delete(&format!("{prefix}{n}"), call).await?;
    }
    Ok(Figures::of(ops, seconds, &latencies.take()))
}

/// Every other one is a read; of eight writes one is a deletion and one a compare-and-swap.
fn operation(n: u64, key: &str, value_bytes: usize) -> Option<Op> {
    let key = key.to_owned();
    // Different from every other, so that the judge can tell them apart.
    let mut value = format!("{n}:").into_bytes();
    value.resize(value_bytes.max(value.len()), b'x');
    let value = Bytes::from(value);
    match (n % 2, n / 2 % 8) {
        (0, _) => None,
        (_, 6) => Some(Op::Delete { key }),
        (_, 7) => Some(Op::Cas {
            key,
            expected: None,
            value,
        }),
        _ => Some(Op::Put { key, value }),
    }
}
