//! Reads and writes.

use bytes::Bytes;
use tabraft::kv::command::check_key;
use tabraft::kv::{Applied, Op, Outcome};
use tabraft::wire::{Answer, Ask, Read};

use super::{Cluster, now, wrong_answer};
use crate::model::{ApiError, Call, Consistency, Update, Written};

impl Cluster {
    /// # Errors
    /// Those of the console API, here and below.
    pub async fn put(&self, key: &str, value: &str, call: Call) -> Result<Written, ApiError> {
        let (key, value) = (key.to_owned(), Bytes::copy_from_slice(value.as_bytes()));
        self.write(Op::Put { key, value }, call).await
    }

    pub async fn delete(&self, key: &str, call: Call) -> Result<Written, ApiError> {
        self.write(Op::Delete { key: key.into() }, call).await
    }

    pub async fn cas(
        &self,
        key: &str,
        expected: Option<&str>,
        value: &str,
        call: Call,
    ) -> Result<Written, ApiError> {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let op = Op::Cas {
            key: key.into(),
            expected: expected.map(bytes),
            value: bytes(value),
        };
        self.write(op, call).await
    }

    async fn write(&self, op: Op, call: Call) -> Result<Written, ApiError> {
        op.check()?;
        let joined = self.joined().await?;
        self.check_target(call.node)?;
        let began = now();
        let noted = self.note_write(&op);
        let result = joined.requests.write(op, call.node, call.timeout_ms).await;
        self.note_written(noted, &result);
        let applied = result?;
        self.done(true, began);
        Ok(written(&applied))
    }

    pub async fn get(&self, key: &str, call: Call) -> Result<Option<String>, ApiError> {
        check_key(key)?;
        let ask = Ask::Get {
            key: key.into(),
            read: read_of(call.consistency),
        };
        self.joined().await?;
        let is_judged = call.consistency == Consistency::Linearizable;
        let noted = is_judged.then(|| self.note_get(key));
        let answer = self.read(ask, call).await;
        if let Some(noted) = noted {
            let value = match &answer {
                Ok(Answer::Value(value)) => Some(value.clone()),
                _ => None,
            };
            self.note_got(noted, value);
        }
        match answer? {
            Answer::Value(value) => Ok(value.map(|bytes| text(&bytes))),
            _ => Err(wrong_answer()),
        }
    }

    pub async fn scan(
        &self,
        prefix: &str,
        limit: u32,
        call: Call,
    ) -> Result<Vec<(String, String)>, ApiError> {
        let ask = Ask::Scan {
            prefix: prefix.into(),
            limit,
            read: read_of(call.consistency),
        };
        match self.read(ask, call).await? {
            Answer::Pairs(pairs) => {
                let texts = pairs.into_iter().map(|(key, value)| (key, text(&value)));
                Ok(texts.collect())
            }
            _ => Err(wrong_answer()),
        }
    }

    async fn read(&self, ask: Ask, call: Call) -> Result<Answer, ApiError> {
        let joined = self.joined().await?;
        self.check_target(call.node)?;
        let began = now();
        let answer = joined
            .requests
            .other(ask, call.node, call.timeout_ms)
            .await?;
        self.done(false, began);
        Ok(answer)
    }

    fn done(&self, write: bool, began_ms: f64) {
        let latency_ms = now() - began_ms;
        self.tell(Update::Done { write, latency_ms });
    }
}

fn written(applied: &Applied) -> Written {
    Written {
        index: applied.index,
        term: applied.term,
        effect: !matches!(
            applied.outcome,
            Outcome::Deleted { existed: false } | Outcome::Swapped(false)
        ),
    }
}

fn read_of(consistency: Consistency) -> Read {
    match consistency {
        Consistency::Linearizable => Read::Linearizable,
        Consistency::Stale => Read::Stale,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
