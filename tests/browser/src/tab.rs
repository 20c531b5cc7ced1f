//! One tab and its `window.tabraft`; what a person sees and presses there is in `page.rs`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::WindowHandle;

use crate::browser::{Browser, Kind};
use crate::processes;
use crate::status::{Agreement, Status};
use crate::wait::{SOON, eventually};

/// How long a page may take to load, compile and know its cluster, on a busy machine.
const LOADED: Duration = Duration::from_secs(60);

/// What a call of the console API was rejected with.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct ApiError {
    pub code: String,
    pub message: String,
    #[serde(rename = "isError")]
    pub is_error: bool,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({})", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

/// The code a call was rejected with; an error if it was not, or not as documented.
pub fn code_of<T: std::fmt::Debug>(result: Result<T>) -> Result<String> {
    Ok(error_of(result)?.code)
}

/// What a call was rejected with; an error if it was not, or not as documented.
pub fn error_of<T: std::fmt::Debug>(result: Result<T>) -> Result<ApiError> {
    match result {
        Ok(value) => bail!("expected an error, got {value:?}"),
        Err(error) => {
            let Some(api) = error.downcast_ref::<ApiError>() else {
                return Err(error);
            };
            ensure!(
                api.is_error,
                "rejected with something that is not an Error: {api}"
            );
            ensure!(
                !api.message.is_empty(),
                "{} says nothing to people",
                api.code
            );
            Ok(api.clone())
        }
    }
}

/// Wraps the body of an async function, which finds its arguments in `args`.
fn wrapped(body: &str) -> String {
    // Firefox runs scripts in a sandbox with an `Error` of its own beside the page's.
    format!(
        "(async (args) => {{ {body} }})(arguments[0]).then(\
           (ok) => ({{ ok: ok === undefined ? null : ok }}),\
           (e) => ({{ code: String(e?.code ?? ''), message: String(e?.message ?? e), isError: e instanceof Error || e instanceof window.Error }}))"
    )
}

fn outcome(value: Value) -> Result<Value> {
    match value {
        Value::Object(mut map) if map.contains_key("ok") => Ok(map["ok"].take()),
        other => {
            let error: ApiError = serde_json::from_value(other.clone())
                .with_context(|| format!("the script returned {other}"))?;
            Err(error.into())
        }
    }
}

#[derive(Clone)]
pub struct Tab {
    pub browser: Arc<Browser>,
    pub window: WindowHandle,
}

/// A call that goes on in its tab, so that the browser is free for other commands meanwhile.
pub struct Started {
    tab: Tab,
    number: u64,
}

impl Started {
    pub async fn is_over(&self) -> Result<bool> {
        let look = "return harness.started[args].over === true";
        Ok(self.tab.run(look, json!(self.number)).await? == json!(true))
    }

    /// Waits for the outcome.
    pub async fn outcome(self, deadline: Duration) -> Result<Value> {
        eventually("a started call to be over", deadline, async || {
            ensure!(self.is_over().await?, "it still runs");
            Ok(())
        })
        .await?;
        let look = "return harness.started[args].outcome";
        outcome(self.tab.run(look, json!(self.number)).await?)
    }
}

impl Tab {
    /// Opens `url` in a tab of its own and waits until its page knows its cluster.
    pub async fn open(browser: &Arc<Browser>, url: &str) -> Result<Self> {
        let tab = Self::open_blank(browser).await?;
        tab.browser.driver_at(&tab.window).await?.goto(url).await?;
        tab.ready().await?;
        Ok(tab)
    }

    pub async fn open_blank(browser: &Arc<Browser>) -> Result<Self> {
        let window = browser.new_window().await?;
        Ok(Self {
            browser: browser.clone(),
            window,
        })
    }

    pub async fn ready(&self) -> Result<()> {
        eventually("window.tabraft to be ready", LOADED, async || {
            let look = "return typeof window.tabraft === 'object' && !!window.tabraft.ready";
            ensure!(
                self.run(look, Value::Null).await? == json!(true),
                "no window.tabraft"
            );
            Ok(())
        })
        .await?;
        let started = self.begin("await tabraft.ready", Value::Null).await?;
        started.outcome(LOADED).await.context("tabraft.ready")?;
        Ok(())
    }

    /// Runs `body` as an async function with `args` and waits for it. What it throws comes back
    /// as an [`ApiError`].
    pub async fn run(&self, body: &str, args: Value) -> Result<Value> {
        let script = format!("{}.then(arguments[1])", wrapped(body));
        let driver = self.browser.driver_at(&self.window).await?;
        let returned = driver.execute_async(script, vec![args]).await?;
        outcome(returned.json().clone())
    }

    /// The same, answered as `T`.
    pub async fn eval<T: DeserializeOwned>(&self, body: &str, args: Value) -> Result<T> {
        let value = self.run(body, args).await?;
        serde_json::from_value(value.clone()).with_context(|| format!("{body} returned {value}"))
    }

    /// Starts `body` and lets it go on.
    pub async fn begin(&self, body: &str, args: Value) -> Result<Started> {
        let script = format!(
            "const entry = {{ over: false }};\
             {}.then((outcome) => {{ entry.outcome = outcome; entry.over = true; }});\
             return harness.started.push(entry) - 1;",
            wrapped(body)
        );
        let driver = self.browser.driver_at(&self.window).await?;
        let number = driver.execute(script, vec![args]).await?.convert()?;
        Ok(Started {
            tab: self.clone(),
            number,
        })
    }

