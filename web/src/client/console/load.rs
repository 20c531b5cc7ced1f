//! `load`: operations of a mix at a rate, until they are stopped.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::arguments::Arguments;
use super::method;
use super::results::plain;
use crate::client::Cluster;
use crate::client::load::mix::{Kind, Mix};
use crate::client::load::plan::{
    IN_FLIGHT_MAX, KEYS_MAX, Plan, RATE_MAX, SECONDS_MAX, VALUE_BYTES_MAX,
};
use crate::model::ApiError;

/// How long a load runs that is not told, in seconds.
const SECONDS: f64 = 10.0;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "load", |me, args| async move {
        plain(&me.load(plan(&args)?).await?)
    })?;
    method(api, cluster, "stopLoad", |me, _| async move {
        me.stop_load();
        Ok(JsValue::UNDEFINED)
    })?;
    method(api, cluster, "loadFigures", |me, _| async move {
        me.load_figures()
            .map_or(Ok(JsValue::NULL), |figures| plain(&figures))
    })
}

fn plan(args: &Arguments) -> Result<Plan, ApiError> {
    args.know(
        0,
        &["rate", "inFlight", "mix", "keys", "valueBytes", "seconds"],
    )?;
    let whole = |name, most: u64, usual| {
        let given = args.whole(0, name, 1.0, most as f64)?;
        Ok::<_, ApiError>(given.map_or(usual, |given| given as u64))
    };
    Ok(Plan {
        rate: args.positive(0, "rate", RATE_MAX)?,
        in_flight: whole("inFlight", IN_FLIGHT_MAX, 64)?,
        mix: mix(args)?,
        keys: whole("keys", KEYS_MAX, 100)?,
        value_bytes: whole("valueBytes", VALUE_BYTES_MAX, 256)?,
        seconds: Some(args.positive(0, "seconds", SECONDS_MAX)?.unwrap_or(SECONDS)),
    })
}

/// Puts alone, unless something else is said.
fn mix(args: &Arguments) -> Result<Mix, ApiError> {
    let given = args.option(0, "mix")?;
    if given.is_undefined() {
        return Ok(Mix::PUTS);
    }
    let given = Arguments(js_sys::Array::of1(&given));
    given.know(0, &Kind::ALL.map(Kind::name))?;
    let mut percent = [0; Kind::ALL.len()];
    for (kind, percent) in Kind::ALL.iter().zip(&mut percent) {
        let found = given.whole(0, kind.name(), 0.0, 100.0)?;
        *percent = found.unwrap_or(0.0) as u64;
    }
    Mix::new(percent)
}
