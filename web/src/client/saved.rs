//! Settings that were changed, kept in the browser for the next visit of the same cluster.
//!
//! What differs from the page's address is kept. At the next visit it rules over the usual settings, and
//! an address that names a setting rules over it: who opens a link wants what it says. What is
//! overruled so stays kept. A cluster that begins anew under the name begins without.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::{Cluster, address};
use crate::model::Change;

impl Cluster {
    /// Takes the settings that were kept for this cluster.
    pub(super) fn restore_settings(&self, identity: u64) {
        let kept = storage().and_then(|s| s.get_item(&self.settings_key()).ok().flatten());
        let Some(kept) = kept else {
            return;
        };
        let ours = format!("{identity:016x} ");
        let Some(text) = kept.strip_prefix(&ours) else {
            return;
        };
        let change = js_sys::JSON::parse(text).ok();
        let change = change.and_then(|it| serde_wasm_bindgen::from_value::<Change>(it).ok());
        let Some(kept) = change else {
            return self.notice("Settings kept for this cluster cannot be read.".into());
        };
        // An address that cannot be read says nothing.
        let address = address::parameters().unwrap_or_default();
        let is_said = |name: &str| address.iter().any(|(said, _)| said == name);
        let (change, overruled) = (kept.only(|it| !is_said(it)), kept.only(is_said));
        match self.0.settings.changed(&change) {
            Ok(settings) => {
                let mut changed = self.0.changed.borrow_mut();
                changed.take(change, settings, overruled);
            }
            Err(wanted) => self.notice(format!(
                "Settings kept for this cluster were not taken: {wanted}."
            )),
        }
    }

    /// Keeps what differs from the page's address; forgets it where nothing does.
    pub(super) fn keep_settings(&self) {
        let (Some(storage), Some(joined)) = (storage(), self.0.joined.get()) else {
            return;
        };
        let change = self.0.settings.less(&self.0.changed.borrow().all());
        let key = self.settings_key();
        let kept = match change == Change::default() {
            true => storage.remove_item(&key),
            false => text(&change).and_then(|text| {
                let value = format!("{:016x} {text}", joined.identity);
                storage.set_item(&key, &value)
            }),
        };
        if let Err(error) = kept {
            web_sys::console::warn_2(&"tabraft: the settings are not kept:".into(), &error);
        }
    }

    fn settings_key(&self) -> String {
        format!("tabraft:{}:settings", self.cluster())
    }
}

fn text(change: &Change) -> Result<String, JsValue> {
    let value = change
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(JsValue::from)?;
    Ok(js_sys::JSON::stringify(&value)?.into())
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