    /// `tabraft[function](...args)`.
    pub async fn call(&self, function: &str, args: Value) -> Result<Value> {
        let body = format!("return tabraft.{function}(...args)");
        self.run(&body, args).await
    }

    pub async fn put(&self, key: &str, value: &str) -> Result<Value> {
        self.call("put", json!([key, value])).await
    }

    /// A linearizable read.
    pub async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(serde_json::from_value(
            self.call("get", json!([key])).await?,
        )?)
    }

    /// What `node` has by itself, however old.
    pub async fn get_stale(&self, key: &str, node: u64) -> Result<Option<String>> {
        let options = json!({ "consistency": "stale", "node": node });
        Ok(serde_json::from_value(
            self.call("get", json!([key, options])).await?,
        )?)
    }

    /// Starts a new replica in this tab and makes it a member; returns its id.
    pub async fn add_node(&self, id: Option<u64>, learner: bool) -> Result<u64> {
        let add = "return tabraft.addNode(args.id ?? undefined, { learner: args.learner })";
        self.eval(add, json!({ "id": id, "learner": learner }))
            .await
    }

    /// The sentences of all events this tab has heard of.
    pub async fn events(&self) -> Result<Vec<String>> {
        let look = "return (await tabraft.events({})).map((it) => it.text)";
        self.eval(look, Value::Null).await
    }

    /// Waits until an event says `words`, and returns its sentence.
    pub async fn hears_of(&self, words: &str) -> Result<String> {
        eventually(words, SOON, async || {
            let events = self.events().await?;
            let found = events.iter().rev().find(|it| it.contains(words)).cloned();
            let last = &events[events.len().saturating_sub(10)..];
            found.with_context(|| format!("no event says it; the last are {last:#?}"))
        })
        .await
    }

    pub async fn status(&self) -> Result<Status> {
        self.eval("return tabraft.status()", Value::Null).await
    }

    /// Waits until `count` replicas run under one leader, and returns its id.
    pub async fn healthy(&self, count: usize) -> Result<u64> {
        eventually("a healthy cluster", SOON, async || {
            self.status().await?.ensure_healthy(count)
        })
        .await
    }

    /// Waits until `count` replicas run and are equal.
    pub async fn agreement(&self, count: usize) -> Result<Agreement> {
        eventually("equal replicas", SOON, async || {
            self.status().await?.ensure_agreement(count)
        })
        .await
    }

    /// Waits for a leader which is none of `not`, and returns its id and term.
    pub async fn leader_other_than(&self, not: &[u64]) -> Result<(u64, u64)> {
        eventually("another leader", SOON, async || {
            let status = self.status().await?;
            status.ensure_no_divergence()?;
            let leader = status.node(status.leader)?;
            let leads = leader.role == "leader" && leader.state == "running";
            ensure!(leads && !not.contains(&leader.id), "{}", status.in_short());
            Ok((leader.id, leader.term))
        })
        .await
    }

    /// Waits until the status is as required, and returns it.
    pub async fn sees(
        &self,
        what: &str,
        required: impl Fn(&Status) -> Result<bool>,
    ) -> Result<Status> {
        eventually(what, SOON, async || {
            let status = self.status().await?;
            status.ensure_no_divergence()?;
            ensure!(required(&status)?, "{}", status.in_short());
            Ok(status)
        })
        .await
    }

    /// Whether this tab hosts `node`.
    pub async fn hosts(&self, node: u64) -> Result<bool> {
        Ok(self.status().await?.node(node)?.here)
    }

    pub async fn reload(&self) -> Result<()> {
        self.browser
            .driver_at(&self.window)
            .await?
            .refresh()
            .await?;
        self.ready().await
    }

    /// Closes the tab, as a person does. A tab whose process was killed can be closed, too.
    pub async fn close(&self) -> Result<()> {
        // Firefox ends a script of a tab that is closed wherever it is, and runs others after it.
        if self.browser.kind == Kind::Firefox && self.answers().await {
            self.run("harness.closing = true", Value::Null).await?;
        }
        let driver = self.browser.driver().await?;
        // A killed tab may have left the list by itself.
        if driver.windows().await?.contains(&self.window) {
            driver
                .switch_to_window(self.window.clone())
                .await
                .context("going to the tab")?;
            driver.close_window().await.context("closing the tab")?;
        }
        let left = driver.windows().await?;
        ensure!(!left.contains(&self.window), "the tab is still there");
        Ok(())
    }

    /// Closes the tab if others are left: with its last tab the browser would end.
    pub async fn close_unless_last(&self) -> Result<()> {
        if self.browser.windows().await?.len() > 1 {
            self.close().await?;
        }
        Ok(())
    }

    /// `kill -9` of the process that renders this tab and hosts its workers. Returns the process.
    pub async fn kill_renderer(&self) -> Result<u32> {
        let pid = self.browser.renderer_of(&self.window).await?;
        processes::kill(&[pid]).await?;
        eventually("the killed tab to be dead", SOON, async || {
            let alive = self.answers().await;
            ensure!(!alive, "it still answers");
            Ok(())
        })
        .await?;
        Ok(pid)
    }

    /// Whether the tab's page runs scripts.
    pub async fn answers(&self) -> bool {
        let look = "return typeof harness === 'object'";
        let answer = tokio::time::timeout(Duration::from_secs(5), self.run(look, Value::Null));
        matches!(answer.await, Ok(Ok(Value::Bool(true))))
    }

    pub async fn screenshot(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(self
            .browser
            .driver_at(&self.window)
            .await?
            .screenshot(path)
            .await?)
    }
}
