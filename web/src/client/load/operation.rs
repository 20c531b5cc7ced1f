//! One operation of a load or a measurement. This is the only place where they touch a cluster,
//! whatever it is made of.

use bytes::Bytes;

use super::mix::Kind;
use crate::client::store::Store;
use crate::model::{ApiError, Call, Consistency};

/// What is to be done to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    pub key: String,
    /// Of a write.
    pub value: Bytes,
    /// What a compare-and-swap expects.
    pub expected: Option<Bytes>,
}

/// Does it; whether a write changed what was there.
///
/// # Errors
/// The cluster's.
pub async fn perform(
    store: &dyn Store,
    operation: Operation,
    timeout_ms: f64,
) -> Result<bool, ApiError> {
    let Operation {
        kind,
        key,
        value,
        expected,
    } = operation;
    let consistency = match kind {
        Kind::StaleGet => Consistency::Stale,
        _ => Consistency::Linearizable,
    };
    let call = Call {
        timeout_ms,
        consistency,
        ..Call::default()
    };
    let written = match kind {
        Kind::Get | Kind::StaleGet => return store.get(&key, call).await.map(|_| false),
        Kind::Put => store.put(&key, value, call).await,
        Kind::Cas => store.cas(&key, expected, value, call).await,
        Kind::Delete => store.delete(&key, call).await,
    };
    written.map(|written| written.effect)
}
