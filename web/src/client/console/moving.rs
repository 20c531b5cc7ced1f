//! `exportTo`, `importFrom` and `beside`: tabs and etcd.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::arguments::Arguments;
use super::results::{number, object, plain};
use super::{Outcome, tabs_method};
use crate::client::Cluster;
use crate::client::moving::{Move, Moved, Way};
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
    for way in Way::BOTH {
        tabs_method(api, cluster, way.call(), move |me, args| async move {
            args.know(0, &OPTIONS)?;
            let timeout_ms = args.whole(0, "timeoutMs", 1.0, 600_000.0)?;
            let timeout_ms = timeout_ms.unwrap_or(TIMEOUT_MS);
            let moved = me.copy(way, &wanted(&args)?, timeout_ms).await?;
            result(moved, way.counts())
        })?;
    }
    install_beside(api, cluster)
}

/// `beside`: tabs and etcd under the same load.
///
/// # Errors
/// The browser's.
fn install_beside(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    tabs_method(api, cluster, "beside", |me, args| async move {
        let names: Vec<_> = OPTIONS
            .into_iter()
            .chain(["ops", "inFlight", "valueBytes"])
            .collect();
        args.know(0, &names)?;
        let whole = |name, most, usual: f64| {
            let given = args.whole(0, name, 1.0, most)?;
            Ok::<_, ApiError>(given.unwrap_or(usual))
        };
        let (ops, in_flight) = (
            whole("ops", 1e6, 2_000.0)?,
            whole("inFlight", 4_096.0, 16.0)?,
        );
        let bytes = whole("valueBytes", 1_048_576.0, 256.0)?;
        let sides = me
            .beside(
                &wanted(&args)?,
                ops as u64,
                in_flight as u64,
                bytes as usize,
            )
            .await?;
        let [tabs, etcd] = sides.map(|side| {
            let figures = plain(&side.figures)?;
            let verdict = [
                ("linearizable", side.standing.broken.is_none().into()),
                ("judged", number(side.standing.operations)),
            ];
            for (name, value) in verdict {
                Reflect::set(&figures, &name.into(), &value)
                    .map_err(|error| ApiError::browser("A result could not be made", &error))?;
            }
            Ok::<_, ApiError>(figures)
        });
        object(&[("tabs", tabs?), ("etcd", etcd?)])
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
