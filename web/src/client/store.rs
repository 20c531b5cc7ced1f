//! A cluster as its clients see it, whatever it is made of: tabs, or machines.
//!
//! [`Store`] has what every one of them can do. [`tab_store`](super::tab_store) does it with
//! replicas in tabs; [`judged`](super::judged) wraps any store, and has what was done judged.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use tabraft::check::linear::Position;
use tabraft::kv::Op;

use crate::model::{ApiError, Call, Status, Written};

/// What comes of a call, in time.
pub type Promised<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// A key and its value. Keys of tabs are UTF-8; others need not be.
pub type Pair = (Bytes, Bytes);

/// A cluster that a client can use. A handle: every call begins at once and goes on by itself.
///
/// Errors are those of the console API. `TIMEOUT` says that the outcome is unknown: the write may
/// take effect yet.
pub trait Store {
    /// A put, delete or compare-and-swap. It takes effect once or not at all.
    fn write(&self, op: Op, call: Call) -> Promised<Written>;

    fn get(&self, key: &str, call: Call) -> Promised<Option<Bytes>>;

    /// Up to `limit` pairs whose keys begin with `prefix`, in the order of their keys.
    fn scan(&self, prefix: &str, limit: u32, call: Call) -> Promised<Vec<Pair>>;

    /// How the cluster is, after its members were asked.
    fn status(&self) -> Promised<Status>;

    /// Calls `changed` soon after the data may have changed, until the watch is dropped. Changes in
    /// quick succession may share a call.
    fn watch(&self, changed: Rc<dyn Fn()>) -> Watch;

    /// Where in the log an answered write stands, if that is to be held against the cluster.
    fn position(&self, written: &Written) -> Option<Position>;

    fn put(&self, key: &str, value: Bytes, call: Call) -> Promised<Written> {
        let key = key.to_owned();
        self.write(Op::Put { key, value }, call)
    }

    fn delete(&self, key: &str, call: Call) -> Promised<Written> {
        self.write(Op::Delete { key: key.into() }, call)
    }

    /// Writes `value` if the key holds `expected`; `None`: if there is no such key.
    fn cas(
        &self,
        key: &str,
        expected: Option<Bytes>,
        value: Bytes,
        call: Call,
    ) -> Promised<Written> {
        let key = key.to_owned();
        let op = Op::Cas {
            key,
            expected,
            value,
        };
        self.write(op, call)
    }
}

/// Ends a watch when it is dropped.
pub struct Watch(Option<Box<dyn FnOnce()>>);

impl Watch {
    pub fn new(end: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}
