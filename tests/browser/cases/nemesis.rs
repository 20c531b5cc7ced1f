//! Everything at once, for as long as one likes: `NEMESIS_SECONDS=3600 NEMESIS_SEED=7`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tabraft::check::linear::{Initial, Operation, Verdict, check, check_positions};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::chance::Chance;
use tabraft_browser_tests::ensure_kept;
use tabraft_browser_tests::operations::{Operations, history};
use tabraft_browser_tests::runner::number_from;
use tabraft_browser_tests::tab::Tab;

const QUERY: &str = "&nodes=5&snapshot_entries=300&catchup_entries=100";
const NODES: u64 = 5;
/// Which replicas share a tab. No tab has a majority.
const HOSTS: [&[u64]; 3] = [&[1, 2], &[3, 4], &[5]];
/// Steps of the judge's search, for all keys.
const WORK_MAX: u64 = 2_000_000_000;
/// Operations answered in a second, at the least: else nothing was put to the test.
const OPERATIONS_MIN: u64 = 10;

/// What is done to the cluster. Each of them happens before any happens twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    TerminateWorker,
    KillHost,
    KillClient,
    Pause,
    PauseLeader,
    Partition,
    CutLeaderOff,
    OneWay,
    DropAndDelay,
    SlowDisk,
    RemoveAndAdd,
    ReloadTab,
    Transfer,
}

const FAULTS: [Fault; 13] = [
    Fault::TerminateWorker,
    Fault::KillHost,
    Fault::KillClient,
    Fault::Pause,
    Fault::PauseLeader,
    Fault::Partition,
    Fault::CutLeaderOff,
    Fault::OneWay,
    Fault::DropAndDelay,
    Fault::SlowDisk,
    Fault::RemoveAndAdd,
    Fault::ReloadTab,
    Fault::Transfer,
];

struct Client {
    tab: Tab,
    operations: Operations,
}

struct Run<'a> {
    case: &'a Case,
    chance: Chance,
    /// Hosts nothing, asks nothing, and is never killed.
    operator: Tab,
    hosts: Vec<Tab>,
    clients: Vec<Client>,
    clients_started: u64,
    counts: BTreeMap<Fault, u64>,
}

/// Five replicas in three tabs, clients in others, and one fault after another or two at once.
/// What the clients were answered is linearizable, the log has one order, and at the end all
/// replicas are equal.
pub async fn nemesis(case: &Case) -> Result<()> {
    let period = Duration::from_secs(number_from("NEMESIS_SECONDS", 120)?);
    let seed = number_from("NEMESIS_SEED", u64::from(std::process::id()))?;
    println!("  {}: NEMESIS_SEED={seed}", case.name);
    let mut run = Run::start(case, seed).await?;
    let started = Instant::now();
    let mut order: Vec<Fault> = vec![];
    while started.elapsed() < period {
        if order.is_empty() {
            order = run.shuffled();
        }
        let many = 1 + run.chance.below(3) / 2;
        let from = order.len().saturating_sub(many as usize);
        let faults = order.split_off(from);
        let all = format!("{faults:?}");
        run.round(&faults).await.context(all)?;
    }
    let took = started.elapsed();
    for client in &run.clients {
        let done = client.operations.stop().await?;
        ensure_kept!(done.wrong.is_empty(), "errors: {:?}", done.wrong);
    }
    run.operator.healthy(NODES as usize).await?;
    run.operator.agreement(NODES as usize).await?;
    run.report(took)
}

impl<'a> Run<'a> {
    async fn start(case: &'a Case, seed: u64) -> Result<Self> {
        let mut hosts = vec![];
        for ids in HOSTS {
            hosts.push(open_host(case, ids).await?);
        }
        let operator = open_client(case).await?;
        operator.healthy(NODES as usize).await?;
        let mut run = Self {
            case,
            chance: Chance::of(seed),
            operator,
            hosts,
            clients: vec![],
            clients_started: 0,
            counts: BTreeMap::new(),
        };
        for _ in 0..2 {
            let client = run.new_client().await?;
            run.clients.push(client);
        }
        Ok(run)
    }

    async fn new_client(&mut self) -> Result<Client> {
        self.clients_started += 1;
        let tab = open_client(self.case).await?;
        let name = format!("client-{}", self.clients_started);
        let operations = Operations::start(&tab, &name, NODES).await?;
        Ok(Client { tab, operations })
    }

