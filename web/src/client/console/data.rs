//! Reads, writes, and what is known.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::results::{done, effect, number, placed, plain, settings, shown};
use super::{Outcome, method, tabs_method};
use crate::client::Cluster;
use crate::client::etcd::members::Member;
use crate::model::ApiError;

/// Pairs a scan returns when it is not told how many.
const SCAN_LIMIT: u32 = 1_000;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "put", |me, args| async move {
        let (key, value) = (args.text(0, "key")?, args.bytes(1, "value")?);
        Ok(placed(me.put(&key, value, args.call(2)?).await?))
    })?;
    method(api, cluster, "get", |me, args| async move {
        let value = me.get(&args.text(0, "key")?, args.call(1)?).await?;
        Ok(value.map_or(JsValue::NULL, |value| shown(&value)))
    })?;
    method(api, cluster, "delete", |me, args| async move {
        let written = me.delete(&args.text(0, "key")?, args.call(1)?).await?;
        effect(written, "existed")
    })?;
    method(api, cluster, "cas", |me, args| async move {
        let (key, value) = (args.text(0, "key")?, args.bytes(2, "value")?);
        let expected = match args.0.get(1) {
            none if none.is_null() || none.is_undefined() => None,
            _ => Some(args.bytes(1, "expected")?),
        };
        let call = args.call(3)?;
        let written = me.cas(&key, expected, value, call).await?;
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
        let rows = pairs.iter().map(|(key, value)| {
            let row = Array::of2(&shown(key), &shown(value));
            JsValue::from(row)
        });
        Ok(rows.collect::<Array>().into())
    })?;
    method(api, cluster, "status", |me, _| async move {
        let status = plain(&me.fresh_status().await?)?;
        with_machines(status, &me.machines())
    })?;
    tabs_method(api, cluster, "traffic", |me, _| async move {
        plain(&me.traffic())
    })?;
    method(api, cluster, "watch", |me, args| async move {
        let called = args.function(0, "changed")?;
        let watch = me.watch(Rc::new(move || {
            if let Err(error) = called.call0(&JsValue::UNDEFINED) {
                web_sys::console::error_1(&error);
            }
        }));
        let watch = Cell::new(Some(watch.await?));
        let end = Closure::<dyn Fn()>::new(move || drop(watch.take()));
        Ok(end.into_js_value())
    })?;
    method(api, cluster, "signIn", |me, args| async move {
        let (name, password) = (args.text(0, "name")?, args.text(1, "password")?);
        done(me.sign_in(&name, &password).await)
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

/// Adds what etcd's members tell beside that, in the order of the nodes.
fn with_machines(status: JsValue, members: &[Member]) -> Outcome {
    let failed = |error| ApiError::browser("A result could not be made", &error);
    let nodes = Reflect::get(&status, &"nodes".into()).map_err(failed)?;
    for (node, member) in Array::from(&nodes).iter().zip(members) {
        let told = member.told.clone().unwrap_or_default();
        let fields = [
            ("member", format!("{:x}", member.id).into()),
            ("name", member.name.as_str().into()),
            ("endpoint", member.url.as_str().into()),
            ("version", told.version.as_str().into()),
            ("revision", number(told.revision)),
            ("dbBytes", number(told.db_bytes)),
        ];
        for (name, value) in fields {
            Reflect::set(&node, &name.into(), &value).map_err(failed)?;
        }
    }
    Ok(status)
}
