//! `exportTo` and `importFrom`: between tabs and etcd.

use js_sys::{Array, Function, Object};
use wasm_bindgen::{JsCast, JsValue};

use super::arguments::Arguments;
use super::results::{number, object};
use super::{Outcome, tabs_method};
use crate::client::Cluster;
use crate::client::moving::{Move, Moved};
use crate::model::ApiError;
use crate::settings;

/// How long each part may wait for the tabs' leader if its caller does not say, in milliseconds.
const TIMEOUT_MS: f64 = 60_000.0;

const OPTIONS: [&str; 7] = [
    "endpoints",
    "user",
    "password",
    "prefix",
    "overwrite",
    "onProgress",
    "timeoutMs",
];

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    tabs_method(api, cluster, "exportTo", |me, args| async move {
        let deadline = args.deadline(0, TIMEOUT_MS)?;
        let moved = me.export_to(wanted(&args)?, deadline).await?;
        result(moved, "index")
    })?;
    tabs_method(api, cluster, "importFrom", |me, args| async move {
        let deadline = args.deadline(0, TIMEOUT_MS)?;
        let moved = me.import_from(wanted(&args)?, deadline).await?;
        result(moved, "revision")
    })
}

fn result(moved: Moved, as_of: &str) -> Outcome {
    object(&[
        ("pairs", number(moved.tally.pairs)),
        ("bytes", number(moved.tally.bytes)),
        ("digest", moved.tally.digest().into()),
        ("written", number(moved.written)),
        (as_of, number(moved.as_of)),
    ])
}

fn wanted(args: &Arguments) -> Result<Move, ApiError> {
    args.know(0, &OPTIONS)?;
    let text = |name: &str| {
        let value = args.option(0, name)?;
        let wrong = || ApiError::bad_argument(format!("{name} must be a string."));
        match value.as_string() {
            None if value.is_undefined() => Ok(None),
            text => text.map(Some).ok_or_else(wrong),
        }
    };
    let endpoints = args.option(0, "endpoints")?;
    let endpoints = match endpoints.dyn_ref::<Array>() {
        Some(list) => list.join(","),
        None => endpoints.as_string().unwrap_or_default().into(),
    };
    let endpoints = settings::endpoints(&String::from(endpoints))
        .map_err(|wanted| ApiError::bad_argument(format!("endpoints must be {wanted}.")))?;
    let on_progress = args.option(0, "onProgress")?;
    let progress = on_progress.dyn_into::<Function>().ok();
    Ok(Move {
        endpoints,
        login: match (text("user")?, text("password")?) {
            (Some(user), password) => Some((user, password.unwrap_or_default())),
            (None, _) => None,
        },
        prefix: text("prefix")?.unwrap_or_default(),
        overwrite: args.flag(0, "overwrite")?.unwrap_or(false),
        progress: progress.map(|told| -> Box<dyn Fn(u64, u64)> {
            Box::new(move |done, of| {
                let (done, of) = (number(done), number(of));
                if let Err(error) = told.call2(&JsValue::UNDEFINED, &done, &of) {
                    web_sys::console::error_1(&error);
                }
            })
        }),
    })
}
