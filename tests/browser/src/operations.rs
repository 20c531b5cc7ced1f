//! Operations that go on in tabs while things are being killed, and their history for the judge.
//! See `operations.js` for the side that makes them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft::check::linear::{Call, Operation, Position, Return, Returned};

use crate::server::Server;
use crate::tab::Tab;

/// How far what tabs take for the time may differ, in milliseconds: each rounds the same clock
/// down to one.
const CLOCKS_MS: u64 = 2;
const TOLD: &str = "operations";

pub struct Operations {
    tab: Tab,
    name: String,
}

/// What a tab has done, as it tells.
#[derive(Debug, Deserialize)]
pub struct Done {
    pub done: u64,
    /// Operations whose outcome is unknown.
    pub unknown: u64,
    /// Errors that must not come of this.
    pub wrong: Vec<String>,
}

impl Operations {
    /// `name` is unique in the tab; `nodes` are the ids of those to ask now and then.
    pub async fn start(tab: &Tab, name: &str, nodes: u64) -> Result<Self> {
        let args = json!({
            "name": name,
            "workers": 4,
            "keys": 3,
            "roundMs": 20_000,
            "timeoutMs": 1_500,
            "pauseMs": 40,
            "nodes": nodes,
        });
        let start = include_str!("operations.js");
        tab.run(start, args).await.context("starting operations")?;
        Ok(Self {
            tab: tab.clone(),
            name: name.to_owned(),
        })
    }

    pub async fn done(&self) -> Result<Done> {
        let look = "const { done, unknown, wrong } = harness.loads[args];\
                    return { done, unknown, wrong }";
        self.tab.eval(look, json!(self.name)).await
    }

    pub async fn stop(&self) -> Result<Done> {
        let stop = "harness.loads[args].running = false; await harness.loads[args].over";
        let stopping = self.tab.begin(stop, json!(self.name)).await?;
        stopping.outcome(Duration::from_secs(20)).await?;
        self.done().await
    }
}

/// One line that a tab told: the beginning of an operation, or its end.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum What {
    Invoked {
        client: u64,
        key: String,
        op: String,
        value: Option<String>,
        expected: Option<String>,
        invoked: u64,
    },
    Returned {
        returned: u64,
        #[serde(default)]
        answer: Value,
    },
    Nothing {
        #[allow(dead_code)] // It is its name that tells.
        nothing: bool,
    },
}

/// The history so far, in microseconds.
pub fn history(server: &Server) -> Result<Vec<Operation>> {
    let mut operations: HashMap<String, Operation> = HashMap::new();
    for told in server.told(TOLD) {
        let line: Line =
            serde_json::from_str(&told).with_context(|| format!("a tab told {told}"))?;
        if let What::Invoked {
            client,
            key,
            op,
            value,
            expected,
            invoked,
        } = line.what
        {
            let operation = Operation {
                client,
                key,
                call: call(&op, value, expected)?,
                invoked: invoked.saturating_sub(CLOCKS_MS) * 1_000,
                returned: None,
            };
            let before = operations.insert(line.id, operation);
            ensure!(before.is_none(), "two operations of one id");
            continue;
        }
        if let What::Nothing { .. } = line.what {
            operations.remove(&line.id);
            continue;
        }
        let known = operations.get_mut(&line.id);
        let operation = known.with_context(|| format!("{} ended and never began", line.id))?;
        if let What::Returned { returned, answer } = line.what {
            operation.returned = Some(Returned {
                at: (returned + CLOCKS_MS) * 1_000,
                answer: answer_of(&operation.call, &answer)?,
                position: position(&answer),
            });
        }
    }
    let mut history: Vec<Operation> = operations.into_values().collect();
    history.sort_by_key(|operation| (operation.invoked, operation.client));
    Ok(history)
}

fn call(op: &str, value: Option<String>, expected: Option<String>) -> Result<Call> {
    let value = value.map(Into::into);
    Ok(match (op, value) {
        ("get", None) => Call::Get,
        ("delete", None) => Call::Delete,
        ("put", Some(value)) => Call::Put { value },
        ("cas", Some(value)) => Call::Cas {
            expected: expected.map(Into::into),
            value,
        },
        other => bail!("no operation: {other:?}"),
    })
}

fn answer_of(call: &Call, answer: &Value) -> Result<Return> {
    let flag = |name: &str| {
        let flag = answer[name].as_bool();
        flag.with_context(|| format!("no {name} in {answer}"))
    };
    Ok(match call {
        Call::Put { .. } => Return::Put,
        Call::Delete => Return::Deleted {
            existed: flag("existed")?,
        },
        Call::Cas { .. } => Return::Swapped(flag("swapped")?),
        Call::Get => Return::Value(answer.as_str().map(|it| it.to_owned().into())),
    })
}

fn position(answer: &Value) -> Option<Position> {
    Some(Position {
        index: answer["index"].as_u64()?,
        term: answer["term"].as_u64()?,
    })
}
