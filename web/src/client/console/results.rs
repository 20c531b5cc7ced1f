//! What the console's calls return.

use js_sys::{Object, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use super::Outcome;
use crate::client::Cluster;
use crate::model::{ApiError, Written};
use crate::settings::{Engine, Hosting, Revive};

pub fn done(result: Result<(), ApiError>) -> Outcome {
    result.map(|()| JsValue::UNDEFINED)
}

pub fn effect(written: Written, name: &str) -> Outcome {
    let effect = placed(written);
    Reflect::set(&effect, &name.into(), &written.effect.into()).map_err(unmade)?;
    Ok(effect)
}

/// Bytes as a string if they are UTF-8, and as they are if not.
pub fn shown(bytes: &[u8]) -> JsValue {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => Uint8Array::from(bytes).into(),
    }
}

#[wasm_bindgen]
extern "C" {
    /// Where in the log a write stands. Made without names that have to be made strings of
    /// JavaScript for each.
    type Placed;

    #[wasm_bindgen(method, setter, structural)]
    fn set_index(this: &Placed, index: f64);

    #[wasm_bindgen(method, setter, structural)]
    fn set_term(this: &Placed, term: f64);
}

pub fn placed(written: Written) -> JsValue {
    let placed: Placed = Object::new().unchecked_into();
    placed.set_index(written.index as f64);
    placed.set_term(written.term as f64);
    placed.into()
}

pub fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

pub fn object(fields: &[(&str, JsValue)]) -> Outcome {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).map_err(unmade)?;
    }
    Ok(object.into())
}

fn unmade(error: JsValue) -> ApiError {
    ApiError::browser("A result could not be made", &error)
}

pub fn plain<T: Serialize>(value: &T) -> Outcome {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|error| unmade(error.into()))
}

pub fn settings(cluster: &Cluster) -> Outcome {
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
    let engine = match settings.engine {
        Engine::Tabs => "tabs",
        Engine::Etcd => "etcd",
    };
    object(&[
        ("engine", engine.into()),
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
        ("sitOutTicks", number(settings.limits.sit_out_ticks)),
        ("stepDownTicks", number(settings.limits.step_down_ticks)),
        ("reopenTicks", number(settings.reopen_ticks)),
    ])
}
