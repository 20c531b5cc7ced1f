//! A run as a file, by the console: the page's views keep it, and show it again.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use tabraft::frame::{FrameError, Kind};
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::saved_file::{self, bad_file};
use super::{Cluster, files};
use crate::model::{ApiError, RunFile};

/// Keeps what the page sees, and shows what another has seen.
pub trait Recorder {
    /// All that is kept of the live cluster; `build` saves it.
    fn export(&self, build: String) -> Vec<u8>;

    /// Shows a saved run in place of the live cluster.
    ///
    /// # Errors
    /// What is wrong with it; nothing is changed then.
    fn open(&self, bytes: &[u8]) -> Result<(), FrameError>;

    /// Shows the live cluster again.
    fn close(&self);
}

impl Cluster {
    /// Has the views keep and show runs.
    pub fn record_by(&self, recorder: Rc<dyn Recorder>) {
        *self.0.recorder.borrow_mut() = Some(recorder);
    }

    fn recorder(&self) -> Result<Rc<dyn Recorder>, ApiError> {
        let recorder = self.0.recorder.borrow().clone();
        recorder.ok_or_else(|| ApiError::new("CLOSED", "The page shows nothing yet."))
    }

    /// What this page has seen, as a file.
    ///
    /// # Errors
    /// `BROWSER`.
    pub fn export_run(&self) -> Result<RunFile, ApiError> {
        let bytes = self.recorder()?.export(files::build());
        let failed = |error: JsValue| ApiError::browser("The file could not be made", &error);
        let parts = Array::of1(&Uint8Array::from(&bytes[..]));
        let day = String::from(js_sys::Date::new_0().to_iso_string());
        let minute: String = day.chars().take(16).filter(|it| *it != ':').collect();
        Ok(RunFile {
            blob: Blob::new_with_u8_array_sequence(&parts).map_err(failed)?,
            file_name: format!("tabraft-{}-run-{minute}.tbrf", self.cluster()),
            bytes: bytes.len() as u64,
        })
    }

    /// Shows a saved run in place of the live cluster, which goes on.
    ///
    /// # Errors
    /// `BAD_FILE` with what is wrong: nothing is changed then. `BROWSER`.
    pub async fn open_run(&self, file: &Blob) -> Result<(), ApiError> {
        let recorder = self.recorder()?;
        let bytes = saved_file::read(file, Kind::Run, async |_| {}).await?;
        let wrong = |error| bad_file(Kind::Run, &error, bytes.len() as f64);
        recorder.open(&bytes).map_err(wrong)
    }

    /// Shows the live cluster again.
    ///
    /// # Errors
    /// `CLOSED`: the page shows nothing yet.
    pub fn close_run(&self) -> Result<(), ApiError> {
        self.recorder()?.close();
        Ok(())
    }
}
