//! Where a part is played: a browser with a profile of its own, the tabs in it, and a client.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tabraft_browser_tests::browser::Kind;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::status::{Agreement, Status};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::eventually;

use crate::cell::Durability;

/// For replicas that are behind by what a machine with too much to do has left undone.
const CATCH_UP: Duration = Duration::from_secs(120);

/// A browser with an empty profile for `body`, ended whatever happens: a browser that is left behind
/// would be in the way of what is measured next.
pub async fn play<T>(body: impl AsyncFnOnce(&Case) -> Result<T>) -> Result<T> {
    play_in(Case::start("bench", Kind::Chromium).await?, body).await
}

/// The same in a browser that is traced.
pub async fn play_traced<T>(body: impl AsyncFnOnce(&Case) -> Result<T>) -> Result<T> {
    play_in(Case::start_traced("bench").await?, body).await
}

async fn play_in<T>(case: Case, body: impl AsyncFnOnce(&Case) -> Result<T>) -> Result<T> {
    let outcome = body(&case).await;
    let complaints = case.ensure_clean().await;
    case.end().await?;
    let outcome = outcome?;
    complaints?;
    Ok(outcome)
}

pub struct Stage<'a> {
    pub case: &'a Case,
    /// One for each replica, in the order of their ids, or one for all.
    pub hosts: Vec<Tab>,
    pub client: Tab,
    pub nodes: usize,
    query: String,
    from: Agreement,
    from_term: u64,
}

impl<'a> Stage<'a> {
    /// A tab for each of `nodes` replicas, and one for the client, in front. `query` goes on with
    /// each tab's address.
    pub async fn tabs(
        case: &'a Case,
        nodes: usize,
        durability: Durability,
        query: &str,
    ) -> Result<Self> {
        let query = format!("&nodes={nodes}&durability={}{query}", durability.name());
        let mut hosts = vec![];
        for id in 1..=nodes {
            hosts.push(case.open_host("main", &query, id as u64).await?);
        }
        let client = case.open("main", &format!("{query}&host=none")).await?;
        Self::ready(case, hosts, client, nodes, query).await
    }

    /// All replicas and the client in one tab.
    pub async fn one_tab(case: &'a Case, durability: Durability) -> Result<Self> {
        let query = format!("&nodes=3&durability={}", durability.name());
        let tab = case.open("main", &format!("{query}&host=auto")).await?;
        Self::ready(case, vec![tab.clone()], tab, 3, query).await
    }

    async fn ready(
        case: &'a Case,
        hosts: Vec<Tab>,
        client: Tab,
        nodes: usize,
        query: String,
    ) -> Result<Self> {
        client.healthy(nodes).await?;
        // First: what is elected meanwhile then counts as of later.
        let from_term = client.status().await?.term;
        let from = client.agreement(nodes).await?;
        Ok(Self {
            case,
            hosts,
            client,
            nodes,
            query,
            from,
            from_term,
        })
    }

    /// Opens the tab of a replica again.
    pub async fn reopen(&mut self, id: u64) -> Result<()> {
        let at = id as usize - 1;
        self.hosts[at].close().await?;
        self.hosts[at] = self.case.open_host("main", &self.query, id).await?;
        Ok(())
    }

    /// Waits until all replicas run, and have applied the same.
    pub async fn settled(&self) -> Result<Status> {
        eventually("equal replicas", CATCH_UP, async || {
            let status = self.client.status().await?;
            status.ensure_agreement(self.nodes)?;
            Ok(status)
        })
        .await
    }

    /// The bench checked against the cluster: entries applied are the acknowledged writes, and what
    /// can be beside them; keys that were written are those that are there.
    pub async fn check(&self, what: &str, acked: u64, keys: u64) -> Result<Check> {
        let beside = Beside::of(&self.client).await?;
        self.check_beside(what, acked, keys, beside).await
    }

    /// The same where other clients than the stage's wrote.
    pub async fn check_beside(
        &self,
        what: &str,
        acked: u64,
        keys: u64,
        beside: Beside,
    ) -> Result<Check> {
        let status = self.settled().await?;
        let leader = status.node(status.leader)?;
        Ok(Check {
            what: what.to_owned(),
            acknowledged: acked,
            applied: leader.applied - self.from.applied,
            beside_max: beside.repeated + beside.sessions + (status.term - self.from_term),
            keys_written: keys,
            keys_found: leader.keys,
        })
    }
}

/// What clients may have had applied beside acknowledged writes: their sessions, and what they sent
/// again, which is applied once and yet is an entry each time. Each term begins with an entry, too.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Beside {
    pub repeated: u64,
    pub sessions: u64,
}

impl Beside {
    /// As a client tells that has had all its answers.
    pub async fn of(client: &Tab) -> Result<Self> {
        client
            .eval("return await tabraft.traffic()", Value::Null)
            .await
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            repeated: self.repeated + other.repeated,
            sessions: self.sessions + other.sessions,
        }
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub what: String,
    pub acknowledged: u64,
    /// Entries applied in the meantime.
    pub applied: u64,
    /// So many of them at the most are no acknowledged writes.
    #[serde(default)]
    pub beside_max: u64,
    pub keys_written: u64,
    pub keys_found: u64,
}

impl Check {
    pub fn holds(&self) -> bool {
        let beside = self.applied.checked_sub(self.acknowledged);
        beside.is_some_and(|it| it <= self.beside_max) && self.keys_found == self.keys_written
    }
}

/// An empty tab of the same origin, in front.
pub async fn blank(case: &Case) -> Result<Tab> {
    let tab = Tab::open_blank(&case.browser).await?;
    let url = case.server.blank();
    tab.browser.driver_at(&tab.window).await?.goto(url).await?;
    ensure!(tab.answers().await, "the empty tab runs no scripts");
    Ok(tab)
}

/// Gives a new worker of `tab` its task, and waits for what it answers.
pub async fn in_worker<T: DeserializeOwned>(tab: &Tab, source: &str, task: Value) -> Result<T> {
    let args = json!({ "source": source, "task": task });
    tab.eval(include_str!("worker.js"), args).await
}

/// Polls `look` once in a while: it is work for the tab which is being measured.
pub async fn now_and_then<T>(
    what: &str,
    every: Duration,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        tokio::time::sleep(every).await;
        if let Some(seen) = look().await.with_context(|| what.to_owned())? {
            return Ok(seen);
        }
        ensure!(
            began.elapsed() < deadline,
            "{what}: not within {deadline:?}"
        );
    }
}
