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
    method: &'static str,
    _replaced: Replaced,
}

impl Counted {
    pub async fn calls(class: &str, method: &'static str) -> Self {
        // A test that failed has put nothing back: the first original is the browser's.
        let put = format!(
            "const kept = (self.kept_ ??= {{}});
             const original = (kept.{method} ??= {class}.prototype.{method});
             const calls = (self.calls_ ??= {{}});
             calls.{method} = 0;
             {class}.prototype.{method} = function (...args) {{
                 calls.{method} += 1;
                 return original.apply(this, args);
             }};"
        );
        let put_back = format!("{class}.prototype.{method} = self.kept_.{method}");
        Self {
            method,
            _replaced: Replaced::by(&put, put_back).await,
        }
    }

    /// How many there were since this was asked last.
    pub fn take(&self) -> u32 {
        let calls = format!("self.calls_.{}", self.method);
        let count = js_sys::eval(&calls).ok().and_then(|count| count.as_f64());
        js_sys::eval(&format!("{calls} = 0")).expect("set back");
        count.expect("a count") as u32
    }
}
