//! One browser with a profile of its own, driven through WebDriver, and the ways to kill it.
//!
//! A WebDriver session has one current window: every command takes the session's lock, goes to
//! its window and stays there until it is answered. Going to a tab really hides the others, as a
//! person's click would. A call that may take long is started and then polled (`Tab::begin`).

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::http::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::prelude::*;
use thirtyfour::{Capabilities, RequestData, SessionId, WindowHandle};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

pub use crate::kind::Kind;
use crate::processes;
use crate::trace;
use crate::webkit;

/// A running browser and its driver.
struct Session {
    driver: WebDriver,
    process: Child,
    driver_pid: u32,
    /// The screen of a browser that has no headless mode.
    _display: Option<webkit::Display>,
    /// The window that the browser opened by itself, until a tab takes it.
    first: Option<WindowHandle>,
}

pub struct Browser {
    pub kind: Kind,
    /// See [`crate::trace`].
    traced: bool,
    /// Holds the profile and the driver's log; the case deletes it.
    folder: PathBuf,
    session: Mutex<Option<Session>>,
}

impl Browser {
    pub async fn start(kind: Kind, folder: &Path) -> Result<Arc<Self>> {
        Self::start_as(kind, folder, false).await
    }

    /// Chromium, traced.
    pub async fn start_traced(folder: &Path) -> Result<Arc<Self>> {
        Self::start_as(Kind::Chromium, folder, true).await
    }

