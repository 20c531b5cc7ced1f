//! gRPC to three etcd processes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tabraft_browser_tests::etcd;
use tabraft_browser_tests::wait::eventually;
use tonic::transport::{Channel, Endpoint};

use super::rpc;

const SOON: Duration = Duration::from_secs(30);
const MEMBERS: usize = 3;

pub struct Trio(etcd::Trio);

impl Trio {
    pub async fn start() -> Result<Self> {
        let trio = Self(etcd::Trio::of(MEMBERS, &[]).await?);
        trio.leader().await?;
        Ok(trio)
    }

    /// Starts a member again on what it has stored.
    pub fn run(&mut self, at: usize) -> Result<()> {
        self.0.run(at)
    }

    /// `kill -9`.
    pub async fn kill(&mut self, at: usize) -> Result<()> {
        self.0.kill(at).await
    }

    pub async fn end(self) -> Result<()> {
        self.0.end().await
    }

    pub async fn connect(&self, at: usize) -> Result<Channel> {
        Ok(Endpoint::from_shared(self.0.url(at))?
            .tcp_nodelay(true)
            .connect()
            .await?)
    }

    /// Waits until all three run and follow the same leader. Returns its place.
    pub async fn leader(&self) -> Result<usize> {
        eventually("three etcd processes with a leader", SOON, async || {
            let mut leads = None;
            let mut seen = vec![];
            for at in 0..MEMBERS {
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
