//! Reads, writes, and what is known.

use js_sys::{Array, Object};
use wasm_bindgen::JsValue;

use super::method;
use super::results::{effect, number, object, plain, settings};
use crate::client::Cluster;

/// Pairs a scan returns when it is not told how many.
const SCAN_LIMIT: u32 = 1_000;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "put", |me, args| async move {
        let (key, value) = (args.text(0, "key")?, args.text(1, "value")?);
        let written = me.put(&key, &value, args.call(2)?).await?;
        object(&[
            ("index", number(written.index)),
            ("term", number(written.term)),
        ])
    })?;
    method(api, cluster, "get", |me, args| async move {
        let value = me.get(&args.text(0, "key")?, args.call(1)?).await?;
        Ok(value.map_or(JsValue::NULL, JsValue::from))
    })?;
    method(api, cluster, "delete", |me, args| async move {
        let written = me.delete(&args.text(0, "key")?, args.call(1)?).await?;
        effect(written, "existed")
    })?;
    method(api, cluster, "cas", |me, args| async move {
        let (key, value) = (args.text(0, "key")?, args.text(2, "value")?);
        let expected = match args.0.get(1) {
            none if none.is_null() || none.is_undefined() => None,
            _ => Some(args.text(1, "expected")?),
        };
        let call = args.call(3)?;
        let written = me.cas(&key, expected.as_deref(), &value, call).await?;
        effect(written, "swapped")
    })?;
    method(api, cluster, "scan", |me, args| async move {
        let prefix = match args.0.get(0) {
            none if none.is_undefined() => String::new(),
            _ => args.text(0, "prefix")?,
        };
        let limit = args.whole(1, "limit", 1.0, 100_000.0)?;
        let limit = limit.map_or(SCAN_LIMIT, |limit| limit as u32);
        let pairs = me.scan(&prefix, limit, args.call(1)?).await?;
        let rows = pairs.into_iter().map(|(key, value)| {
            JsValue::from(Array::of2(&JsValue::from(key), &JsValue::from(value)))
        });
        Ok(rows.collect::<Array>().into())
    })?;
    method(api, cluster, "status", |me, _| async move {
        plain(&me.fresh_status().await?)
    })?;
    method(api, cluster, "events", |me, args| async move {
        if let Some(index) = args.whole(0, "index", 1.0, 9e15)? {
            return plain(&me.steps(index as u64).await?);
        }
        let since = args.whole(0, "since", 0.0, 9e15)?;
        plain(&me.events(since.unwrap_or(0.0) as u64))
    })?;
    method(api, cluster, "entry", |me, args| async move {
        plain(&me.entry(args.node(0, "index")?).await?)
    })?;
    method(
        api,
        cluster,
        "settings",
        |me, _| async move { settings(&me) },
    )
}
