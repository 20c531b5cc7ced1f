//! JavaScript in the way of what the disk asks the browser for.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Runs JavaScript; `await` is allowed in it.
async fn script(body: &str) -> Result<JsValue, JsValue> {
    let promise = js_sys::eval(&format!("(async () => {{ {body} }})()"))?;
    JsFuture::from(Promise::resolve(&promise)).await
}

pub async fn run(body: &str) -> JsValue {
    script(body).await.expect("the script runs")
}

/// Something of the browser that a script has put something else in the place of. Put back when
/// dropped, so that a failed test does not take the others with it.
pub struct Replaced(String);

impl Replaced {
    pub async fn by(body: &str, put_back: impl Into<String>) -> Self {
        run(body).await;
        Self(put_back.into())
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        js_sys::eval(&self.0).expect("put back");
    }
}

/// Counts the calls of a method from now on.
pub struct Counted {
    _replaced: Replaced,
}

impl Counted {
    pub async fn calls(class: &str, method: &str) -> Self {
        let put = format!(
            "const original = {class}.prototype.{method};
             self.original_ = original;
             self.calls_ = 0;
             {class}.prototype.{method} = function (...args) {{
                 self.calls_ += 1;
                 return original.apply(this, args);
             }};"
        );
        let put_back = format!("{class}.prototype.{method} = self.original_");
        Self {
            _replaced: Replaced::by(&put, put_back).await,
        }
    }

    /// How many there were since this was asked last.
    pub fn take(&self) -> u32 {
        let calls = js_sys::eval("const calls = self.calls_; self.calls_ = 0; calls");
        calls
            .ok()
            .and_then(|calls| calls.as_f64())
            .expect("a count") as u32
    }
}
