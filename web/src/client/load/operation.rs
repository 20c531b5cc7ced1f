//! One operation of a load or a measurement. This is the only place where they touch the cluster.

use bytes::Bytes;

use super::mix::Kind;
use crate::client::Cluster;
use crate::model::{ApiError, Call, Consistency};

/// What is to be done to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    pub key: String,
    /// Of a write.
    pub value: String,
    /// What a compare-and-swap expects.
    pub expected: Option<String>,
}

/// Does it; whether a write changed what was there.
///
/// # Errors
/// The cluster's.
pub async fn perform(
    cluster: &Cluster,
    operation: &Operation,
    timeout_ms: f64,
) -> Result<bool, ApiError> {
    let Operation {
        kind,
        key,
        value,
        expected,
    } = operation;
    let mut call = Call {
        timeout_ms,
        ..Call::default()
    };
    if *kind == Kind::StaleGet {
        call.consistency = Consistency::Stale;
    }
    let bytes = |text: &String| Bytes::from(text.clone());
    let written = match kind {
        Kind::Get | Kind::StaleGet => return cluster.get(key, call).await.map(|_| false),
        Kind::Put => cluster.put(key, bytes(value), call).await,
        Kind::Cas => {
            let expected = expected.as_ref().map(bytes);
            cluster.cas(key, expected, bytes(value), call).await
        }
        Kind::Delete => cluster.delete(key, call).await,
    };
    written.map(|written| written.effect)
}
