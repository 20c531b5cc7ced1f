//! `window.tabraft`: the console API. Every call returns a promise, and rejects with an `Error`
//! that has a `code`.
//!
//! - [`data`], [`replicas`], [`members`], [`judge`], [`bench`], [`load`], [`away`], [`moving`]: the calls
//! - [`arguments`]: what they are given; [`results`]: what they return

mod arguments;
mod away;
mod bench;
mod data;
mod judge;
mod load;
mod members;
mod moving;
mod replicas;
mod results;

use std::rc::Rc;

use js_sys::{Array, Object, Promise, Proxy, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use self::arguments::Arguments;
use super::Cluster;
use crate::model::ApiError;

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
    let shown = JsFuture::from(ready.clone());
    spawn_local(async move { drop(shown.await) });
    Reflect::set(&api, &"ready".into(), &ready)?;
    data::install(&api, cluster)?;
    replicas::install(&api, cluster)?;
    members::install(&api, cluster)?;
    judge::install(&api, cluster)?;
    bench::install(&api, cluster)?;
    moving::install(&api, cluster)?;
    load::install(&api, cluster)?;
    away::install(&api, cluster)?;
    Reflect::set(&js_sys::global(), &"tabraft".into(), &api)?;
    Ok(())
}

fn method<F, R>(api: &Object, cluster: &Cluster, name: &'static str, run: F) -> Result<(), JsValue>
where
    F: Fn(Cluster, Arguments) -> R + 'static,
    R: Future<Output = Outcome> + 'static,
{
    let (cluster, run) = (cluster.clone(), Rc::new(run));
    let function = variadic(move |arguments| {
        let result = run(cluster.clone(), Arguments(arguments));
        future_to_promise(async move { result.await.map_err(|error| thrown(&error)) })
    })?;
    Reflect::set(api, &name.into(), &function)?;
    Ok(())
}

/// The same of a call that only a cluster of tabs has.
fn tabs_method<F, R>(
    api: &Object,
    cluster: &Cluster,
    name: &'static str,
    run: F,
) -> Result<(), JsValue>
where
    F: Fn(Cluster, Arguments) -> R + 'static,
    R: Future<Output = Outcome> + 'static,
{
    method(api, cluster, name, move |me, args| {
        let result = me.check_tabs(name).map(|()| run(me, args));
        async move { result?.await }
    })
}

/// A JavaScript function of any number of arguments, made without evaluating a text, which the
/// page's policy does not allow. It lives as long as the page.
fn variadic(call: impl Fn(Array) -> Promise + 'static) -> Result<JsValue, JsValue> {
    let apply = Closure::<dyn Fn(JsValue, JsValue, Array) -> Promise>::new(
        move |_target, _this, arguments| call(arguments),
    );
    let apply = apply.into_js_value();
    let traps = Object::new();
    Reflect::set(&traps, &"apply".into(), &apply)?;
    Ok(Proxy::new(&apply, &traps).into())
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