    fn shuffled(&mut self) -> Vec<Fault> {
        let mut order = FAULTS.to_vec();
        for last in (1..order.len()).rev() {
            order.swap(last, self.chance.below(last as u64 + 1) as usize);
        }
        order
    }

    fn any_node(&mut self) -> u64 {
        1 + self.chance.below(NODES)
    }

    /// Some faults at once, for a while; then none, until all is well and writes go on.
    async fn round(&mut self, faults: &[Fault]) -> Result<()> {
        for fault in faults {
            let done = self.strike(*fault).await;
            let done = done.with_context(|| format!("{fault:?}"))?;
            *self.counts.entry(*fault).or_default() += u64::from(done);
        }
        // What it is about is what happens meanwhile, so there is nothing to wait for.
        let while_ms = 300 + self.chance.below(2_200);
        tokio::time::sleep(Duration::from_millis(while_ms)).await;
        self.relent().await?;
        self.operator.healthy(NODES as usize).await?;
        for client in &self.clients {
            let done = client.operations.done().await?;
            ensure_kept!(done.wrong.is_empty(), "errors: {:?}", done.wrong);
        }
        Ok(())
    }

    /// Whether it could be done beside the other faults of the round.
    async fn strike(&mut self, fault: Fault) -> Result<bool> {
        let id = self.any_node();
        let leader = self.operator.status().await?.leader;
        match fault {
            Fault::TerminateWorker => self.of_running("crash", id).await,
            Fault::KillHost => {
                let n = self.chance.below(HOSTS.len() as u64) as usize;
                self.hosts[n].kill_renderer().await?;
                Ok(true)
            }
            Fault::KillClient => {
                let n = self.chance.below(self.clients.len() as u64) as usize;
                self.clients[n].tab.kill_renderer().await?;
                Ok(true)
            }
            Fault::Pause => self.of_running("pause", id).await,
            Fault::PauseLeader => self.of_running("pause", leader).await,
            Fault::Partition => {
                let mut sides = [vec![], vec![]];
                for id in 1..=NODES {
                    sides[self.chance.below(2) as usize].push(id);
                }
                self.call("partition", json!([sides])).await
            }
            Fault::CutLeaderOff => {
                let others: Vec<u64> = (1..=NODES).filter(|id| *id != leader).collect();
                self.call("partition", json!([[[leader], others]])).await
            }
            Fault::OneWay => {
                let lost = json!({ "lossPct": 100 });
                for to in (1..=NODES).filter(|to| *to != id) {
                    self.call("link", json!([id, to, lost])).await?;
                }
                Ok(true)
            }
            Fault::DropAndDelay => {
                let bad =
                    json!({ "lossPct": 20, "duplicatePct": 20, "delayMs": 30, "jitterMs": 60 });
                for _ in 0..8 {
                    let (from, to) = (self.any_node(), self.any_node());
                    if from != to {
                        self.call("link", json!([from, to, bad])).await?;
                    }
                }
                Ok(true)
            }
            Fault::SlowDisk => {
                let slow = json!([id, { "delayMs": 200 }]);
                self.tolerant("disk", slow).await
            }
            Fault::RemoveAndAdd => self.remove_and_add(id).await,
            Fault::ReloadTab => {
                let n = self.chance.below(HOSTS.len() as u64) as usize;
                // It may have been killed a moment ago.
                let alive = self.hosts[n].answers().await;
                if alive {
                    self.hosts[n].reload().await?;
                }
                Ok(alive)
            }
            Fault::Transfer => self.tolerant("transferLeader", json!([id])).await,
        }
    }

    /// A replica leaves the cluster, loses its disk, and comes back as a newcomer. Before any other
    /// fault of this round could keep it from that, all is well again.
    async fn remove_and_add(&mut self, id: u64) -> Result<bool> {
        self.relent().await?;
        self.operator.healthy(NODES as usize).await?;
        self.call("removeNode", json!([id])).await?;
        let gone = |status: &tabraft_browser_tests::status::Status| {
            Ok(!status.node(id)?.member && !status.is_running(id))
        };
        self.operator.sees("a removed node", gone).await?;
        self.call("wipe", json!([id])).await?;
        self.host_of(id).add_node(Some(id), false).await?;
        Ok(true)
    }

    fn host_of(&self, id: u64) -> &Tab {
        let n = HOSTS.iter().position(|ids| ids.contains(&id));
        &self.hosts[n.unwrap_or(0)]
    }

