//! What this tab's clients did, and the verdict on it.

use bytes::Bytes;
use js_sys::{Array, Object, Reflect};
use tabraft::check::linear::{Call, Operation, Return};
use wasm_bindgen::JsValue;

use super::results::{number, object, shown};
use super::{Outcome, method};
use crate::client::Cluster;
use crate::model::ApiError;

/// How long the verdict may take if its caller does not say, in milliseconds.
const TIMEOUT_MS: f64 = 5_000.0;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "check", |me, args| async move {
        let standing = me.judged(args.deadline(0, TIMEOUT_MS)?).await?;
        let mut fields = vec![
            ("linearizable", standing.broken.is_none().into()),
            ("ops", number(standing.operations)),
            ("leftOut", number(standing.left_out)),
        ];
        if let Some(broken) = &standing.broken {
            fields.push(("reason", broken.to_string().into()));
        }
        object(&fields)
    })?;
    method(api, cluster, "history", |me, _| async move {
        let (operations, clock_error_ms) = me.history().await?;
        let rows = operations.iter().map(row).collect::<Result<Array, _>>()?;
        object(&[
            ("clockErrorMs", clock_error_ms.into()),
            ("operations", rows.into()),
        ])
    })?;
    method(api, cluster, "exportHistory", |me, _| async move {
        let file = me.export_history().await?;
        Reflect::set(&file.blob, &"name".into(), &file.file_name.into())
            .map_err(|error| ApiError::browser("A result could not be made", &error))?;
        Ok(file.blob.into())
    })
}

/// An operation as an object. One that is not answered has no `returnedMs`.
fn row(operation: &Operation) -> Outcome {
    let client = format!("{:016x}", operation.client);
    let mut fields = vec![
        ("client", client.into()),
        ("key", operation.key.as_str().into()),
        ("invokedMs", ms(operation.invoked)),
    ];
    match &operation.call {
        Call::Put { value } => fields.extend([("op", "put".into()), ("value", text(Some(value)))]),
        Call::Delete => fields.push(("op", "delete".into())),
        Call::Cas { expected, value } => fields.extend([
            ("op", "cas".into()),
            ("expected", text(expected.as_ref())),
            ("value", text(Some(value))),
        ]),
        Call::Get => fields.push(("op", "get".into())),
    }
    if let Some(returned) = &operation.returned {
        fields.push(("returnedMs", ms(returned.at)));
        match &returned.answer {
            Return::Put => {}
            Return::Deleted { existed } => fields.push(("existed", (*existed).into())),
            Return::Swapped(swapped) => fields.push(("swapped", (*swapped).into())),
            Return::Value(value) => fields.push(("value", text(value.as_ref()))),
        }
        if let Some(position) = returned.position {
            fields.push(("index", number(position.index)));
            fields.push(("term", number(position.term)));
        }
    }
    object(&fields)
}

fn ms(us: u64) -> JsValue {
    JsValue::from_f64(us as f64 / 1_000.0)
}

fn text(value: Option<&Bytes>) -> JsValue {
    value.map_or(JsValue::NULL, |bytes| shown(bytes))
}
