//! What the console's calls are given: checked, and named where it is wrong.

use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Function, JsString, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use crate::client::deadline::Deadline;
use crate::model::{ApiError, Call, Change, Consistency, DiskFault, LinkFault};
use crate::settings::Revive;

/// The longest time a call may take, in milliseconds.
const TIMEOUT_MS_MAX: f64 = 600_000.0;
/// Numbers of JavaScript are exact up to here.
const WHOLE_MAX: f64 = 9e15;

#[wasm_bindgen]
extern "C" {
    /// What a call for data may be given beside the data. Read as it is, without a name that has to
    /// be made a string of JavaScript for each: such calls come by the ten thousand a second.
    type CallOptions;

    #[wasm_bindgen(method, getter, structural, catch, js_name = timeoutMs)]
    fn timeout_ms(this: &CallOptions) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, structural, catch)]
    fn node(this: &CallOptions) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, structural, catch)]
    fn consistency(this: &CallOptions) -> Result<JsValue, JsValue>;
}

/// The arguments of a call.
pub struct Arguments(pub Array);

impl Arguments {
    pub fn text(&self, at: u32, name: &str) -> Result<String, ApiError> {
        let value = self.0.get(at);
        let text = value
            .dyn_ref::<JsString>()
            .ok_or_else(|| ApiError::bad_argument(format!("{name} must be a string.")))?;
        let told = String::from(text);
        // What half of a surrogate pair becomes on its way here; it may also have been said.
        if told.contains(char::REPLACEMENT_CHARACTER) && !text.is_valid_utf16() {
            return Err(ApiError::bad_argument(format!(
                "{name} has half of a surrogate pair and cannot be written as UTF-8."
            )));
        }
        Ok(told)
    }

    /// A value: a string, or bytes.
    pub fn bytes(&self, at: u32, name: &str) -> Result<Bytes, ApiError> {
        let value = self.0.get(at);
        if value.is_string() {
            return Ok(self.text(at, name)?.into());
        }
        // One of another frame is no instance of this one's Uint8Array.
        let width = Reflect::get(&value, &"BYTES_PER_ELEMENT".into());
        if ArrayBuffer::is_view(&value) && width.is_ok_and(|width| width == 1) {
            return Ok(Uint8Array::new(&value).to_vec().into());
        }
        Err(ApiError::bad_argument(format!(
            "{name} must be a string or a Uint8Array."
        )))
    }

    pub fn function(&self, at: u32, name: &str) -> Result<Function, ApiError> {
        let function = self.0.get(at).dyn_into();
        function.map_err(|_| ApiError::bad_argument(format!("{name} must be a function.")))
    }

    pub fn node(&self, at: u32, name: &str) -> Result<u64, ApiError> {
        whole(&self.0.get(at), name, 1.0, WHOLE_MAX).map(|id| id as u64)
    }

    pub fn option(&self, at: u32, name: &str) -> Result<JsValue, ApiError> {
        match self.options(at)? {
            Some(options) => Reflect::get(&options, &name.into()).map_err(unreadable),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    fn options(&self, at: u32) -> Result<Option<JsValue>, ApiError> {
        let options = self.0.get(at);
        if options.is_undefined() || options.is_null() {
            return Ok(None);
        }
        if !options.is_object() {
            return Err(ApiError::bad_argument("The options must be an object."));
        }
        Ok(Some(options))
    }

    pub fn whole(
        &self,
        at: u32,
        name: &str,
        least: f64,
        most: f64,
    ) -> Result<Option<f64>, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        whole(&value, name, least, most).map(Some)
    }

    pub fn call(&self, at: u32) -> Result<Call, ApiError> {
        let mut call = Call::default();
        let Some(options) = self.options(at)? else {
            return Ok(call);
        };
        let options: CallOptions = options.unchecked_into();
        let timeout_ms = options.timeout_ms().map_err(unreadable)?;
        if !timeout_ms.is_undefined() {
            call.timeout_ms = whole(&timeout_ms, "timeoutMs", 1.0, TIMEOUT_MS_MAX)?;
        }
        let node = options.node().map_err(unreadable)?;
        if !node.is_undefined() {
            call.node = Some(whole(&node, "node", 1.0, WHOLE_MAX)? as u64);
        }
        let consistency = options.consistency().map_err(unreadable)?;
        call.consistency = match consistency.as_string().as_deref() {
            None if consistency.is_undefined() => Consistency::Linearizable,
            Some("linearizable") => Consistency::Linearizable,
            Some("stale") => Consistency::Stale,
            _ => {
                return Err(ApiError::bad_argument(
                    "consistency must be \"linearizable\" or \"stale\".",
                ));
            }
        };
        Ok(call)
    }

    /// Until when a call may take that is no call for data.
    pub fn deadline(&self, at: u32, default_ms: f64) -> Result<Deadline, ApiError> {
        let timeout_ms = self.whole(at, "timeoutMs", 1.0, TIMEOUT_MS_MAX)?;
        Ok(Deadline::after(timeout_ms.unwrap_or(default_ms)))
    }

    pub fn flag(&self, at: u32, name: &str) -> Result<Option<bool>, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        let wrong = || ApiError::bad_argument(format!("{name} must be true or false."));
        value.as_bool().map(Some).ok_or_else(wrong)
    }

