//! What WebKitGTK wants besides: a display, since it has no headless mode, and a port that is chosen
//! for its driver, which prints none.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::kind::program;
use crate::wait::eventually;

const STARTED: Duration = Duration::from_secs(20);

/// A screen that nobody sees; it ends when it is dropped.
pub struct Display {
    name: String,
    _process: Child,
}

impl Display {
    pub async fn start() -> Result<Self> {
        let mut process = Command::new(server()?)
            .args(["-displayfd", "1", "-screen", "0", "1400x1000x24"])
            .args(["-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting a display")?;
        let mut lines = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let line = tokio::time::timeout(STARTED, lines.next_line()).await;
        let number = line.context("the display did not start")??;
        let number = number.context("the display ended at once")?;
        Ok(Self {
            name: format!(":{}", number.trim()),
            _process: process,
        })
    }
}

/// The program that is a display without a screen.
pub fn server() -> Result<PathBuf> {
    program("XVFB", &["Xvfb"])
}

/// No such program is on PATH: it stands beside WebKit's libraries.
pub fn mini_browser() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("WEBKIT") {
        return Ok(path.into());
    }
    let folders = ["/usr/lib", "/usr/libexec"].map(Path::new);
    let inner = folders.iter().filter_map(|it| it.read_dir().ok()).flatten();
    let inner = inner.filter_map(|it| Some(it.ok()?.path()));
    let all = inner.chain(folders.map(Path::to_owned));
    let mut places = all.flat_map(|folder| {
        ["webkit2gtk-4.1", "webkit2gtk-4.0", "webkitgtk-6.0"]
            .map(|version| folder.join(version).join("MiniBrowser"))
    });
    places
        .find(|it| it.is_file())
        .context("no MiniBrowser of WebKitGTK: it comes with webkit2gtk-driver and xvfb")
}

pub fn capabilities(binary: &Path) -> Value {
    json!({
        "browserName": "MiniBrowser",
        "webkitgtk:browserOptions": { "binary": binary, "args": ["--automation"] },
    })
}

/// Starts the driver and waits until it listens.
pub async fn start_driver(driver: &Path, display: &Display, log: &Path) -> Result<(Child, u16)> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)?;
    // Free again as soon as it is known.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut process = Command::new(driver)
        .arg(format!("--port={port}"))
        .env("DISPLAY", &display.name)
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    eventually("the driver to listen", STARTED, async || {
        let ended = process.try_wait()?;
        ensure!(ended.is_none(), "it ended: {ended:?}");
        TcpStream::connect(("127.0.0.1", port)).await?;
        Ok(())
    })
    .await?;
    Ok((process, port))
}
