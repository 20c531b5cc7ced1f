//! What a case is given: a server, browsers, cluster names; and what is kept when it fails.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::browser::{Browser, Kind};
use crate::ensure_kept;
use crate::server::{MOUNT, Server};
use crate::tab::Tab;

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// The release build to test.
pub fn dist() -> PathBuf {
    std::env::var_os("TABRAFT_DIST").map_or_else(|| workspace().join("dist"), PathBuf::from)
}

/// For one piece of evidence from a tab that may not answer.
const EVIDENCE: Duration = Duration::from_secs(10);

pub struct Case {
    pub name: String,
    pub server: Server,
    pub browser: Arc<Browser>,
    /// Tabs opened so far, for the screenshots of a failure.
    tabs: Mutex<Vec<Tab>>,
    folder: TempDir,
}

impl Case {
    pub async fn start(name: &str, kind: Kind) -> Result<Self> {
        Self::start_with(name, async |folder| Browser::start(kind, folder).await).await
    }

    /// In a browser that is traced.
    pub async fn start_traced(name: &str) -> Result<Self> {
        Self::start_with(name, Browser::start_traced).await
    }

    async fn start_with(
        name: &str,
        browser: impl AsyncFnOnce(&Path) -> Result<Arc<Browser>>,
    ) -> Result<Self> {
        let server = Server::start(&dist(), MOUNT).await?;
        let folder = tempfile::Builder::new()
            .prefix("tabraft-browser-")
            .tempdir()?;
        let browser = browser(folder.path()).await?;
        Ok(Self {
            name: name.to_owned(),
            server,
            browser,
            tabs: Mutex::default(),
            folder,
        })
    }

    pub fn kind(&self) -> Kind {
        self.browser.kind
    }

    /// The page's URL for a cluster of this case; `query` continues the query, as `&host=1`.
    pub fn url(&self, cluster: &str, query: &str) -> String {
        let case = self.name.replace('_', "-");
        self.server
            .page(&format!("?cluster={case}-{cluster}{query}"))
    }

    /// Opens the page in a tab of its own and waits until it knows its cluster.
    pub async fn open(&self, cluster: &str, query: &str) -> Result<Tab> {
        self.open_at(&self.url(cluster, query)).await
    }

    /// The same for any address of the page.
    pub async fn open_at(&self, url: &str) -> Result<Tab> {
        let tab = Tab::open_blank(&self.browser).await?;
        self.keep(&tab);
        tab.browser.driver_at(&tab.window).await?.goto(url).await?;
        tab.ready()
            .await
            .with_context(|| format!("opening {url}"))?;
        Ok(tab)
    }

    /// A tab for one replica.
    pub async fn open_host(&self, cluster: &str, query: &str, id: u64) -> Result<Tab> {
        self.open(cluster, &format!("{query}&host={id}")).await
    }

    /// A folder for files, deleted with the case.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One tab for each of three replicas, in the order of their ids, with a leader. `query`
    /// continues the query of each.
    pub async fn open_three(&self, cluster: &str, query: &str) -> Result<[Tab; 3]> {
        let query = &format!("&nodes=3{query}");
        let one = self.open_host(cluster, query, 1).await?;
        let two = self.open_host(cluster, query, 2).await?;
        let three = self.open_host(cluster, query, 3).await?;
        three.healthy(3).await?;
        Ok([one, two, three])
    }

    /// Counts a tab that the page opened by itself among the case's.
    pub fn keep(&self, tab: &Tab) {
        self.tabs
            .lock()
            .unwrap_or_else(|it| it.into_inner())
            .push(tab.clone());
    }

    /// What holds at the end of every case: nothing printed an error, panicked or was missing.
    pub async fn ensure_clean(&self) -> Result<()> {
        let errors = self.server.errors();
        ensure_kept!(errors.is_empty(), "console errors: {errors:#?}");
        let missing = self.server.missing();
        ensure_kept!(missing.is_empty(), "404: {missing:?}");
        let severe = self.severe().await?;
        ensure_kept!(severe.is_empty(), "in the browser's log: {severe:#?}");
        Ok(())
    }

    /// Forgets the errors so far: for the case that errs on purpose.
    pub async fn forget_errors(&self) -> Result<()> {
        self.server.forget();
        // Read is forgotten.
        self.severe().await.map(drop)
    }

    /// The same, of what could not be reached while the server was off, and of nothing else.
    pub async fn forget_unreachable(&self) -> Result<()> {
        let severe = self.severe().await?.into_iter();
        let other: Vec<_> = severe
            .filter(|it| !it.contains("net::ERR_CONNECTION_REFUSED"))
            .collect();
        ensure_kept!(other.is_empty(), "in the browser's log: {other:#?}");
        Ok(())
    }

    /// Errors that only Chromium's own log has, such as what its network stack says.
    async fn severe(&self) -> Result<Vec<String>> {
        if self.kind() != Kind::Chromium {
            return Ok(vec![]);
        }
        let log = self.browser.driver().await?.browser_log().await?;
        Ok(log
            .into_iter()
            .filter(|it| it.level == "SEVERE")
            .map(|it| it.message)
            .collect())
    }

    /// Keeps what helps to find out why it failed. Returns the folder.
    pub async fn keep_evidence(&self) -> Result<PathBuf> {
        let name = format!("{}-{}", self.kind().name(), self.name);
        let folder = workspace().join("target/browser-failures").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let mut console = String::new();
        for line in self.server.lines() {
            console += &format!("{} [{}] {}\n", line.level, line.origin, line.text);
        }
        for path in self.server.missing() {
            console += &format!("404 {path}\n");
        }
        std::fs::write(folder.join("console.log"), console)?;
        let _ = std::fs::copy(self.browser.driver_log(), folder.join("driver.log"));
        for (n, log) in self.browser.storage_logs().iter().enumerate() {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            let _ = std::fs::copy(log, folder.join(format!("storage-{n}-{name}")));
        }

        let tabs = self
            .tabs
            .lock()
            .unwrap_or_else(|it| it.into_inner())
            .clone();
        // A tab that was closed or killed has none.
        for (n, tab) in tabs.iter().enumerate() {
            let path = folder.join(format!("tab-{}.png", n + 1));
            let _ = tokio::time::timeout(EVIDENCE, tab.screenshot(&path)).await;
        }
        // A page that hangs would keep the driver, and the other tabs, waiting.
        if let Ok(driver) = self.browser.driver().await {
            let _ = driver.set_script_timeout(EVIDENCE / 2).await;
        }
        for (n, tab) in tabs.iter().enumerate() {
            let look = "return { url: location.href, status: await tabraft.status(), \
                        events: await tabraft.events({}) }";
            let state = tab.run(look, serde_json::Value::Null);
            let text = match tokio::time::timeout(EVIDENCE, state).await {
                Ok(Ok(state)) => serde_json::to_string_pretty(&state)?,
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "no answer".to_owned(),
            };
            std::fs::write(folder.join(format!("tab-{}.json", n + 1)), text)?;
        }
        Ok(folder)
    }

    /// Ends the browser and deletes its profile.
    pub async fn end(self) -> Result<()> {
        if self.browser.driver().await.is_ok() {
            self.browser.kill().await?;
        }
        Ok(self.folder.close()?)
    }
}
