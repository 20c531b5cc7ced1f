//! What is taken away: a run as a file, a link; and resetting everything.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::method;
use super::results::{done, plain};
use crate::client::Cluster;
use crate::model::ApiError;

/// # Errors
/// The browser's.
pub fn install(api: &Object, cluster: &Cluster) -> Result<(), JsValue> {
    method(api, cluster, "exportRun", |me, _| async move {
        let file = me.export_run()?;
        Reflect::set(&file.blob, &"name".into(), &file.file_name.into())
            .map_err(|error| ApiError::browser("A result could not be made", &error))?;
        Ok(file.blob.into())
    })?;
    method(api, cluster, "openRun", |me, args| async move {
        done(me.open_run(&args.blob(0, "file")?).await)
    })?;
    method(api, cluster, "closeRun", |me, _| async move {
        done(me.close_run())
    })?;
    method(api, cluster, "shareLink", |me, args| async move {
        args.know(0, &["experiment"])?;
        let experiment = args.option(0, "experiment")?;
        let name = match experiment.is_undefined() {
            true => None,
            false => Some(experiment.as_string().ok_or_else(|| {
                ApiError::bad_argument("experiment must be the name of an experiment.")
            })?),
        };
        Ok(me.share_link(name.as_deref())?.into())
    })?;
    method(api, cluster, "reset", |me, args| async move {
        args.know(0, &["confirm"])?;
        match args.flag(0, "confirm")? {
            Some(true) => plain(&me.reset().await?),
            // Nothing is deleted by who does not know what.
            _ => plain(&me.kept().await?),
        }
    })
}
