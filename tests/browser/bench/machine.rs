//! Where and when the figures were taken.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tabraft_browser_tests::case::{Case, workspace};

use crate::stage::play;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub date: String,
    pub processor: String,
    pub processors: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub browser: String,
    pub etcd: Option<String>,
    pub dexie: Option<String>,
    /// The commit that was measured; with a plus if files were changed.
    pub commit: String,
    /// How busy the machine was before it began: processes that ran or waited, over a minute.
    pub load_before: f64,
    pub load_after: f64,
}

impl Machine {
    pub async fn look() -> Result<Self> {
        let browser = play(browser).await?;
        let cpu = read("/proc/cpuinfo");
        let memory = read("/proc/meminfo");
        let kib =
            field(&memory, "MemTotal").and_then(|it| it.split(' ').next()?.parse::<f64>().ok());
        Ok(Self {
            date: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            processor: field(&cpu, "model name").unwrap_or("unknown").to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.unwrap_or(0.0) / f64::from(1 << 20),
            kernel: format!(
                "{} {}",
                std::env::consts::OS,
                read("/proc/sys/kernel/osrelease").trim()
            ),
            browser,
            etcd: crate::etcd::version(),
            dexie: crate::databases::dexie_version(),
            commit: commit(&workspace()),
            load_before: load(),
            load_after: 0.0,
        })
    }
}

async fn browser(case: &Case) -> Result<String> {
    let driver = case.browser.driver().await?;
    let version = driver
        .cdp()
        .send_raw("Browser.getVersion", json!({}))
        .await?;
    Ok(version["product"].as_str().unwrap_or("unknown").to_owned())
}

/// The load of the last minute; 0 where the system does not tell.
pub fn load() -> f64 {
    let text = read("/proc/loadavg");
    text.split(' ')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0.0)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn commit(folder: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .output();
        output
            .ok()
            .and_then(|it| String::from_utf8(it.stdout).ok())
            .unwrap_or_default()
    };
    let plus = if git(&["status", "--porcelain"]).trim().is_empty() {
        ""
    } else {
        "+"
    };
    format!("{}{plus}", git(&["rev-parse", "--short", "HEAD"]).trim())
}