    async fn call(&self, function: &str, args: serde_json::Value) -> Result<bool> {
        self.operator.call(function, args).await?;
        Ok(true)
    }

    /// What the fault before may keep from being done.
    async fn tolerant(&self, function: &str, args: serde_json::Value) -> Result<bool> {
        match self.operator.call(function, args).await {
            Err(error) if error.is::<tabraft_browser_tests::tab::ApiError>() => {
                println!("  {function}: {error}");
                Ok(false)
            }
            outcome => outcome.map(|_| true),
        }
    }

    async fn of_running(&self, function: &str, id: u64) -> Result<bool> {
        self.tolerant(function, json!([id])).await
    }

    /// Ends all faults: what was killed is opened again, what was terminated started.
    async fn relent(&mut self) -> Result<()> {
        self.call("heal", json!([])).await?;
        for (n, ids) in HOSTS.iter().enumerate() {
            if !self.hosts[n].answers().await {
                self.hosts[n].close().await?;
                self.hosts[n] = open_host(self.case, ids).await?;
            }
        }
        for n in 0..self.clients.len() {
            if !self.clients[n].tab.answers().await {
                self.clients[n].tab.close().await?;
                self.clients[n] = self.new_client().await?;
            }
        }
        for id in 1..=NODES {
            let status = self.operator.status().await?;
            let node = status.node(id)?;
            let (state, paused) = (node.state.as_str(), node.state == "paused");
            if paused {
                self.tolerant("resume", json!([id])).await?;
            } else if state == "running" {
                self.tolerant("disk", json!([id, {}])).await?;
            } else if node.member && self.host_of(id).answers().await {
                self.bring_up(id).await?;
            }
        }
        Ok(())
    }

    async fn bring_up(&self, id: u64) -> Result<()> {
        match self.host_of(id).call("start", json!([id])).await {
            // It came back by itself meanwhile.
            Err(error)
                if error
                    .downcast_ref::<tabraft_browser_tests::tab::ApiError>()
                    .is_some_and(|it| it.code == "ALREADY_RUNNING") =>
            {
                Ok(())
            }
            outcome => outcome.map(|_| ()),
        }
    }

    fn report(&self, took: Duration) -> Result<()> {
        let history = history(&self.case.server)?;
        let answered = history.iter().filter(|it| it.returned.is_some()).count();
        let began = Instant::now();
        let verdict = check(&history, Initial::Absent, WORK_MAX);
        println!(
            "  {}: {} operations in {:.0} s, {} of them of unknown outcome; judged in {:.1} s",
            self.case.name,
            history.len(),
            took.as_secs_f64(),
            history.len() - answered,
            began.elapsed().as_secs_f64()
        );
        let counts: Vec<String> = self
            .counts
            .iter()
            .map(|(it, n)| format!("{it:?} {n}"))
            .collect();
        println!("  faults: {}", counts.join(", "));
        if let Verdict::NotLinearizable {
            key,
            window,
            reason,
        } = &verdict
        {
            let window: Vec<String> = window.iter().map(in_a_line).collect();
            let window = window.join("\n");
            ensure_kept!(false, "{key} is not linearizable: {reason}\n{window}");
        }
        ensure!(
            matches!(verdict, Verdict::Linearizable { .. }),
            "not judged: {verdict:?}"
        );
        let positions = check_positions(&history);
        ensure_kept!(positions.is_ok(), "{positions:?}");
        let least = OPERATIONS_MIN * took.as_secs();
        ensure!(answered as u64 >= least, "only {answered}");
        if took >= Duration::from_secs(110) {
            let all = FAULTS
                .iter()
                .all(|fault| self.counts.get(fault).is_some_and(|n| *n > 0));
            ensure!(all, "not every kind of fault happened");
        }
        Ok(())
    }
}

fn in_a_line(operation: &Operation) -> String {
    let returned = operation.returned.as_ref();
    let position = returned.and_then(|it| it.position).map(|it| it.index);
    format!(
        "  {} to {:?}: {operation} (client {}, index {position:?})",
        operation.invoked,
        returned.map(|it| it.at),
        operation.client
    )
}

async fn open_host(case: &Case, ids: &[u64]) -> Result<Tab> {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let query = format!("{QUERY}&host={}", ids.join(","));
    case.open("main", &query).await
}

async fn open_client(case: &Case) -> Result<Tab> {
    case.open("main", &format!("{QUERY}&host=none")).await
}