    pub fn choice<T: Copy>(
        &self,
        at: u32,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        let said = value.as_string();
        let found = choices
            .iter()
            .find(|(word, _)| said.as_deref() == Some(word));
        found.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let words: Vec<_> = choices
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            ApiError::bad_argument(format!("{name} must be {}.", words.join(" or ")))
        })
    }

    pub fn blob(&self, at: u32, name: &str) -> Result<web_sys::Blob, ApiError> {
        let blob = self.0.get(at).dyn_into();
        blob.map_err(|_| ApiError::bad_argument(format!("{name} must be a Blob or a File.")))
    }

    pub fn disk_fault(&self, at: u32) -> Result<DiskFault, ApiError> {
        self.know(at, &["delayMs", "failNext", "full"])?;
        Ok(DiskFault {
            delay_ms: self.number(at, "delayMs", 60_000.0)?,
            fail_next: self.whole(at, "failNext", 0.0, 1e6)?.unwrap_or(0.0) as u32,
            full: self.flag(at, "full")?.unwrap_or(false),
        })
    }

    pub fn change(&self, at: u32) -> Result<Change, ApiError> {
        const NAMES: [&str; 9] = [
            "snapshotEntries",
            "snapshotBytes",
            "catchupEntries",
            "salvage",
            "succession",
            "revive",
            "sitOutTicks",
            "stepDownTicks",
            "reopenTicks",
        ];
        self.know(at, &NAMES)?;
        let whole = |name| {
            let number = self.whole(at, name, 0.0, WHOLE_MAX)?;
            Ok::<_, ApiError>(number.map(|number| number as u64))
        };
        let revive = [
            ("auto", Revive::Auto),
            ("all", Revive::All),
            ("manual", Revive::Manual),
        ];
        Ok(Change {
            snapshot_entries: whole("snapshotEntries")?,
            snapshot_bytes: whole("snapshotBytes")?,
            catchup_entries: whole("catchupEntries")?,
            salvage: self.flag(at, "salvage")?,
            succession: self.flag(at, "succession")?,
            revive: self.choice(at, "revive", &revive)?,
            sit_out_ticks: whole("sitOutTicks")?,
            step_down_ticks: whole("stepDownTicks")?,
            reopen_ticks: whole("reopenTicks")?,
        })
    }

    /// An option that nobody knows is likely a misspelt one.
    pub fn know(&self, at: u32, names: &[&str]) -> Result<(), ApiError> {
        let options = self.0.get(at);
        if !options.is_object() {
            return Ok(());
        }
        // An object of another frame, or of a debugger, is no instance of this one's Object.
        let options: &Object = options.unchecked_ref();
        for name in Object::keys(options)
            .iter()
            .filter_map(|name| name.as_string())
        {
            if !names.contains(&name.as_str()) {
                return Err(ApiError::bad_argument(format!(
                    "There is no option {name}. There are: {}.",
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn number(&self, at: u32, name: &str, most: f64) -> Result<f64, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(0.0);
        }
        let number = value.as_f64().filter(|n| (0.0..=most).contains(n));
        number.ok_or_else(|| {
            ApiError::bad_argument(format!("{name} must be a number from 0 to {most}."))
        })
    }

    /// A number above 0, not only a whole one.
    pub fn positive(&self, at: u32, name: &str, most: f64) -> Result<Option<f64>, ApiError> {
        let value = self.option(at, name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        let number = value.as_f64().filter(|n| *n > 0.0 && *n <= most);
        number.map(Some).ok_or_else(|| {
            ApiError::bad_argument(format!("{name} must be a number above 0, up to {most}."))
        })
    }

    pub fn groups(&self, at: u32) -> Result<Vec<Vec<u64>>, ApiError> {
        let wrong =
            || ApiError::bad_argument("partition takes groups of node ids, such as [[1], [2, 3]].");
        let mut seen = Vec::new();
        let groups = self.0.get(at);
        let groups = groups.dyn_ref::<Array>().ok_or_else(wrong)?;
        let mut found = Vec::new();
        for group in groups.iter() {
            let mut ids = Vec::new();
            for id in group.dyn_ref::<Array>().ok_or_else(wrong)?.iter() {
                let id = whole(&id, "id", 1.0, WHOLE_MAX)? as u64;
                if seen.contains(&id) {
                    return Err(ApiError::bad_argument(format!(
                        "Node {id} is in two groups at once."
                    )));
                }
                seen.push(id);
                ids.push(id);
            }
            found.push(ids);
        }
        Ok(found)
    }

    pub fn fault(&self, at: u32) -> Result<LinkFault, ApiError> {
        Ok(LinkFault {
            loss_pct: self.number(at, "lossPct", 100.0)?,
            duplicate_pct: self.number(at, "duplicatePct", 100.0)?,
            delay_ms: self.number(at, "delayMs", 60_000.0)?,
            jitter_ms: self.number(at, "jitterMs", 60_000.0)?,
        })
    }
}

fn unreadable(error: JsValue) -> ApiError {
    ApiError::browser("The options could not be read", &error)
}

fn whole(value: &JsValue, name: &str, least: f64, most: f64) -> Result<f64, ApiError> {
    let number = value.as_f64();
    number
        .filter(|n| n.fract() == 0.0 && (least..=most).contains(n))
        .ok_or_else(|| {
            ApiError::bad_argument(format!(
                "{name} must be a whole number from {least} to {most}."
            ))
        })
}
