//! `tabraft.bench`: how fast this page's cluster is, beside what this browser charges by itself.

pub mod beside;

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use futures_util::future::try_join_all;
use js_sys::{Function, Promise, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::latencies::Latencies;
use super::load::mix;
use super::load::operation::{Operation, perform};
use super::{Cluster, files};
use crate::clock::ticking_ms;
use crate::model::{ApiError, Update};

/// Keys that it writes, `bench/0` and so on; they are left there.
const KEYS: u64 = 1_000;
/// For an operation that waits for many others.
const TIMEOUT_MS: f64 = 30_000.0;
/// How long plain IndexedDB is measured, in milliseconds.
const PLAIN_MS: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Put,
    /// Linearizable.
    Get,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    pub ops: u64,
    /// Under way at any time.
    pub in_flight: u64,
    pub value_bytes: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub ops: u64,
    pub seconds: f64,
    pub ops_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    #[serde(flatten)]
    pub beside: Option<Beside>,
}

/// What the cluster is measured beside, in the same browser at nearly the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    pub floor: Floor,
    pub plain: Plain,
}

/// What this browser charges by itself, in milliseconds: medians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// From the page to a worker and back, over a channel.
    pub round_trip_ms: f64,
    /// From a worker to another and back.
    pub worker_round_trip_ms: f64,
    /// A strict transaction with one record, while three workers write.
    pub transaction_ms: f64,
}

impl Floor {
    /// The way of a lone write with nothing of the cluster in it: to the leader and back, to a
    /// follower and back, and a transaction.
    pub fn sum_ms(&self) -> f64 {
        self.round_trip_ms + self.worker_round_trip_ms + self.transaction_ms
    }
}

/// What a page would do without a cluster: a strict transaction for each put.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plain {
    pub ops_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Figures {
    fn of(ops: u64, seconds: f64, latencies: &Latencies) -> Self {
        Self {
            ops,
            seconds,
            ops_per_second: ops as f64 / seconds,
            p50_ms: latencies.quantile(0.5),
            p99_ms: latencies.quantile(0.99),
            beside: None,
        }
    }
}

impl Cluster {
    /// Runs a load over this page's cluster, and what it is `beside`, if it is to be. The page draws
    /// what came of it, whoever asked.
    ///
    /// # Errors
    /// `BUSY` while a load runs; the first one that an operation got: there are no figures of what
    /// failed.
    pub async fn bench(&self, load: Load, beside: bool) -> Result<Figures, ApiError> {
        self.check_no_load()?;
        let _work = self.work("Measuring");
        let beside = match beside {
            true => Some(floor(load).await?),
            false => None,
        };
        if load.kind == Kind::Get {
            let fill = Load {
                ops: KEYS.min(load.ops),
                kind: Kind::Put,
                ..load
            };
            self.run(fill).await?;
        }
        let measured = self.run(load).await?;
        let figures = Figures { beside, ..measured };
        self.tell(Update::Measured(load, figures));
        Ok(figures)
    }

    async fn run(&self, load: Load) -> Result<Figures, ApiError> {
        let store = self.store().await?;
        let value = Bytes::from(vec![b'x'; load.value_bytes]);
        let one = async |n| {
            let operation = Operation {
                kind: match load.kind {
                    Kind::Put => mix::Kind::Put,
                    Kind::Get => mix::Kind::Get,
                },
                key: format!("bench/{}", n % KEYS),
                value: value.clone(),
                expected: None,
            };
            perform(store, operation, TIMEOUT_MS).await.map(drop)
        };
        self.timed("Measuring", load.ops, load.in_flight, one).await
    }

    /// Does `one` so many times, never more than `in_flight` at once, and tells how far it is.
    ///
    /// # Errors
    /// The first one.
    async fn timed(
        &self,
        what: &str,
        ops: u64,
        in_flight: u64,
        one: impl AsyncFn(u64) -> Result<(), ApiError>,
    ) -> Result<Figures, ApiError> {
        let (next, latencies) = (Cell::new(0), RefCell::new(Latencies::default()));
        let lane = async || {
            while next.get() < ops {
                let n = next.replace(next.get() + 1);
                let began = ticking_ms();
                one(n).await?;
                latencies.borrow_mut().add(ticking_ms() - began);
                if n.is_multiple_of((ops / 100).max(1)) {
                    self.note_work(what.into(), Some(n as f64 / ops as f64));
                }
            }
            Ok::<(), ApiError>(())
        };
        let began = ticking_ms();
        try_join_all((0..in_flight).map(|_| lane())).await?;
        let seconds = (ticking_ms() - began) / 1_000.0;
        Ok(Figures::of(ops, seconds, &latencies.take()))
    }
}

/// See `www/floor.js`.
async fn floor(load: Load) -> Result<Beside, ApiError> {
    let failed = |error: JsValue| ApiError::browser("The floor could not be measured", &error);
    let task = js_sys::Object::new();
    for (name, value) in [
        ("ms", f64::from(PLAIN_MS)),
        ("inFlight", load.in_flight as f64),
        ("valueBytes", load.value_bytes as f64),
    ] {
        Reflect::set(&task, &name.into(), &value.into()).map_err(failed)?;
    }
    files::load_script("floor.js").await.map_err(failed)?;
    let measure = Reflect::get(&js_sys::global(), &"tabraftFloor".into()).map_err(failed)?;
    let measure: Function = measure.dyn_into().map_err(failed)?;
    let measuring = measure.call1(&JsValue::UNDEFINED, &task).map_err(failed)?;
    let measuring: Promise = measuring.dyn_into().map_err(failed)?;
    let measured = JsFuture::from(measuring).await.map_err(failed)?;
    serde_wasm_bindgen::from_value(measured).map_err(|error| failed(error.into()))
}
