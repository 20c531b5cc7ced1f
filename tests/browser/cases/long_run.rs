//! Two nodes die and are reborn any number of times.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tabraft_browser_tests::browser::Kind;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::chance::Chance;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::processes;
use tabraft_browser_tests::runner::number_from;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

const QUERY: &str = "&nodes=2";
/// Writes acknowledged after a death before it counts as survived: a second or so of them.
const SURVIVED: usize = 150;
/// The least election timeout: a death that is an event is over sooner.
const TIMEOUT_MS: f64 = 500.0;

/// Times without an acknowledged write, one a death, in milliseconds.
#[derive(Default)]
struct Downtimes(Vec<f64>);

impl Downtimes {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied()
    }

    fn and(&self, other: &Self) -> Self {
        Self([&self.0[..], &other.0].concat())
    }
}

impl fmt::Display for Downtimes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let Some(last) = sorted.len().checked_sub(1) else {
            return write!(out, "none");
        };
        let at = |share: f64| sorted[(last as f64 * share).round() as usize];
        write!(
            out,
            "{} times, median {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
            sorted.len(),
            at(0.5),
            at(0.99),
            sorted[last]
        )
    }
}

struct Host {
    tab: Tab,
    pid: u32,
}

struct Run<'a> {
    case: &'a Case,
    client: Tab,
    client_pid: u32,
    hosts: [Host; 2],
    load: Load,
}

/// `KILLS` deaths under constant writes, each of a worker, of the process behind a tab, which is
/// opened again and takes its replica back, or of both tabs. No acknowledged write is lost, each
/// write is answered, and no election timeout has to pass.
pub async fn two_long_run(case: &Case) -> Result<()> {
    let usual = match case.kind() {
        Kind::Chromium => 20,
        Kind::Firefox | Kind::WebKit => 8,
    };
    let kills = number_from("KILLS", usual)?;
    let mut chance = Chance::of(number_from("SEED", 17)?);
    let mut run = Run::start(case).await?;
    // Of a follower, of a leader.
    let mut worker = [Downtimes::default(), Downtimes::default()];
    let mut process = [Downtimes::default(), Downtimes::default()];
    let (mut both, mut handed_back) = (Downtimes::default(), Downtimes::default());
    let mut longest = Downtimes::default();
    for n in 0..kills {
        let id = chance.below(2) + 1;
        // Every kind is had early, however few there are.
        let kind = if n < 4 { n * 3 } else { chance.below(10) };
        let leads = usize::from(run.client.status().await?.leader == id);
        run.load.forget_gap().await?;
        let downtimes = match kind {
            0..=4 => {
                run.client.call("crash", json!([id])).await?;
                &mut worker[leads]
            }
            5..=8 => {
                processes::kill(&[run.host(id).pid]).await?;
                &mut process[leads]
            }
            _ => {
                run.kill_both().await?;
                &mut both
            }
        };
        let survived = run.goes_on().await;
        survived.with_context(|| format!("after death {n} of kind {kind}"))?;
        let gap_ms = run.load.tally().await?.gap_ms;
        downtimes.0.push(match kind {
            0..=8 => run.load.downtime_ms(id).await?,
            _ => gap_ms,
        });
        longest.0.push(gap_ms);

        run.load.forget_gap().await?;
        if run.restore().await? {
            handed_back.0.push(run.load.tally().await?.gap_ms);
        }
    }
    let tally = run.load.stop_without_failures().await?;
    run.client.agreement(2).await?;
    let count = load::verify(&case.server, &run.client, "load").await?;
    ensure!(tally.acked == tally.sent, "not all answered: {tally:?}");
    println!("  {}: {kills} deaths, {count} writes", case.name);
    for (of, [follower, leader]) in [("worker", &worker), ("process", &process)] {
        let all = follower.and(leader);
        println!("  of a {of}: {all}");
        println!("    the follower's {follower}");
        println!("    the leader's {leader}");
    }
    println!("  of both: {both}");
    println!("  handed back: {handed_back}");
    println!("  with the second after it: {longest}");
    for all in [worker[0].and(&worker[1]), process[0].and(&process[1])] {
        let in_time = all.median().is_none_or(|it| it < TIMEOUT_MS);
        ensure!(in_time, "as slow as election timeouts: {all}");
    }
    Ok(())
}

