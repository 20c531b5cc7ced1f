//! Replicas, the links between them, and their disks.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::results::{done, plain};
use super::tabs_method as method;
use crate::client::Cluster;
use crate::model::{ApiError, Place, Stored};

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
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
    method(
        api,
        cluster,
        "links",
        |me, _| async move { plain(&me.faults()) },
    )?;
    method(api, cluster, "link", |me, args| async move {
        let (from, to) = (args.node(0, "from")?, args.node(1, "to")?);
        done(me.link(from, to, args.fault(2)?).await)
    })?;
    method(api, cluster, "disk", |me, args| async move {
        let id = args.node(0, "id")?;
        done(me.disk(id, args.disk_fault(1)?).await)
    })?;
    method(api, cluster, "wipe", |me, args| async move {
        done(me.wipe(args.node(0, "id")?).await)
    })?;
    method(api, cluster, "corrupt", |me, args| async move {
        let id = args.node(0, "id")?;
        let what = args.choice(
            1,
            "what",
            &[("wal", Stored::Wal), ("snapshot", Stored::Snapshot)],
        )?;
        let place = args.choice(
            1,
            "where",
            &[("last", Place::Last), ("middle", Place::Middle)],
        )?;
        let what = what.unwrap_or(Stored::Wal);
        done(me.corrupt(id, what, place.unwrap_or(Place::Last)).await)
    })?;
    method(api, cluster, "configure", |me, args| async move {
        done(me.configure(args.change(0)?).await)
    })
}
