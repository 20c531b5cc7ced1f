//! Reads and writes. What tabraft calls an index is etcd's revision here: each write that changes
//! something gets the next one.

use std::rc::Rc;

use bytes::Bytes;
use tabraft::check::journal::hash;
use tabraft::check::linear::Position;
use tabraft::kv::Op;

use super::json::{self, Json, Keys};
use super::members::News;
use super::{Etcd, watch};
use crate::client::store::{Pair, Promised, Store, Watch};
use crate::model::{ApiError, Call, Consistency, Status, Written};

/// Own revisions remembered, and keys with writes of unknown outcome; older ones count as somebody
/// else's.
const OWN_MAX: usize = 20_000;

/// What a range of keys holds, as of a revision.
pub struct Range {
    pub pairs: Vec<Pair>,
    /// Whether there is more behind the last.
    pub more: bool,
    pub revision: u64,
}

impl Etcd {
    /// What a range of keys holds: up to `limit` pairs, as of `revision` or now.
    ///
    /// # Errors
    /// Those of the console API, here and below.
    pub async fn range(
        &self,
        keys: &Keys,
        limit: u32,
        revision: Option<u64>,
        call: Call,
    ) -> Result<Range, ApiError> {
        let answer = self.ask_range(keys, limit, revision, call).await?;
        let pairs = answer.list("kvs").into_iter();
        let pairs = pairs.map(|kv| Ok((kv.bytes("key")?, kv.bytes("value")?)));
        Ok(Range {
            pairs: pairs.collect::<Result<_, ApiError>>()?,
            more: answer.is("more"),
            revision: revision.unwrap_or_else(|| answer.get("header").whole("revision")),
        })
    }

    async fn ask_range(
        &self,
        keys: &Keys,
        limit: u32,
        revision: Option<u64>,
        call: Call,
    ) -> Result<Json, ApiError> {
        let mut body = format!(r#"{{{},"limit":"{limit}""#, keys.json());
        if call.consistency == Consistency::Stale {
            body.push_str(r#","serializable":true"#);
        }
        if let Some(revision) = revision {
            body.push_str(&format!(r#","revision":"{revision}""#));
        }
        body.push('}');
        let target = self.target(call)?;
        self.call("/v3/kv/range", &body, false, target, call.timeout_ms)
            .await
    }

    /// Writes in one transaction if all compares hold; whether they did.
    pub async fn transact(
        &self,
        compares: &[String],
        puts: &[String],
        timeout_ms: f64,
    ) -> Result<bool, ApiError> {
        let body = json::txn(compares, puts);
        let answer = self
            .call("/v3/kv/txn", &body, true, None, timeout_ms)
            .await?;
        Ok(answer.is("succeeded"))
    }

    async fn do_write(&self, op: &Op, call: Call) -> Result<Written, ApiError> {
        let target = self.target(call)?;
        let key = op.key().as_bytes();
        let (path, body) = match op {
            Op::Put { value, .. } => ("/v3/kv/put", json::put(key, value)),
            Op::Delete { .. } => {
                let body = format!("{{{}}}", Keys::one(key).json());
                ("/v3/kv/deleterange", body)
            }
            Op::Cas {
                expected, value, ..
            } => {
                let compare = json::compare(key, expected.as_deref());
                (
                    "/v3/kv/txn",
                    json::txn(&[compare], &[json::put(key, value)]),
                )
            }
        };
        let answer = self
            .call(path, &body, true, target, call.timeout_ms)
            .await?;
        let header = answer.get("header");
        Ok(Written {
            index: header.whole("revision"),
            term: header.whole("raft_term"),
            effect: match op {
                Op::Put { .. } => true,
                Op::Delete { .. } => answer.whole("deleted") > 0,
                Op::Cas { .. } => answer.is("succeeded"),
            },
        })
    }

    fn target(&self, call: Call) -> Result<Option<u64>, ApiError> {
        call.node.map(|number| self.id_of(number)).transpose()
    }

    // What others write.

    fn begin(&self, key: &str) {
        let mut own = self.0.own.borrow_mut();
        if own.unsure.len() == OWN_MAX {
            own.unsure.clear();
        }
        *own.unsure.entry(hash(key)).or_default() += 1;
    }

    fn end(&self, key: &str, result: &Result<Written, ApiError>) {
        let mut own = self.0.own.borrow_mut();
        match result {
            Ok(written) if written.effect => {
                own.revisions.insert(written.index);
                if own.revisions.len() > OWN_MAX {
                    own.revisions.pop_first();
                }
            }
            Err(error) if !error.says_nothing_happened() => return,
            _ => {}
        }
        if let Some(count) = own.unsure.get_mut(&hash(key)) {
            *count -= 1;
            if *count == 0 {
                own.unsure.remove(&hash(key));
            }
        }
    }

    /// A value that certainly is not this client's.
    fn is_foreign(&self, key: &str, revision: u64) -> bool {
        let own = self.0.own.borrow();
        !own.revisions.contains(&revision) && !own.unsure.contains_key(&hash(key))
    }
}

impl Store for Etcd {
    fn write(&self, op: Op, call: Call) -> Promised<Written> {
        let me = self.clone();
        Box::pin(async move {
            op.check()?;
            me.begin(op.key());
            let result = me.do_write(&op, call).await;
            me.end(op.key(), &result);
            result
        })
    }

    fn get(&self, key: &str, call: Call) -> Promised<Option<Bytes>> {
        let (me, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            let keys = Keys::one(key.as_bytes());
            let answer = me.ask_range(&keys, 1, None, call).await?;
            let found = answer.list("kvs");
            let Some(kv) = found.first() else {
                return Ok(None);
            };
            if me.is_foreign(&key, kv.whole("mod_revision")) {
                me.tell(News::Foreign(key));
            }
            Ok(Some(kv.bytes("value")?))
        })
    }

    fn scan(&self, prefix: &str, limit: u32, call: Call) -> Promised<Vec<Pair>> {
        let (me, keys) = (self.clone(), Keys::under(prefix.as_bytes()));
        Box::pin(async move { Ok(me.range(&keys, limit, None, call).await?.pairs) })
    }

    fn status(&self) -> Promised<Status> {
        let me = self.clone();
        Box::pin(async move {
            me.ask_all().await;
            Ok(me.known())
        })
    }

    fn watch(&self, changed: Rc<dyn Fn()>) -> Watch {
        watch::begin(self, changed)
    }

    /// Revisions are in the order of the log. The term that comes with one is that of the member
    /// which answered, and may be later than the write's.
    fn position(&self, written: &Written) -> Option<Position> {
        written.effect.then_some(Position {
            index: written.index,
            term: 0,
        })
    }
}
