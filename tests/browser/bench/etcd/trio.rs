//! Three etcd processes on loopback, as Debian has them and with etcd's own defaults.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tabraft_browser_tests::wait::eventually;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use super::rpc;

const SOON: Duration = Duration::from_secs(30);

struct Member {
    process: Option<Child>,
    client_port: u16,
    peer_port: u16,
}

pub struct Trio {
    members: Vec<Member>,
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
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tabraft-etcd-").tempdir()?;
        // All held at once, so that they are different.
        let mut held = vec![];
        for _ in 0..6 {
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
            folder,
        };
        for at in 0..3 {
            trio.run(at)?;
        }
        trio.leader().await?;
        Ok(trio)
    }

    /// Starts a member, or starts it again on what it has stored.
    pub fn run(&mut self, at: usize) -> Result<()> {
        let peer = |member: &Member| format!("http://127.0.0.1:{}", member.peer_port);
        let all = self.members.iter().enumerate();
        let cluster: Vec<String> = all.map(|(n, it)| format!("n{n}={}", peer(it))).collect();
        let (member, name) = (&self.members[at], format!("n{at}"));
        let client = format!("http://127.0.0.1:{}", member.client_port);
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
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting etcd")?;
        self.members[at].process = Some(process);
        Ok(())
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
            self.kill(at).await?;
        }
        Ok(self.folder.close()?)
    }

    pub async fn connect(&self, at: usize) -> Result<Channel> {
        let url = format!("http://127.0.0.1:{}", self.members[at].client_port);
        Ok(Endpoint::from_shared(url)?
            .tcp_nodelay(true)
            .connect()
            .await?)
    }

    /// Waits until all three run and follow the same leader. Returns its place.
    pub async fn leader(&self) -> Result<usize> {
        eventually("three etcd processes with a leader", SOON, async || {
            let mut leads = None;
            let mut seen = vec![];
            for at in 0..self.members.len() {
                let status = rpc::status(&self.connect(at).await?).await?;
                let me = status.header.context("no header")?.member_id;
                if status.leader == me {
                    leads = Some(at);
                }
                seen.push((status.leader, status.raft_index));
            }
            let (leader, index) = seen[0];
            let same = seen.iter().all(|it| it.0 == leader && leader != 0);
            let behind = seen.iter().any(|it| it.1.abs_diff(index) > 100);
            ensure!(same && !behind, "leaders and indices: {seen:?}");
            leads.context("nobody says that he leads")
        })
        .await
    }
}