impl<'a> Run<'a> {
    async fn start(case: &'a Case) -> Result<Self> {
        let hosts = [open(case, 1, &[]).await?, open(case, 2, &[]).await?];
        let client = case.open("main", &format!("{QUERY}&host=none")).await?;
        client.healthy(2).await?;
        let client_pid = case.browser.renderer_of(&client.window).await?;
        let pids = [hosts[0].pid, hosts[1].pid, client_pid];
        let apart = pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2];
        ensure!(apart, "tabs share processes: {pids:?}");
        // Not as fast as it can: it is to run for long, and it is the gaps that count.
        let shape = Shape {
            in_flight: 4,
            pause_ms: 10,
            timeout_ms: 60_000,
            ..Shape::default()
        };
        let load = Load::start(&client, "load", shape).await?;
        load.goes_on(&case.server, 50).await?;
        Ok(Self {
            case,
            client,
            client_pid,
            hosts,
            load,
        })
    }

    fn host(&self, id: u64) -> &Host {
        &self.hosts[id as usize - 1]
    }

    /// Kills both; a tab that finds nobody brings both back.
    async fn kill_both(&mut self) -> Result<()> {
        let pids: Vec<u32> = self.hosts.iter().map(|it| it.pid).collect();
        processes::kill(&pids).await?;
        for host in &self.hosts {
            host.tab.close().await?;
        }
        let query = format!("{QUERY}&host=auto");
        let tab = self.case.open("main", &query).await?;
        tab.healthy(2).await?;
        // It has its part in this no longer than that of a tab that was opened for one.
        self.hosts = [
            open(self.case, 1, &[self.client_pid]).await?,
            open(self.case, 2, &[self.client_pid]).await?,
        ];
        tab.close().await
    }

    async fn reopen(&mut self, id: u64) -> Result<()> {
        let host = &mut self.hosts[id as usize - 1];
        host.tab.close().await?;
        *host = open(self.case, id, &[self.client_pid]).await?;
        Ok(())
    }

    /// Each replica in a tab of its own again; whether one had to be handed back for that.
    async fn restore(&mut self) -> Result<bool> {
        let mut handed_back = false;
        for id in [1, 2] {
            if !processes::is_alive(self.host(id).pid) {
                self.reopen(id).await?;
                handed_back = true;
            }
        }
        self.client.healthy(2).await?;
        for id in [1, 2] {
            let tab = self.host(id).tab.clone();
            if !tab.hosts(id).await? {
                // A worker that died was revived in the other tab.
                tab.reload().await?;
                handed_back = true;
            }
            eventually("its own tab to have it", SOON, async || {
                ensure!(tab.hosts(id).await?, "{}", tab.status().await?.in_short());
                Ok(())
            })
            .await?;
        }
        self.client.healthy(2).await?;
        self.client.status().await?.ensure_no_divergence()?;
        self.goes_on().await?;
        Ok(handed_back)
    }

    async fn goes_on(&self) -> Result<()> {
        // In front: a hidden page's timers are slow.
        self.client.status().await?;
        self.load.goes_on(&self.case.server, SURVIVED).await
    }
}

/// A tab for a replica, in a process of which none of `not` dies.
async fn open(case: &Case, id: u64, not: &[u32]) -> Result<Host> {
    for _ in 0..4 {
        let tab = case.open_host("main", QUERY, id).await?;
        let pid = case.browser.renderer_of(&tab.window).await?;
        if !not.contains(&pid) {
            return Ok(Host { tab, pid });
        }
        tab.close().await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("tab {id} always shares a process with another")
}
