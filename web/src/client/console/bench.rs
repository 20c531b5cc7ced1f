//! `bench`: how fast it is here.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::method;
use super::results::plain;
use crate::client::Cluster;
use crate::client::bench::{Kind, Load};
use crate::model::ApiError;

const OPS_MAX: f64 = 10_000_000.0;
const IN_FLIGHT_MAX: f64 = 4_096.0;
/// The largest value there may be.
const VALUE_BYTES_MAX: f64 = 1_048_576.0;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "bench", |me, args| async move {
        args.know(0, &["ops", "inFlight", "valueBytes", "op", "floor"])?;
        let whole = |name, most, usual| {
            let given = args.whole(0, name, 1.0, most)?;
            Ok::<_, ApiError>(given.map_or(usual, |given| given as u64))
        };
        let ops = [("put", Kind::Put), ("get", Kind::Get)];
        let load = Load {
            ops: whole("ops", OPS_MAX, 10_000)?,
            in_flight: whole("inFlight", IN_FLIGHT_MAX, 64)?,
            value_bytes: whole("valueBytes", VALUE_BYTES_MAX, 256)? as usize,
            kind: args.choice(0, "op", &ops)?.unwrap_or(Kind::Put),
        };
        let beside = args.flag(0, "floor")?.unwrap_or(true);
        plain(&me.bench(load, beside).await?)
    })
}
