//! `window.tabraft`: the console API. Every call returns a promise, and rejects with an `Error`
//! that has a `code`.

use std::rc::Rc;

use js_sys::{Array, Function, JsString, Object, Promise, Reflect};
use serde::Serialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::Cluster;
use crate::model::{ApiError, Call, Consistency, LinkFault, Written};
use crate::settings::{Hosting, Revive};

/// The longest time a call may take, in milliseconds.
const TIMEOUT_MS_MAX: f64 = 600_000.0;
/// Pairs a scan returns when it is not told how many.
const SCAN_LIMIT: u32 = 1_000;

type Outcome = Result<JsValue, ApiError>;

/// Puts the API on `window`.
///
/// # Errors
/// The browser's.
pub fn install(cluster: &Cluster) -> Result<(), JsValue> {
    let api = Object::new();
    let me = cluster.clone();
    let ready = future_to_promise(async move {
        me.ready().await.map_err(|error| thrown(&error))?;
        Ok(JsValue::UNDEFINED)
    });
    // The page shows why it is not ready; whoever awaits it gets the error as well. Nobody need.
    let shown = Closure::once_into_js(|_: JsValue| {});
    let handled = Function::new_with_args("p, f", "p.catch(f)");
    handled.call2(&JsValue::UNDEFINED, &ready, &shown)?;
    Reflect::set(&api, &"ready".into(), &ready)?;
    data(&api, cluster)?;
    replicas(&api, cluster)?;
    Reflect::set(&js_sys::global(), &"tabraft".into(), &api)?;
    Ok(())
}

fn data(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
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
        let since = args.whole(0, "since", 0.0, 9e15)?;
        plain(&me.events(since.unwrap_or(0.0) as u64))
    })?;
    method(
        api,
        cluster,
        "settings",
        |me, _| async move { settings(&me) },
    )
}

