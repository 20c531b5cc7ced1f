//! One request to one endpoint.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestInit, RequestMode, Response,
};

use super::json::Json;
use crate::model::ApiError;

/// The longest answer that is read, in bytes.
const ANSWER_MAX: u32 = 32 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// None came in time.
    Time,
    /// There was no connection, or it broke. Browsers do not tell which, nor what was wrong.
    Connection,
    /// What came is no JSON, under this status.
    Strange(u16),
    /// More came than is read.
    Large,
}

/// An answer: whether its status says that all is well, and its body.
pub struct Reply {
    pub is_ok: bool,
    pub body: Json,
}

/// Posts JSON and awaits JSON.
pub async fn post(url: &str, body: &str, token: Option<&str>, ms: f64) -> Result<Reply, Lost> {
    let (response, timer) = ask(url, Some(body), token, RequestMode::Cors, ms).await?;
    read(response, &timer).await
}

/// Gets JSON.
pub async fn get(url: &str, ms: f64) -> Result<Reply, Lost> {
    let (response, timer) = ask(url, None, None, RequestMode::Cors, ms).await?;
    read(response, &timer).await
}

/// Whether anything answers there, be this page allowed to read it or not.
pub async fn answers(url: &str, ms: f64) -> bool {
    ask(url, None, None, RequestMode::NoCors, ms).await.is_ok()
}

/// Posts JSON; what is answered has no end. Aborted by whoever has the controller.
pub async fn open(
    url: &str,
    body: &str,
    token: Option<&str>,
    end: &AbortController,
) -> Option<Response> {
    let init = request(Some(body), token, RequestMode::Cors, end).ok()?;
    let response = start(url, &init).await.ok()?;
    response.ok().then_some(response)
}

/// Aborts a request unless it is dropped before.
struct Timer {
    is_over: Rc<Cell<bool>>,
    _timeout: Timeout,
}

impl Timer {
    fn lost(&self) -> Lost {
        match self.is_over.get() {
            true => Lost::Time,
            false => Lost::Connection,
        }
    }
}

async fn ask(
    url: &str,
    body: Option<&str>,
    token: Option<&str>,
    mode: RequestMode,
    ms: f64,
) -> Result<(Response, Timer), Lost> {
    let controller = AbortController::new().map_err(|_| Lost::Connection)?;
    let init = request(body, token, mode, &controller).map_err(|_| Lost::Connection)?;
    let is_over = Rc::new(Cell::new(false));
    let over = is_over.clone();
    let timer = Timer {
        is_over,
        _timeout: Timeout::new(ms.max(1.0) as u32, move || {
            over.set(true);
            controller.abort();
        }),
    };
    match start(url, &init).await {
        Ok(response) => Ok((response, timer)),
        Err(_) => Err(timer.lost()),
    }
}

fn request(
    body: Option<&str>,
    token: Option<&str>,
    mode: RequestMode,
    controller: &AbortController,
) -> Result<RequestInit, JsValue> {
    let init = RequestInit::new();
    init.set_mode(mode);
    init.set_signal(Some(&controller.signal()));
    if let Some(body) = body {
        let headers = Headers::new()?;
        // Not a content type of forms: so the browser asks whether this page may write at all
        // before it sends a byte.
        headers.set("content-type", "application/json")?;
        if let Some(token) = token {
            headers.set("authorization", token)?;
        }
        init.set_method("POST");
        init.set_headers(&headers);
        init.set_body(&body.into());
    }
    // Nothing of this origin's goes there, and nothing of it stays in a cache.
    init.set_credentials(web_sys::RequestCredentials::Omit);
    init.set_cache(web_sys::RequestCache::NoStore);
    Ok(init)
}

async fn start(url: &str, init: &RequestInit) -> Result<Response, JsValue> {
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let response = JsFuture::from(window.fetch_with_str_and_init(url, init)).await?;
    response.dyn_into()
}

async fn read(response: Response, timer: &Timer) -> Result<Reply, Lost> {
    let strange = |_| Lost::Strange(response.status());
    let mut pieces = Pieces::of(&response).ok_or_else(|| strange(()))?;
    let mut text = Vec::new();
    while let Some(piece) = pieces.next().await.map_err(|_| timer.lost())? {
        if text.len() as u32 + piece.length() > ANSWER_MAX {
            pieces.end();
            return Err(Lost::Large);
        }
        text.extend(piece.to_vec());
    }
    let text = String::from_utf8(text).map_err(|_| strange(()))?;
    let parsed = js_sys::JSON::parse(&text).map_err(|_| strange(()))?;
    Ok(Reply {
        is_ok: response.ok(),
        body: Json::new(parsed),
    })
}

/// What is answered, as it comes.
pub struct Pieces(ReadableStreamDefaultReader);

impl Pieces {
    pub fn of(response: &Response) -> Option<Self> {
        let reader = response.body()?.get_reader().dyn_into();
        reader.ok().map(Self)
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or was aborted.
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, JsValue> {
        let piece = JsFuture::from(self.0.read()).await?;
        match Reflect::get(&piece, &"done".into())?.is_truthy() {
            true => Ok(None),
            false => Reflect::get(&piece, &"value".into())?.dyn_into().map(Some),
        }
    }

    /// Has nothing more sent.
    fn end(&self) {
        // Whether the other side hears of it does not matter here.
        drop(self.0.cancel());
    }
}

impl Lost {
    /// Of a request that may have had an effect.
    pub fn unknown(&self, url: &str, ms: f64) -> ApiError {
        let what = match self {
            Self::Time => format!("{url} did not answer within {ms:.0} ms"),
            Self::Connection => format!("The connection to {url} broke"),
            Self::Strange(status) => format!("{url} answered with status {status} and no JSON"),
            Self::Large => format!("{url} answered with more than {} MiB", ANSWER_MAX >> 20),
        };
        ApiError::new("TIMEOUT", format!("{what}; the outcome is unknown."))
    }
}
