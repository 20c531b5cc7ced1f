//! What a visitor waits for: the download, and a page that has never been here before.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tabraft_browser_tests::case::{Case, dist};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

use crate::cell::median;
use crate::options::Options;
use crate::stage::play;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    pub files: Vec<File>,
    pub brotli_bytes: u64,
    /// From the navigation, with an empty profile, to the first acknowledged write of a new
    /// cluster of three, all in this tab. Files come from loopback, uncompressed.
    pub first_write_ms: f64,
    pub first_writes_ms: Vec<f64>,
}

pub async fn measure(options: &Options) -> Result<Download> {
    let mut files = vec![];
    add(&dist(), &mut files)?;
    let mut first_writes_ms = vec![];
    for _ in 0..options.runs.max(3) {
        first_writes_ms.push(play(first_write).await?);
    }
    Ok(Download {
        brotli_bytes: files.iter().map(|it| it.brotli_bytes).sum(),
        files,
        first_write_ms: median(first_writes_ms.iter().copied()).context("no load")?,
        first_writes_ms,
    })
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub path: PathBuf,
    pub bytes: u64,
    pub brotli_bytes: u64,
}

/// Each file by itself, as a server sends it, at the best quality.
fn add(folder: &Path, files: &mut Vec<File>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, files)?;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let mut packed = vec![];
        let mut writer = brotli::CompressorWriter::new(&mut packed, 1 << 16, 11, 24);
        writer.write_all(&bytes)?;
        drop(writer);
        files.push(File {
            path: path.strip_prefix(dist()).unwrap_or(&path).to_owned(),
            bytes: bytes.len() as u64,
            // A server sends as it is what would grow.
            brotli_bytes: packed.len().min(bytes.len()) as u64,
        });
    }
    Ok(())
}

/// One load. The page's own clock begins with the navigation.
async fn first_write(case: &Case) -> Result<f64> {
    let tab = Tab::open_blank(&case.browser).await?;
    {
        let driver = case.browser.driver_at(&tab.window).await?;
        let script = "let api;\
            Object.defineProperty(window, 'tabraft', {\
              configurable: true,\
              get: () => api,\
              set: (it) => {\
                api = it;\
                api.ready.then(() => api.put('first', '1', { timeoutMs: 30000 })).then(\
                  () => { window.firstWriteMs = performance.now(); });\
              },\
            })";
        let source = json!({ "source": script });
        let cdp = driver.cdp();
        cdp.send_raw("Page.enable", json!({})).await?;
        cdp.send_raw("Page.addScriptToEvaluateOnNewDocument", source)
            .await?;
        driver.goto(case.url("cold", "&nodes=3&host=auto")).await?;
    }
    let first = eventually("the first write", SOON, async || {
        let look = "return window.firstWriteMs ?? null";
        let told: Option<f64> = tab.eval(look, Value::Null).await?;
        told.context("not yet")
    })
    .await?;
    Ok(first)
}
