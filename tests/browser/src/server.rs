//! Serves the release build to one case, on a port of its own and so on an origin of its own.
//!
//! The build is served under [`MOUNT`], never at the root, so that an absolute URL anywhere in it
//! is a 404, and no case ends well with a 404. Browsers also post here what has to survive them:
//! a write counts as acknowledged when this server has heard of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

/// Where the page lies unless a case wants it elsewhere.
pub const MOUNT: &str = "/some/where/";

const COLLECTOR: &str = include_str!("collector.js");

/// A line printed in a page or a worker, or an error that nobody caught.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// The page's query, or the worker's name.
    #[serde(rename = "where")]
    pub origin: String,
    pub level: String,
    pub text: String,
}

#[derive(Default)]
struct Heard {
    lines: Vec<Line>,
    missing: Vec<String>,
    served: Vec<String>,
    acked: BTreeMap<String, Vec<(String, String)>>,
    told: BTreeMap<String, Vec<String>>,
}

struct Shared {
    dist: PathBuf,
    mount: String,
    heard: Mutex<Heard>,
}

pub struct Server {
    shared: Arc<Shared>,
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves `dist` under `mount`, which begins and ends with a slash.
    pub async fn start(dist: &Path, mount: &str) -> Result<Self> {
        ensure!(
            dist.join("index.html").is_file(),
            "{} has no index.html: run `make build` first, or set TABRAFT_DIST",
            dist.display()
        );
        let shared = Arc::new(Shared {
            dist: dist.to_owned(),
            mount: mount.to_owned(),
            heard: Mutex::default(),
        });
        let routes = Router::new()
            .route("/_harness/console", post(hear_line))
            .route("/_harness/acked/{load}", post(hear_acked))
            .route("/_harness/told/{name}", post(hear_told))
            .route("/_harness/blank", get(blank))
            .fallback(serve_file)
            .layer(DefaultBodyLimit::max(16 << 20))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            // Serves until the case ends and aborts it.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { shared, port, task })
    }

    /// The page's URL with `query`, which begins with a question mark or is empty.
    pub fn page(&self, query: &str) -> String {
        format!("http://127.0.0.1:{}{}{query}", self.port, self.shared.mount)
    }

    /// A page of the same origin without tabraft.
    pub fn blank(&self) -> String {
        format!("http://127.0.0.1:{}/_harness/blank", self.port)
    }

    fn heard<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(
            &mut self
                .shared
                .heard
                .lock()
                .unwrap_or_else(|it| it.into_inner()),
        )
    }

    /// Everything printed so far, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.heard(|heard| heard.lines.clone())
    }

    /// Console errors, panics and uncaught errors so far.
    pub fn errors(&self) -> Vec<String> {
        let errors = self
            .lines()
            .into_iter()
            .filter(|line| line.level == "error");
        errors
            .map(|line| format!("{}: {}", line.origin, line.text))
            .collect()
    }

    /// Forgets what was printed and missed: for the case that errs on purpose.
    pub fn forget(&self) {
        self.heard(|heard| {
            heard.lines.clear();
            heard.missing.clear();
        });
    }

    /// Paths asked for that are not there.
    pub fn missing(&self) -> Vec<String> {
        self.heard(|heard| heard.missing.clone())
    }

    /// Files served, as paths below the mount.
    pub fn served(&self) -> Vec<String> {
        self.heard(|heard| heard.served.clone())
    }

    /// The writes of a load that were acknowledged, as the load told.
    pub fn acked(&self, load: &str) -> Vec<(String, String)> {
        self.heard(|heard| heard.acked.get(load).cloned().unwrap_or_default())
    }

    /// All that tabs told under a name, in the order in which it came: lines of JSON.
    pub fn told(&self, name: &str) -> Vec<String> {
        self.heard(|heard| heard.told.get(name).cloned().unwrap_or_default())
    }

    /// Pretends that a write was acknowledged: for the proof that a lost one is noticed.
    pub fn pretend_acked(&self, load: &str, key: &str, value: &str) {
        let write = (key.to_owned(), value.to_owned());
        self.heard(|heard| heard.acked.entry(load.to_owned()).or_default().push(write));
    }

    pub fn acked_count(&self, load: &str) -> usize {
        self.heard(|heard| heard.acked.get(load).map_or(0, Vec::len))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear_line(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let Ok(line) = serde_json::from_slice::<Line>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut heard = shared.heard.lock().unwrap_or_else(|it| it.into_inner());
    heard.lines.push(line);
    StatusCode::NO_CONTENT
}

async fn hear_acked(
    State(shared): State<Arc<Shared>>,
    extract::Path(load): extract::Path<String>,
    body: Bytes,
) -> StatusCode {
    let Ok(acked) = serde_json::from_slice::<Vec<(String, String)>>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut heard = shared.heard.lock().unwrap_or_else(|it| it.into_inner());
    heard.acked.entry(load).or_default().extend(acked);
    StatusCode::NO_CONTENT
}

async fn hear_told(
    State(shared): State<Arc<Shared>>,
    extract::Path(name): extract::Path<String>,
    told: String,
) -> StatusCode {
    let mut heard = shared.heard.lock().unwrap_or_else(|it| it.into_inner());
    heard.told.entry(name).or_default().push(told);
    StatusCode::NO_CONTENT
}

async fn blank() -> Html<String> {
    Html(format!(
        "<!doctype html><link rel=icon href=data:><script>{COLLECTOR}</script>"
    ))
}

async fn serve_file(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let asked = uri.path().strip_prefix(&shared.mount);
    let name = match asked {
        Some("") => "index.html",
        Some(name) if !name.split('/').any(|part| part == "..") => name,
        _ => return missing(&shared, &uri),
    };
    let Ok(mut bytes) = tokio::fs::read(shared.dist.join(name)).await else {
        return missing(&shared, &uri);
    };
    if name == "index.html" {
        match with_collector_in_head(&bytes) {
            Ok(page) => bytes = page,
            Err(error) => {
                return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
            }
        }
    } else if name.ends_with("worker_loader.js") {
        bytes = [COLLECTOR.as_bytes(), b"\n", &bytes].concat();
    }
    let mut heard = shared.heard.lock().unwrap_or_else(|it| it.into_inner());
    heard.served.push(name.to_owned());
    let headers = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}

fn missing(shared: &Shared, uri: &Uri) -> Response {
    let mut heard = shared.heard.lock().unwrap_or_else(|it| it.into_inner());
    heard.missing.push(uri.to_string());
    StatusCode::NOT_FOUND.into_response()
}

fn with_collector_in_head(page: &[u8]) -> Result<Vec<u8>> {
    let page = std::str::from_utf8(page)?;
    let (before, after) = page
        .split_once("<head>")
        .context("index.html has no <head>")?;
    Ok(format!("{before}<head><script>{COLLECTOR}</script>{after}").into_bytes())
}

/// Browsers compile a `.wasm` while it streams in only with the right type, and run no module
/// with a wrong one.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript",
        "wasm" => "application/wasm",
        "css" => "text/css",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