fn replicas(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "start", |me, args| async move {
        done(me.start(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "stop", |me, args| async move {
        done(me.stop(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "crash", |me, args| async move {
        done(me.crash(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "pause", |me, args| async move {
        let ms = match args.0.get(1) {
            none if none.is_undefined() => None,
            ms => {
                let ms = ms.as_f64().filter(|ms| (0.0..=86_400_000.0).contains(ms));
                let wrong = || ApiError::bad_argument("ms must be a number from 0 to 86,400,000.");
                Some(ms.ok_or_else(wrong)?)
            }
        };
        done(me.pause(args.node(0, "id")?, ms).await)
    })?;
    method(api, cluster, "resume", |me, args| async move {
        done(me.resume(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "openTab", |me, args| async move {
        done(me.open_tab(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "partition", |me, args| async move {
        done(me.partition(args.groups(0)?).await)
    })?;
    method(api, cluster, "heal", |me, _| async move {
        done(me.heal().await)
    })?;
    method(api, cluster, "link", |me, args| async move {
        let (from, to) = (args.node(0, "from")?, args.node(1, "to")?);
        done(me.link(from, to, args.fault(2)?).await)
    })
}

fn method<F, R>(api: &Object, cluster: &Cluster, name: &'static str, run: F) -> Result<(), JsValue>
where
    F: Fn(Cluster, Arguments) -> R + 'static,
    R: Future<Output = Outcome> + 'static,
{
    let (cluster, run) = (cluster.clone(), Rc::new(run));
    let function = variadic(Closure::<dyn Fn(Array) -> Promise>::new(
        move |arguments: Array| {
            let result = run(cluster.clone(), Arguments(arguments));
            future_to_promise(async move { result.await.map_err(|error| thrown(&error)) })
        },
    ));
    Reflect::set(api, &name.into(), &function)?;
    Ok(())
}

/// A JavaScript function of any number of arguments. It lives as long as the page.
fn variadic(closure: Closure<dyn Fn(Array) -> Promise>) -> Function {
    let take = Function::new_with_args("f", "return (...args) => f(args)");
    let closure = closure.into_js_value();
    take.call1(&JsValue::UNDEFINED, &closure)
        .ok()
        .and_then(|function| function.dyn_into().ok())
        .unwrap_or_else(|| closure.unchecked_into())
}

struct Arguments(Array);

impl Arguments {
    fn text(&self, at: u32, name: &str) -> Result<String, ApiError> {
        let value = self.0.get(at);
        let text = value
            .dyn_ref::<JsString>()
            .ok_or_else(|| ApiError::bad_argument(format!("{name} must be a string.")))?;
        if !text.is_valid_utf16() {
            return Err(ApiError::bad_argument(format!(
                "{name} has half of a surrogate pair and cannot be written as UTF-8."
            )));
        }
        Ok(String::from(text))
    }

    fn node(&self, at: u32, name: &str) -> Result<u64, ApiError> {
        whole(&self.0.get(at), name, 1.0, 9e15).map(|id| id as u64)
    }

    fn option(&self, at: u32, name: &str) -> Result<JsValue, ApiError> {
        let options = self.0.get(at);
        if options.is_undefined() || options.is_null() {
            return Ok(JsValue::UNDEFINED);
        }
        if !options.is_object() {
            return Err(ApiError::bad_argument("The options must be an object."));
        }
        Reflect::get(&options, &name.into())
            .map_err(|error| ApiError::browser("The options could not be read", &error))
    }

    fn whole(&self, at: u32, name: &str, least: f64, most: f64) -> Result<Option<f64>, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        whole(&value, name, least, most).map(Some)
    }

    fn call(&self, at: u32) -> Result<Call, ApiError> {
        let mut call = Call::default();
        if let Some(timeout_ms) = self.whole(at, "timeoutMs", 1.0, TIMEOUT_MS_MAX)? {
            call.timeout_ms = timeout_ms;
        }
        call.node = self.whole(at, "node", 1.0, 9e15)?.map(|id| id as u64);
        let consistency = self.option(at, "consistency")?;
        call.consistency = match consistency.as_string().as_deref() {
            None if consistency.is_undefined() => Consistency::Linearizable,
            Some("linearizable") => Consistency::Linearizable,
            Some("stale") => Consistency::Stale,
            _ => {
                return Err(ApiError::bad_argument(
                    "consistency must be \"linearizable\" or \"stale\".",
                ));
            }
        };
        Ok(call)
    }

    fn groups(&self, at: u32) -> Result<Vec<Vec<u64>>, ApiError> {
        let wrong =
            || ApiError::bad_argument("partition takes groups of node ids, such as [[1], [2, 3]].");
        let mut seen = Vec::new();
        let groups = self.0.get(at);
        let groups = groups.dyn_ref::<Array>().ok_or_else(wrong)?;
        let mut found = Vec::new();
        for group in groups.iter() {
            let mut ids = Vec::new();
            for id in group.dyn_ref::<Array>().ok_or_else(wrong)?.iter() {
                let id = whole(&id, "id", 1.0, 9e15)? as u64;
                if seen.contains(&id) {
                    return Err(ApiError::bad_argument(format!(
                        "Node {id} is in two groups at once."
                    )));
                }
                seen.push(id);
                ids.push(id);
            }
            found.push(ids);
        }
        Ok(found)
    }

    fn fault(&self, at: u32) -> Result<LinkFault, ApiError> {
        let field = |name: &str, most: f64| -> Result<f64, ApiError> {
            let value = self.option(at, name)?;
            if value.is_undefined() {
                return Ok(0.0);
            }
            let number = value.as_f64().filter(|n| (0.0..=most).contains(n));
            number.ok_or_else(|| {
                ApiError::bad_argument(format!("{name} must be a number from 0 to {most}."))
            })
        };
        Ok(LinkFault {
            loss_pct: field("lossPct", 100.0)?,
            duplicate_pct: field("duplicatePct", 100.0)?,
            delay_ms: field("delayMs", 60_000.0)?,
            jitter_ms: field("jitterMs", 60_000.0)?,
        })
    }
}

fn whole(value: &JsValue, name: &str, least: f64, most: f64) -> Result<f64, ApiError> {
    let number = value.as_f64();
    number
        .filter(|n| n.fract() == 0.0 && (least..=most).contains(n))
        .ok_or_else(|| {
            ApiError::bad_argument(format!(
                "{name} must be a whole number from {least} to {most}."
            ))
        })
}

fn done(result: Result<(), ApiError>) -> Outcome {
    result.map(|()| JsValue::UNDEFINED)
}

fn effect(written: Written, name: &str) -> Outcome {
    object(&[
        ("index", number(written.index)),
        ("term", number(written.term)),
        (name, written.effect.into()),
    ])
}

fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn object(fields: &[(&str, JsValue)]) -> Outcome {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)
            .map_err(|error| ApiError::browser("A result could not be made", &error))?;
    }
    Ok(object.into())
}

fn plain<T: Serialize>(value: &T) -> Outcome {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|error| ApiError::browser("A result could not be made", &error.into()))
}

fn settings(cluster: &Cluster) -> Outcome {
    let settings = cluster.settings();
    let host = match &settings.host {
        Hosting::Auto => "auto".into(),
        Hosting::None => "none".into(),
        Hosting::Nodes(ids) => {
            let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
            ids.join(",")
        }
    };
    let revive = match settings.revive {
        Revive::Auto => "auto",
        Revive::All => "all",
        Revive::Manual => "manual",
    };
    object(&[
        ("cluster", settings.cluster.as_str().into()),
        ("nodes", number(settings.nodes)),
        ("host", host.into()),
        ("durability", plain(&settings.durability)?),
        ("tickMs", settings.tick_ms.into()),
        ("snapshotEntries", number(settings.limits.snapshot_entries)),
        ("snapshotBytes", number(settings.limits.snapshot_bytes)),
        ("catchupEntries", number(settings.limits.catchup_entries)),
        ("salvage", settings.salvage.into()),
        ("succession", settings.succession.into()),
        ("revive", revive.into()),
    ])
}

/// The `Error` that a promise rejects with.
fn thrown(error: &ApiError) -> JsValue {
    let thrown = js_sys::Error::new(&error.message);
    if let Err(failed) = Reflect::set(&thrown, &"code".into(), &error.code.into()) {
        web_sys::console::error_1(&failed);
    }
    thrown.into()
}

/// Opens the cluster of the page's address and puts the API on `window`. Where even that fails,
/// the console says why.
pub fn open() -> Cluster {
    let cluster = Cluster::open();
    if let Err(error) = install(&cluster) {
        web_sys::console::error_2(&"tabraft: no console API:".into(), &error);
    }
    cluster
}
