//! The leader killed with -9, with a client that was already writing.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::rpc;
use super::trio::Trio;
use crate::options::Options;

/// Between two attempts, and how long each may take: etcd holds a write that it took for a leader
/// who is gone for seconds, so the client tries anew all the time.
const EVERY: Duration = Duration::from_millis(5);
const ATTEMPT: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(30);

/// From each kill to the first write that was begun after it and acknowledged, in milliseconds.
/// The client writes to both survivors, so that it need not find out who leads.
pub async fn failover(options: &Options) -> Result<Vec<f64>> {
    let mut trio = Trio::start().await?;
    let mut all = vec![];
    // An election by timeout takes a second or two, so fewer will do.
    for n in 0..options.kills.min(50) {
        let leader = trio.leader().await?;
        let mut channels = vec![];
        for at in (0..3).filter(|at| *at != leader) {
            channels.push(trio.connect(at).await?);
        }
        for channel in &channels {
            rpc::put(channel, b"failover".to_vec(), b"before".to_vec()).await?;
        }
        let began = Instant::now();
        trio.kill(leader).await?;
        let mut attempts = JoinSet::new();
        let mut ticks = tokio::time::interval(EVERY);
        let after = loop {
            ensure!(began.elapsed() < DEADLINE, "etcd does not go on");
            tokio::select! {
                _ = ticks.tick() => for channel in &channels {
                    let (channel, value) = (channel.clone(), format!("{n}:{:?}", SystemTime::now()));
                    let put = async move {
                        rpc::put(&channel, b"failover".to_vec(), value.into_bytes()).await
                    };
                    attempts.spawn(tokio::time::timeout(ATTEMPT, put));
                },
                Some(attempt) = attempts.join_next() => {
                    if let Ok(Ok(Ok(()))) = attempt {
                        break began.elapsed();
                    }
                }
            }
        };
        all.push(after.as_secs_f64() * 1e3);
        attempts.shutdown().await;
        trio.run(leader)?;
    }
    trio.end().await?;
    Ok(all)
}