    async fn start_as(kind: Kind, folder: &Path, traced: bool) -> Result<Arc<Self>> {
        std::fs::create_dir_all(folder.join("profile"))?;
        let browser = Self {
            kind,
            traced,
            folder: folder.to_owned(),
            session: Mutex::new(None),
        };
        browser.restart().await?;
        Ok(Arc::new(browser))
    }

    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.join("profile")
    }

    pub fn driver_log(&self) -> PathBuf {
        self.folder.join("driver.log")
    }

    /// Starts a killed browser again, on the same profile.
    pub async fn restart(&self) -> Result<()> {
        let mut session = self.session.lock().await;
        if session.is_some() {
            bail!("the browser is running");
        }
        *session = Some(self.launch().await?);
        Ok(())
    }

    async fn launch(&self) -> Result<Session> {
        let display = match self.kind {
            Kind::WebKit => Some(webkit::Display::start().await?),
            _ => None,
        };
        let (mut process, port) = self.start_driver(display.as_ref()).await?;
        let driver_pid = process.id().context("the driver ended at once")?;
        let url = format!("http://127.0.0.1:{port}");
        let capabilities = self.capabilities()?;
        // Long, for a page that compiles WebAssembly on a busy machine.
        let timeout = Duration::from_secs(180);
        let started = WebDriver::builder(url, capabilities)
            .request_timeout(timeout)
            .await;
        let driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                processes::kill(&processes::of_browser(driver_pid, &self.profile())).await?;
                process.kill().await?;
                return Err(error).with_context(|| format!("starting {}", self.kind.name()));
            }
        };
        driver.set_script_timeout(Duration::from_secs(120)).await?;
        let first = Some(driver.window().await?);
        Ok(Session {
            driver,
            process,
            driver_pid,
            _display: display,
            first,
        })
    }

    /// Starts the driver. The port that it chooses may be free for one family of addresses and
    /// taken in the other, and then it ends.
    async fn start_driver(&self, display: Option<&webkit::Display>) -> Result<(Child, u16)> {
        if let Some(display) = display {
            return webkit::start_driver(&self.kind.driver()?, display, &self.driver_log()).await;
        }
        let mut started = self.try_driver().await;
        for _ in 0..2 {
            if started.is_ok() {
                break;
            }
            started = self.try_driver().await;
        }
        started
    }

    /// Starts the driver on a port that it chooses, and reads the port from what it prints.
    async fn try_driver(&self) -> Result<(Child, u16)> {
        let (arguments, marker): (&[&str], &str) = match self.kind {
            Kind::Chromium => (&["--port=0"], "started successfully on port "),
            // System access lets `renderer_of` ask Firefox for its processes.
            Kind::Firefox => (
                &["--port=0", "--websocket-port=0", "--allow-system-access"],
                "Listening on 127.0.0.1:",
            ),
            Kind::WebKit => bail!("it prints no port"),
        };
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.driver_log())?;
        let mut process = Command::new(self.kind.driver()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let find_port = async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, rest)) = line.split_once(marker) {
                    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                    return Ok(digits.parse()?);
                }
            }
            Err(anyhow!("it ended; see {}", self.driver_log().display()))
        };
        let port = tokio::time::timeout(Duration::from_secs(20), find_port)
            .await
            .context("the driver printed no port")?
            .context("the driver did not start")?;
        // Kept reading, or the driver would block on a full pipe.
        tokio::spawn(async move {
            let mut log = tokio::fs::File::from_std(log);
            while let Ok(Some(line)) = lines.next_line().await {
                use tokio::io::AsyncWriteExt;
                let _ = log.write_all(format!("{line}\n").as_bytes()).await;
            }
        });
        Ok((process, port))
    }

    fn capabilities(&self) -> Result<Capabilities> {
        let binary = self.kind.binary()?;
        let profile = self.profile();
        let mut capabilities = match self.kind {
            Kind::Chromium => json!({
                "browserName": "chrome",
                "goog:loggingPrefs": { "browser": "ALL" },
                "goog:chromeOptions": {
                    "binary": binary,
                    // With these two, which chromedriver adds, hidden tabs would run unthrottled,
                    // and nothing would be proved about them.
                    "excludeSwitches": [
                        "disable-background-timer-throttling",
                        "disable-backgrounding-occluded-windows",
                    ],
                    "args": [
                        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                        "--no-first-run", "--disable-background-networking",
                        "--disable-component-update", "--disable-sync",
                        "--disable-dev-shm-usage", "--enable-precise-memory-info",
                        format!("--user-data-dir={}", profile.display()),
                    ],
                },
            }),
            Kind::WebKit => webkit::capabilities(&binary),
            Kind::Firefox => json!({
                "browserName": "firefox",
                "moz:firefoxOptions": {
                    "binary": self.firefox_launcher(&binary)?,
                    "args": ["-profile", profile, "-headless"],
                },
            }),
        };
        if self.traced {
            trace::add_to(&mut capabilities);
        }
        let Value::Object(map) = capabilities else {
            bail!("not an object")
        };
        Ok(Capabilities::from(map))
    }

    /// geckodriver tells Firefox to end as a whole when one of its processes crashes. This starts
    /// Firefox without being told.
    fn firefox_launcher(&self, binary: &Path) -> Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.join("firefox.sh");
        let script = format!(
            "#!/bin/sh\nunset MOZ_CRASHREPORTER_SHUTDOWN\nexec '{}' \"$@\"\n",
            binary.display()
        );
        std::fs::write(&path, script)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// The driver, for this caller alone until the guard is dropped.
    pub async fn driver(&self) -> Result<MappedMutexGuard<'_, WebDriver>> {
        let session = self.session.lock().await;
        MutexGuard::try_map(session, |it| it.as_mut().map(|it| &mut it.driver))
            .map_err(|_| anyhow!("the browser is not running"))
    }

    /// The driver, with `window` in front.
    pub async fn driver_at(
        &self,
        window: &WindowHandle,
    ) -> Result<MappedMutexGuard<'_, WebDriver>> {
        let driver = self.driver().await?;
        driver.switch_to_window(window.clone()).await?;
        Ok(driver)
    }

    /// An empty tab in front of the others, in a process of its own as far as the browser does it.
    pub async fn new_window(&self) -> Result<WindowHandle> {
        let mut session = self.session.lock().await;
        let session = session.as_mut().context("the browser is not running")?;
        if let Some(first) = session.first.take() {
            return Ok(first);
        }
        // A driver whose current tab was killed opens no other.
        for window in session.driver.windows().await? {
            if session.driver.switch_to_window(window).await.is_ok() {
                break;
            }
        }
        session.driver.new_tab().await.context("opening a tab")
    }

    pub async fn windows(&self) -> Result<Vec<WindowHandle>> {
        Ok(self.driver().await?.windows().await?)
    }

    /// All processes of the browser, without its driver.
    pub async fn pids(&self) -> Result<Vec<u32>> {
        let session = self.session.lock().await;
        let session = session.as_ref().context("the browser is not running")?;
        Ok(processes::of_browser(session.driver_pid, &self.profile()))
    }

    /// `kill -9` of every process of the browser, all at once, and then of its driver. The profile
    /// stays; `restart` goes on from it.
    pub async fn kill(&self) -> Result<()> {
        let session = self.session.lock().await.take();
        let Session {
            driver,
            mut process,
            driver_pid,
            ..
        } = session.context("the browser is not running")?;
        // Otherwise its drop would wait for an answer from the dead.
        let _ = driver.leak();
        processes::kill(&processes::of_browser(driver_pid, &self.profile())).await?;
        process.kill().await?;
        // What was being started while the others died.
        processes::kill(&processes::of_browser(driver_pid, &self.profile())).await
    }

    /// The process which renders `window`, and so hosts its workers.
    pub async fn renderer_of(&self, window: &WindowHandle) -> Result<u32> {
        match self.kind {
            Kind::Chromium => self.chromium_renderer_of(window).await,
            Kind::Firefox => self.firefox_renderer_of(window).await,
            Kind::WebKit => bail!("a killed content process of WebKit ends the session"),
        }
    }

    /// Chromium tells how much processor time a tab's process has used, but not its number. So
    /// the tab burns some, until only one of the processes can be the one that tells this figure.
    async fn chromium_renderer_of(&self, window: &WindowHandle) -> Result<u32> {
        const TICK: Duration = Duration::from_millis(25);
        let pids = self.pids().await?;
        let driver = self.driver_at(window).await?;
        let cdp = driver.cdp();
        cdp.send_raw("Performance.enable", json!({"timeDomain": "timeTicks"}))
            .await?;
        let mut candidates = processes::renderers(&pids);
        for round in 0..40 {
            let before = processes::renderers(&pids);
            let metrics = cdp.send_raw("Performance.getMetrics", json!({})).await?;
            let after = processes::renderers(&pids);
            let metrics = metrics["metrics"].as_array().context("no metrics")?;
            let told = metrics.iter().find(|it| it["name"] == "ProcessTime");
            let told = told
                .and_then(|it| it["value"].as_f64())
                .context("no ProcessTime")?;
            let told = Duration::from_secs_f64(told);
            candidates.retain(|pid, _| {
                let (Some(low), Some(high)) = (before.get(pid), after.get(pid)) else {
                    return false;
                };
                *low <= told + TICK && told <= *high + TICK
            });
            match candidates.len() {
                0 => bail!("no renderer has used {told:?}: {after:?}"),
                1 => return candidates.into_keys().next().context("unreachable"),
                _ => {}
            }
            let burn = "const end = performance.now() + arguments[0]; \
                        while (performance.now() < end);";
            driver.execute(burn, vec![json!(60 + round)]).await?;
        }
        bail!("cannot tell which of {:?} it is", candidates.keys())
    }

    async fn firefox_renderer_of(&self, window: &WindowHandle) -> Result<u32> {
        let driver = self.driver_at(window).await?;
        driver.cmd(InContext("chrome")).await?;
        let script = "return gBrowser.selectedBrowser.browsingContext.currentWindowGlobal.osPid";
        let pid = driver.execute(script, vec![]).await;
        driver.cmd(InContext("content")).await?;
        Ok(pid?.convert()?)
    }
}

/// Firefox's own command: whether scripts run in the page or in the browser around it.
#[derive(Debug)]
struct InContext(&'static str);

impl FormatRequestData for InContext {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(Method::POST, format!("/session/{session}/moz/context"))
            .add_body(json!({ "context": self.0 }))
    }
}
