//! Members, and snapshots as files.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::arguments::Arguments;
use super::results::{done, number, object};
use super::tabs_method as method;
use crate::client::Cluster;
use crate::client::deadline::Deadline;
use crate::client::members::MEMBERS_TIMEOUT_MS;
use crate::client::snapshots::SNAPSHOT_TIMEOUT_MS;
use crate::model::{ApiError, Exported};
use crate::settings::NODES_MAX;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "addNode", |me, args| async move {
        // The id may be left out altogether.
        let (id, options) = match args.0.get(0) {
            first if first.is_object() => (None, 0),
            first if first.is_undefined() || first.is_null() => (None, 1),
            _ => (Some(args.node(0, "id")?), 1),
        };
        let learner = args.flag(options, "learner")?.unwrap_or(false);
        let deadline = members_deadline(&args, options)?;
        Ok(number(me.add_node_by(id, learner, deadline).await?))
    })?;
    method(api, cluster, "promote", |me, args| async move {
        let (id, deadline) = (args.node(0, "id")?, members_deadline(&args, 1)?);
        done(me.promote_checked(id, deadline).await)
    })?;
    method(api, cluster, "removeNode", |me, args| async move {
        let (id, deadline) = (args.node(0, "id")?, members_deadline(&args, 1)?);
        done(me.remove_node_by(id, deadline).await)
    })?;
    method(api, cluster, "replace", |me, args| async move {
        let (id, deadline) = (args.node(0, "id")?, members_deadline(&args, 1)?);
        Ok(number(me.replace_by(id, deadline).await?))
    })?;
    method(api, cluster, "transferLeader", |me, args| async move {
        let (id, deadline) = (args.node(0, "id")?, members_deadline(&args, 1)?);
        done(me.transfer_leader_by(id, deadline).await)
    })?;
    method(api, cluster, "snapshot", |me, args| async move {
        let id = args.node(0, "id")?;
        let deadline = args.deadline(1, SNAPSHOT_TIMEOUT_MS)?;
        let index = me.snapshot_checked(id, deadline).await?;
        object(&[("index", number(index))])
    })?;
    method(api, cluster, "exportSnapshot", |me, args| async move {
        let node = args.whole(0, "node", 1.0, 9e15)?.map(|id| id as u64);
        let deadline = args.deadline(0, SNAPSHOT_TIMEOUT_MS)?;
        named(me.export_snapshot_by(node, deadline).await?)
    })?;
    method(api, cluster, "restore", |me, args| async move {
        let file = args.blob(0, "file")?;
        let name = args.option(1, "cluster")?;
        let name = name
            .as_string()
            .ok_or_else(|| ApiError::bad_argument("cluster must be the new cluster's name."))?;
        let nodes = args.whole(1, "nodes", 1.0, NODES_MAX as f64)?;
        let nodes = nodes.map(|nodes| nodes as u64);
        let restored = me.restore(file, &name, nodes).await?;
        object(&[
            ("cluster", restored.cluster.into()),
            ("url", restored.url.into()),
            ("index", number(restored.index)),
            ("keys", number(restored.keys)),
        ])
    })
}

fn members_deadline(args: &Arguments, at: u32) -> Result<Deadline, ApiError> {
    args.deadline(at, MEMBERS_TIMEOUT_MS)
}

/// The file, with the name it is to be saved under.
fn named(exported: Exported) -> Result<JsValue, ApiError> {
    Reflect::set(&exported.blob, &"name".into(), &exported.file_name.into())
        .map_err(|error| ApiError::browser("A result could not be made", &error))?;
    Ok(exported.blob.into())
}
