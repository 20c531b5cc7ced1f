//! Serves the release build to one case, on a port of its own and so on an origin of its own.
//!
//! The build is served under [`MOUNT`], never at the root, so that an absolute URL anywhere in it
//! is a 404, and no case ends well with a 404. Browsers also post here what has to survive them:
//! a write counts as acknowledged when this server has heard of it.
//!
//! The build is served without its number, and so no browser keeps it; a case about that has a
//! [`crate::build`] served, and switches the server off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};

use crate::build::numberless;
use crate::wait::{SOON, eventually};

/// Where the page lies unless a case wants it elsewhere.
pub const MOUNT: &str = "/some/where/";

pub const COLLECTOR: &str = include_str!("collector.js");

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

/// A folder, and whether it is served as it is.
#[derive(Clone)]
struct Site {
    folder: PathBuf,
    as_it_is: bool,
}

struct Shared {
    site: Mutex<Site>,
    mount: String,
    heard: Mutex<Heard>,
    /// Scripts of the case's own, by name.
    scripts: Mutex<BTreeMap<String, String>>,
}

pub struct Server {
    shared: Arc<Shared>,
    port: u16,
    /// Its own, so that it ends with all connections; nothing while it is switched off.
    runtime: Mutex<Option<Runtime>>,
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
            site: Mutex::new(Site {
                folder: dist.to_owned(),
                as_it_is: false,
            }),
            mount: mount.to_owned(),
            heard: Mutex::default(),
            scripts: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let runtime = Mutex::new(Some(serve(&shared, listener)?));
        Ok(Self {
            shared,
            port,
            runtime,
        })
    }

    /// From now on serves a build that a case has made, as it is.
    pub fn serve_build(&self, folder: &Path) {
        *locked(&self.shared.site) = Site {
            folder: folder.to_owned(),
            as_it_is: true,
        };
    }

    /// Ends, with all connections, until it is switched on.
    pub async fn switch_off(&self) -> Result<()> {
        if let Some(runtime) = locked(&self.runtime).take() {
            runtime.shutdown_background();
        }
        eventually("the server to end", SOON, async || {
            let connected = TcpStream::connect(("127.0.0.1", self.port)).await;
            ensure!(connected.is_err(), "it still accepts");
            Ok(())
        })
        .await
    }

    /// Serves again, on the same port.
    pub async fn switch_on(&self) -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        *locked(&self.runtime) = Some(serve(&self.shared, listener)?);
        Ok(())
    }

    /// Serves a script of the case's own. Returns its path.
    pub fn script(&self, name: &str, text: String) -> String {
        locked(&self.shared.scripts).insert(name.to_owned(), text);
        format!("/_harness/script/{name}")
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
        look(&mut locked(&self.shared.heard))
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
        if let Some(runtime) = locked(&self.runtime).take() {
            runtime.shutdown_background();
        }
    }
}

fn serve(shared: &Arc<Shared>, listener: TcpListener) -> Result<Runtime> {
    let routes = Router::new()
        .route("/_harness/console", post(hear_line))
        .route("/_harness/acked/{load}", post(hear_acked))
        .route("/_harness/told/{name}", post(hear_told))
        .route("/_harness/blank", get(blank))
        .route("/_harness/script/{name}", get(serve_script))
        .fallback(serve_file)
        .layer(DefaultBodyLimit::max(16 << 20))
        .with_state(shared.clone());
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = listener.into_std()?;
    runtime.spawn(async move {
        match TcpListener::from_std(listener) {
            // Serves until its runtime ends.
            Ok(listener) => drop(axum::serve(listener, routes).await),
            Err(error) => eprintln!("the server has no socket: {error}"),
        }
    });
    Ok(runtime)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|it| it.into_inner())
}

async fn hear_line(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let Ok(line) = serde_json::from_slice::<Line>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut heard = locked(&shared.heard);
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
    let mut heard = locked(&shared.heard);
    heard.acked.entry(load).or_default().extend(acked);
    StatusCode::NO_CONTENT
}

async fn hear_told(
    State(shared): State<Arc<Shared>>,
    extract::Path(name): extract::Path<String>,
    told: String,
) -> StatusCode {
    let mut heard = locked(&shared.heard);
    heard.told.entry(name).or_default().push(told);
    StatusCode::NO_CONTENT
}

async fn blank() -> Html<String> {
    Html(format!(
        "<!doctype html><link rel=icon href=data:><script>{COLLECTOR}</script>"
    ))
}

async fn serve_script(
    State(shared): State<Arc<Shared>>,
    extract::Path(name): extract::Path<String>,
    uri: Uri,
) -> Response {
    let script = match name.as_str() {
        "collector.js" => Some(COLLECTOR.to_owned()),
        "clock.js" => Some(include_str!("clock.js").to_owned()),
        name => locked(&shared.scripts).get(name).cloned(),
    };
    match script {
        Some(script) => (headers(&name), script).into_response(),
        None => missing(&shared, &uri),
    }
}

async fn serve_file(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let asked = uri.path().strip_prefix(&shared.mount);
    let name = match asked {
        Some("") => "index.html",
        Some(name) if !name.split('/').any(|part| part == "..") => name,
        _ => return missing(&shared, &uri),
    };
    let Site { folder, as_it_is } = locked(&shared.site).clone();
    let Ok(mut bytes) = tokio::fs::read(folder.join(name)).await else {
        return missing(&shared, &uri);
    };
    if name == "index.html" && !as_it_is {
        let collected = with_collector(&bytes, "/_harness/script/collector.js");
        match collected.and_then(|page| numberless(&page)) {
            Ok(page) => bytes = page.into_bytes(),
            Err(error) => {
                return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
            }
        }
    } else if name == "worker_loader.js" && !as_it_is {
        bytes = [COLLECTOR.as_bytes(), b"\n", &bytes].concat();
    }
    locked(&shared.heard).served.push(name.to_owned());
    (headers(name), bytes).into_response()
}

fn headers(name: &str) -> [(HeaderName, &'static str); 2] {
    [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, "no-cache"),
    ]
}

fn missing(shared: &Shared, uri: &Uri) -> Response {
    locked(&shared.heard).missing.push(uri.to_string());
    StatusCode::NOT_FOUND.into_response()
}

/// The page with the collector before everything else, as a file: the page allows nothing inline.
pub fn with_collector(page: &[u8], path: &str) -> Result<String> {
    let page = std::str::from_utf8(page)?;
    let (before, after) = page
        .split_once("<head>")
        .context("index.html has no <head>")?;
    Ok(format!(
        "{before}<head><script src=\"{path}\"></script>{after}"
    ))
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
