//! Saving a snapshot, a history, or a run as a file.

use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::{Blob, HtmlAnchorElement, Url};
use wasm_bindgen::JsCast;

use super::figures;
use crate::client::Cluster;
use crate::model::ApiError;

/// How long the browser may take to begin with the file, before its address is given up.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// Saves the cluster's state, confirmed by a quorum, or one replica's as far as it got.
///
/// # Errors
/// The cluster's, or why the browser does not save it.
pub async fn save(cluster: Cluster, node: Option<u64>) -> Result<String, ApiError> {
    let file = cluster.export_snapshot(node).await?;
    download(&file.blob, &file.file_name)?;
    let keys = match file.keys {
        1 => "1 key".to_owned(),
        keys => format!("{} keys", figures::grouped(keys)),
    };
    Ok(format!(
        "Saved as {}: {keys} as of index {}, {}.",
        file.file_name,
        file.index,
        figures::bytes(file.bytes)
    ))
}

/// Saves what this tab's clients did.
///
/// # Errors
/// The cluster's, or why the browser does not save it.
pub async fn save_history(cluster: Cluster) -> Result<String, ApiError> {
    let file = cluster.export_history().await?;
    download(&file.blob, &file.file_name)?;
    let operations = match file.operations {
        1 => "1 operation".to_owned(),
        n => format!("{} operations", figures::grouped(n)),
    };
    Ok(format!("Saved as {}: {operations}.", file.file_name))
}

/// Saves what this page has seen.
///
/// # Errors
/// The cluster's, or why the browser does not save it.
pub fn save_run(cluster: &Cluster) -> Result<String, ApiError> {
    let file = cluster.export_run()?;
    download(&file.blob, &file.file_name)?;
    Ok(format!(
        "Saved as {}: {}.",
        file.file_name,
        figures::bytes(file.bytes)
    ))
}

fn download(blob: &Blob, file_name: &str) -> Result<(), ApiError> {
    let failed = |error| ApiError::browser("The file could not be saved", &error);
    let link = document().create_element("a").map_err(failed)?;
    let link: HtmlAnchorElement = link.unchecked_into();
    let url = Url::create_object_url_with_blob(blob).map_err(failed)?;
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    let give_up = move || {
        if let Err(error) = Url::revoke_object_url(&url) {
            leptos::logging::warn!("a saved file stays in memory: {error:?}");
        }
    };
    set_timeout(give_up, KEPT_FOR);
    Ok(())
}
