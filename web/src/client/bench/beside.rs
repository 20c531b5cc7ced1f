//! The same load on tabs and on an etcd, one after the other in one run, and the judge's verdict on
//! each.

use std::cell::RefCell;
use std::rc::Rc;

use tabraft::check::journal::Standing;

use super::{Figures, TIMEOUT_MS};
use crate::client::deadline::Deadline;
use crate::client::judged::Judged;
use crate::client::judging::Judging;
use crate::client::load::mix::{Kind, Mix};
use crate::client::load::operation::perform;
use crate::client::load::plan::{Operations, Plan};
use crate::client::moving::Move;
use crate::client::store::Store;
use crate::client::{Cluster, random};
use crate::model::{ApiError, Call};

/// Keys that it uses, and deletes at the end.
const KEYS: u64 = 64;
/// What the load is made of, as [`Mix`] has it: every other operation is a linearizable read.
const MIX: [u64; Kind::ALL.len()] = [35, 50, 0, 10, 5];
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
    /// `BUSY` while a load runs; those of connecting, and the first that an operation got.
    pub async fn beside(
        &self,
        it: &Move,
        ops: u64,
        in_flight: u64,
        value_bytes: usize,
    ) -> Result<[Side; 2], ApiError> {
        self.check_tabs("beside")?;
        self.check_no_load()?;
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
            let what = format!("Measuring {name}");
            self.set_work(&what, None).await;
            let measured = self.measure(&what, store, ops, in_flight, value_bytes);
            let figures = measured.await?;
            self.set_work(&format!("Judging {name}"), None).await;
            let deadline = Deadline::after(VERDICT_MS);
            let standing = store.judging.settled(deadline).await?;
            sides.push(Side { figures, standing });
        }
        let both = |_| ApiError::new("CLOSED", "The page is closing.");
        sides.try_into().map_err(both)
    }

    async fn measure(
        &self,
        what: &str,
        store: &Judged,
        ops: u64,
        in_flight: u64,
        value_bytes: usize,
    ) -> Result<Figures, ApiError> {
        let plan = Plan {
            rate: None,
            in_flight,
            mix: Mix::new(MIX)?,
            keys: KEYS,
            value_bytes: value_bytes as u64,
            seconds: None,
        };
        plan.check()?;
        let prefix = format!("beside/{:016x}/", random());
        let operations = RefCell::new(Operations::new(plan, &prefix));
        let one = async |_| {
            let (place, operation) = operations.borrow_mut().deal();
            let kind = operation.kind;
            let took_effect = perform(store, operation, TIMEOUT_MS).await?;
            operations.borrow_mut().settled(place, kind, took_effect);
            Ok(())
        };
        let measured = self.timed(what, ops, in_flight, one).await;
        let left = |error: ApiError| ApiError {
            message: format!("{} Keys {prefix}… may be left there.", error.message),
            ..error
        };
        let measured = measured.map_err(left)?;
        let call = Call {
            timeout_ms: TIMEOUT_MS,
            ..Call::default()
        };
        for n in 0..KEYS {
            let key = format!("{prefix}{n}");
            store.delete(&key, call).await.map_err(left)?;
        }
        Ok(measured)
    }
}
