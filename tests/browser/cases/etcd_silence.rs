//! An etcd whose answers get lost on the way: what took effect is not known, and not done again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;
use tabraft_browser_tests::tab::error_of;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::etcd::{leave, open};

/// What became of the requests to a path.
#[derive(Clone, Copy, Default)]
struct Passed {
    /// Those that etcd was sent.
    on: usize,
    /// How many of the next answers are kept back.
    losing: usize,
}

/// Passes requests on to an etcd, and its answers back, but for those that are to be lost.
#[derive(Clone)]
struct Middleman {
    url: String,
    etcd: String,
    paths: Arc<Mutex<HashMap<String, Passed>>>,
}

impl Middleman {
    async fn start(etcd: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let me = Self {
            url: format!("http://{}", listener.local_addr()?),
            etcd: etcd.replace("http://", ""),
            paths: Arc::default(),
        };
        let serving = me.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let me = serving.clone();
                // Whoever asked may be gone.
                tokio::spawn(async move { drop(me.pass(stream).await) });
            }
        });
        Ok(me)
    }

    fn with<T>(&self, path: &str, look: impl FnOnce(&mut Passed) -> T) -> T {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        look(paths.entry(path.to_owned()).or_default())
    }

    fn lose(&self, path: &str, answers: usize) {
        self.with(path, |it| it.losing = answers);
    }

    fn passed(&self, path: &str) -> usize {
        self.with(path, |it| it.on)
    }

    /// One request of a connection, which ends with its answer.
    async fn pass(&self, mut client: TcpStream) -> Result<()> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                break String::from_utf8(bytes.drain(..end + 4).collect())?;
            }
            ensure!(client.read_buf(&mut bytes).await? > 0, "no request");
        };
        let mut length = 0;
        let mut lines = vec![];
        for line in head.lines().filter(|it| !it.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            match name.to_ascii_lowercase().as_str() {
                "connection" => continue,
                "content-length" => length = value.trim().parse()?,
                _ => {}
            }
            lines.push(line);
        }
        while bytes.len() < length {
            ensure!(client.read_buf(&mut bytes).await? > 0, "half a request");
        }
        let mut words = head.split_whitespace();
        let is_post = words.next() == Some("POST");
        let path = words.next().context("no path")?;
        let is_lost = is_post
            && self.with(path, |it| {
                it.on += 1;
                let is_lost = it.losing > 0;
                it.losing = it.losing.saturating_sub(1);
                is_lost
            });
        let mut etcd = TcpStream::connect(&self.etcd).await?;
        let head = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        etcd.write_all(head.as_bytes()).await?;
        etcd.write_all(&bytes).await?;
        if is_lost {
            etcd.read_to_end(&mut vec![]).await?;
            return Ok(());
        }
        tokio::io::copy(&mut etcd, &mut client).await?;
        Ok(())
    }
}

/// A write whose answer is lost is sent once, and said to be of unknown outcome; the judge takes both
/// for possible. A read is made again. Pairs that are moved are each written once all the same.
pub async fn etcd_answers_lost(case: &Case) -> Result<()> {
    let trio = Trio::of(1, &["--cors=*"]).await?;
    trio.healthy().await?;
    let middle = Middleman::start(&trio.url(0)).await?;
    // Without views nobody else reads.
    let tab = open(case, &format!("{}&view=none", middle.url)).await?;
    tab.put("k", "before").await?;
    for (path, call, arguments, after) in [
        ("/v3/kv/put", "put", json!(["k", "put"]), "put"),
        (
            "/v3/kv/txn",
            "cas",
            json!(["k", "put", "swapped"]),
            "swapped",
        ),
        ("/v3/kv/deleterange", "delete", json!(["k"]), ""),
    ] {
        let sent = middle.passed(path);
        middle.lose(path, 1);
        let error = error_of(tab.call(call, arguments).await)?;
        ensure!(
            error.code == "TIMEOUT" && error.message.contains("the outcome is unknown"),
            "{call}: {error}"
        );
        let sent = middle.passed(path) - sent;
        ensure!(sent == 1, "{call} was sent {sent} times");
        let told = trio.ctl(&["get", "k", "--print-value-only"]).await?;
        ensure!(told.trim() == after, "{call}: {told}");
        let asked = middle.passed("/v3/kv/range");
        middle.lose("/v3/kv/range", 1);
        let found = tab.get("k").await?.unwrap_or_default();
        ensure!(found == after, "{call}: {found}");
        let asked = middle.passed("/v3/kv/range") - asked;
        ensure!(asked == 2, "the read was made {asked} times");
    }
    let verdict = tab.call("check", json!([])).await?;
    ensure!(
        verdict["linearizable"] == true && verdict["leftOut"] == 0,
        "{verdict}"
    );
    leave(case, &[&tab]).await?;

    const PAIRS: u64 = 350;
    let tabs = case.open("main", "&nodes=1&host=auto").await?;
    let fill = "for (let n = 0; n < args; n++) await tabraft.put(`p/${n}`, `value ${n}`)";
    tabs.run(fill, json!(PAIRS)).await?;
    let options = json!([{ "endpoints": middle.url, "prefix": "p/" }]);
    middle.lose("/v3/kv/txn", 3);
    middle.lose("/v3/kv/range", 1);
    let there = tabs.call("exportTo", options.clone()).await?;
    ensure!(there["written"] == PAIRS, "{there}");
    ensure!(
        middle.with("/v3/kv/txn", |it| it.losing) == 0,
        "nothing was lost"
    );
    let found: Value =
        serde_json::from_str(&trio.ctl(&["get", "p/", "--prefix", "-w", "json"]).await?)?;
    let kvs = found["kvs"].as_array().context("no pairs")?;
    ensure!(kvs.len() as u64 == PAIRS, "{} pairs", kvs.len());
    ensure!(kvs.iter().all(|it| it["version"] == 1), "written twice");
    middle.lose("/v3/kv/range", 2);
    let back = tabs.call("importFrom", options).await?;
    ensure!(
        back["written"] == 0 && back["digest"] == there["digest"],
        "{back}"
    );
    case.forget_errors().await?;
    trio.end().await
}
