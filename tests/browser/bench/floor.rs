//! The floor: what the browser itself charges for the way of a write, with nothing of ours in it.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;

use crate::cell::{Figures, median};
use crate::options::Options;
use crate::stage::{blank, in_worker};

const LOOP: &str = concat!(include_str!("loop.js"), include_str!("wall.js"));
const ROLES: &str = include_str!("floor.js");

/// Medians, in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// A page to a worker in another tab and back, as a client to a leader.
    pub page_round_trip_ms: f64,
    pub page_round_trip_p99_ms: f64,
    /// A worker to a worker in another tab and back, as a leader to a follower.
    pub worker_round_trip_ms: f64,
    pub worker_round_trip_p99_ms: f64,
    /// One strict transaction with one record, while three workers in three tabs write.
    pub transaction_ms: f64,
    pub transaction_p99_ms: f64,
    /// The three of them, one after the other: the floor of a lone client's put.
    pub sum_ms: f64,
    /// The same way gone in one piece by four tabs: a client, a leader that sends and writes at
    /// once, two followers that write and answer; two of three are enough.
    pub way_ms: f64,
    pub way_p99_ms: f64,
}

pub async fn measure(case: &Case, options: &Options) -> Result<Floor> {
    let mut hosts = vec![];
    for _ in 0..3 {
        hosts.push(blank(case).await?);
    }
    let client = blank(case).await?;
    let source = format!("{LOOP}{ROLES}");

    in_role(&hosts[0], &source, json!({ "role": "echo", "me": "echo" })).await?;
    let task = |role: &str, me: &str, to: &str| json!({ "role": role, "me": me, "to": to, "ms": options.run_ms, "warmMs": options.warm_ms() });
    let (mut page, mut worker, mut transaction, mut way) = (vec![], vec![], vec![], vec![]);
    for n in 0..options.runs {
        let me = format!("worker-{n}");
        worker.push(in_worker::<Figures>(&client, &source, task("ping", &me, "echo")).await?);
        page.push(from_page(&client, task("ping", &format!("page-{n}"), "echo")).await?);
    }
    for _ in 0..options.runs {
        transaction.extend(three_at_once(&hosts, &source, options).await?);
    }
    let leader = json!({ "role": "lead", "me": "host-0", "followers": ["host-1", "host-2"] });
    in_role(&hosts[0], &source, leader).await?;
    for (n, host) in hosts.iter().enumerate().skip(1) {
        let follower = json!({ "role": "follow", "me": format!("host-{n}"), "leader": "host-0" });
        in_role(host, &source, follower).await?;
    }
    for n in 0..options.runs {
        way.push(from_page(&client, task("ping", &format!("client-{n}"), "host-0")).await?);
    }

    let p50 = |all: &[Figures]| median(all.iter().filter_map(|it| it.p50_ms)).unwrap_or(f64::NAN);
    let p99 = |all: &[Figures]| median(all.iter().filter_map(|it| it.p99_ms)).unwrap_or(f64::NAN);
    Ok(Floor {
        page_round_trip_ms: p50(&page),
        page_round_trip_p99_ms: p99(&page),
        worker_round_trip_ms: p50(&worker),
        worker_round_trip_p99_ms: p99(&worker),
        transaction_ms: p50(&transaction),
        transaction_p99_ms: p99(&transaction),
        sum_ms: p50(&page) + p50(&worker) + p50(&transaction),
        way_ms: p50(&way),
        way_p99_ms: p99(&way),
    })
}

/// Starts a role that goes on.
async fn in_role(tab: &Tab, source: &str, task: Value) -> Result<()> {
    in_worker::<Value>(tab, source, task).await?;
    Ok(())
}

/// A role played by the page itself.
async fn from_page(tab: &Tab, task: Value) -> Result<Figures> {
    tab.eval(
        &format!("{LOOP}{ROLES} return roles[args.role](args)"),
        task,
    )
    .await
}

async fn three_at_once(hosts: &[Tab], source: &str, options: &Options) -> Result<Vec<Figures>> {
    const START_MS: u64 = 1_500;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let start_at = now.as_millis() as u64 + START_MS;
    let mut started = vec![];
    for (n, host) in hosts.iter().enumerate() {
        let task = json!({
            "role": "write", "me": format!("host-{n}"), "startAt": start_at,
            "ms": options.run_ms, "warmMs": options.warm_ms(),
        });
        let args = json!({ "source": source, "task": task });
        started.push(host.begin(include_str!("worker.js"), args).await?);
    }
    let mut all = vec![];
    tokio::time::sleep(std::time::Duration::from_millis(START_MS) + options.run()).await;
    for one in started {
        let outcome = one.outcome(options.run() * 2 + std::time::Duration::from_secs(20));
        all.push(serde_json::from_value(outcome.await?)?);
    }
    Ok(all)
}
