//! Three etcd processes on loopback, as Debian has them and with etcd's own defaults; started by a
//! case or a measurement, and ended with it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::wait::eventually;

const SOON: Duration = Duration::from_secs(30);

struct Member {
    process: Option<Child>,
    client_port: u16,
    peer_port: u16,
}

pub struct Trio {
    members: Vec<Member>,
    /// More arguments of each.
    more: Vec<String>,
    folder: TempDir,
}

/// What `etcd --version` says, if it is there.
pub fn version() -> Option<String> {
    let output = std::process::Command::new("etcd").arg("--version").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let first = text.lines().next()?;
    Some(first.rsplit(' ').next()?.to_owned())
}

impl Trio {
    /// Starts all three; `more` are further arguments, as `--cors=*`.
    pub async fn start(more: &[&str]) -> Result<Self> {
        Self::of(3, more).await
    }

    /// As many.
    pub async fn of(count: usize, more: &[&str]) -> Result<Self> {
        ensure!(
            version().is_some(),
            "there is no etcd on PATH, which this needs: `web/setup.sh test` installs it"
        );
        let folder = tempfile::Builder::new().prefix("tabraft-etcd-").tempdir()?;
        // All held at once, so that they are different.
        let mut held = vec![];
        for _ in 0..2 * count {
            held.push(std::net::TcpListener::bind("127.0.0.1:0")?);
        }
        let mut ports = vec![];
        for listener in &held {
            ports.push(listener.local_addr()?.port());
        }
        drop(held);
        let members = ports.chunks(2).map(|pair| Member {
            process: None,
            client_port: pair[0],
            peer_port: pair[1],
        });
        let mut trio = Self {
            members: members.collect(),
            more: more.iter().map(|it| (*it).to_owned()).collect(),
            folder,
        };
        for at in 0..trio.members.len() {
            trio.run(at)?;
        }
        Ok(trio)
    }

    /// Starts a member, or starts it again on what it has stored.
    pub fn run(&mut self, at: usize) -> Result<()> {
        let peer = |member: &Member| format!("http://127.0.0.1:{}", member.peer_port);
        let all = self.members.iter().enumerate();
        let cluster: Vec<String> = all.map(|(n, it)| format!("n{n}={}", peer(it))).collect();
        let (member, name) = (&self.members[at], format!("n{at}"));
        let client = self.url(at);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{name}.log")))?;
        let process = Command::new("etcd")
            .args(["--name", &name, "--logger", "zap", "--log-level", "error"])
            .arg("--data-dir")
            .arg(self.folder.path().join(&name))
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args(["--listen-peer-urls", &peer(member)])
            .args(["--initial-advertise-peer-urls", &peer(member)])
            .args(["--initial-cluster", &cluster.join(",")])
            // Values of 64 KiB fill the usual two gigabytes within a minute.
            .args(["--quota-backend-bytes", "8589934592"])
            .args(&self.more)
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting etcd")?;
        self.members[at].process = Some(process);
        Ok(())
    }

    /// Has a member that does not run listen for clients at another port from its next start on.
    pub fn listen_at(&mut self, at: usize, port: u16) {
        self.members[at].client_port = port;
    }

    /// `kill -9`.
    pub async fn kill(&mut self, at: usize) -> Result<()> {
        let process = self.members[at].process.take();
        let mut process = process.context("it does not run")?;
        process.start_kill()?;
        process.wait().await?;
        Ok(())
    }

    pub async fn end(mut self) -> Result<()> {
        for at in 0..self.members.len() {
            if self.members[at].process.is_some() {
                self.kill(at).await?;
            }
        }
        Ok(self.folder.close()?)
    }

    /// Where a member listens for clients.
    pub fn url(&self, at: usize) -> String {
        format!("http://127.0.0.1:{}", self.members[at].client_port)
    }

    /// Where all do, with commas between them.
    pub fn urls(&self) -> String {
        let urls: Vec<_> = (0..self.members.len()).map(|at| self.url(at)).collect();
        urls.join(",")
    }

    /// What `etcdctl` prints, run against all that are there.
    pub async fn ctl(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.urls()])
            .args(arguments)
            .output()
            .await
            .context("there is no etcdctl on PATH: `web/setup.sh test` installs it")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "etcdctl {arguments:?}: {error}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A put of bytes that no command line takes.
    pub async fn put_bytes(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let body = json!({ "key": base64(key), "value": base64(value) }).to_string();
        let address = self.url(0).replace("http://", "");
        let mut stream = TcpStream::connect(&address).await?;
        let head = format!(
            "POST /v3/kv/put HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body.as_str()).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(())
    }

    /// How many keys there are.
    pub async fn count(&self) -> Result<u64> {
        let count = ["get", "", "--prefix", "--limit=1", "-w", "json"];
        let found: Value = serde_json::from_str(&self.ctl(&count).await?)?;
        // Zero is left out.
        Ok(found["count"].as_u64().unwrap_or(0))
    }

    /// Waits until all members answer and one of them leads; its place.
    pub async fn healthy(&self) -> Result<usize> {
        let healthy = eventually("etcd to have a leader", SOON, async || {
            let status = self.ctl(&["endpoint", "status", "-w", "json"]).await?;
            let status: Vec<Value> = serde_json::from_str(&status)?;
            ensure!(status.len() == self.members.len(), "{status:?}");
            let leads = |it: &&Value| {
                let it = &it["Status"];
                it["leader"].as_u64().is_some() && it["leader"] == it["header"]["member_id"]
            };
            let leader = status.iter().find(leads).context("nobody leads")?;
            let at = (0..self.members.len()).find(|at| leader["Endpoint"] == self.url(*at));
            at.context("it is none of them")
        });
        healthy.await.with_context(|| self.complaints())
    }

    /// The last words of each log.
    fn complaints(&self) -> String {
        let logs = (0..self.members.len()).map(|at| {
            let log = self.folder.path().join(format!("n{at}.log"));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            log.lines().next_back().unwrap_or_default().to_owned()
        });
        logs.collect::<Vec<_>>().join("\n")
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, n| {
            bits << 8 | u32::from(*chunk.get(n).unwrap_or(&0))
        });
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n)) as usize & 63];
            text.push(if n <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}
