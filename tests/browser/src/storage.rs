//! The databases of an origin, read by JavaScript of the tests' own, past tabraft; and what the
//! browser itself writes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::tab::Tab;

/// By object store: keys, and values or a hash of their bytes.
pub type Rows = BTreeMap<String, Vec<(String, String)>>;

/// The names of all databases, but of the one that is there for a moment.
pub async fn databases(tab: &Tab) -> Result<Vec<String>> {
    let look = "return (await indexedDB.databases()).map((it) => it.name)
          .filter((it) => it !== 'tabraft-rotation').sort()";
    tab.eval(look, Value::Null).await
}

/// All that a replica has stored.
pub async fn replica(tab: &Tab, node: u64) -> Result<Rows> {
    read(tab, &database_of(tab, node).await?, false).await
}

/// The same, and in the same transaction raises the epoch, as another host's opening does: whoever
/// had it open before must not write any more.
pub async fn claim(tab: &Tab, node: u64) -> Result<Rows> {
    read(tab, &database_of(tab, node).await?, true).await
}

/// What the origin knows of a cluster.
pub async fn registry(tab: &Tab, cluster: &str) -> Result<Rows> {
    read(tab, &format!("tabraft:{cluster}"), false).await
}

/// How many rows a store has.
pub fn count(rows: &Rows, store: &str) -> usize {
    rows.get(store).map_or(0, Vec::len)
}

pub fn epoch(rows: &Rows) -> Result<u64> {
    let owner = rows.get("owner").context("no owner")?;
    let (_, epoch) = owner.first().context("no epoch")?;
    Ok(epoch.parse()?)
}

async fn database_of(tab: &Tab, node: u64) -> Result<String> {
    let cluster = tab.status().await?.cluster;
    Ok(format!("tabraft:{cluster}:{node}"))
}

async fn read(tab: &Tab, name: &str, raise: bool) -> Result<Rows> {
    let args = json!({ "name": name, "raise": raise });
    let found = tab.eval(include_str!("storage.js"), args).await;
    found.with_context(|| format!("reading the database {name}"))
}

impl Browser {
    /// Files that tell how Chromium's databases fared: its own log, and those of each LevelDB.
    pub fn storage_logs(&self) -> Vec<PathBuf> {
        let origins = std::fs::read_dir(self.profile().join("Default/IndexedDB"));
        let origins = origins.into_iter().flatten().flatten();
        let logs = origins.flat_map(|it| ["LOG", "LOG.old"].map(|name| it.path().join(name)));
        logs.chain([self.own_log()])
            .filter(|it| it.is_file())
            .collect()
    }

    /// What the browser said of its own databases since it was started: why it deleted one, say.
    pub fn storage_complaints(&self) -> Vec<String> {
        // Firefox writes no such file.
        let text = std::fs::read(self.own_log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let says = |line: &&str| {
            let words = ["IndexedDB", "leveldb", "Quota"];
            words.iter().any(|it| line.contains(it))
        };
        text.lines().filter(says).map(str::to_owned).collect()
    }

    fn own_log(&self) -> PathBuf {
        self.profile().join("chrome_debug.log")
    }
}
