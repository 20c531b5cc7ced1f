//! The store that the tabs' replicas are.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use bytes::Bytes;
use tabraft::check::linear::Position;
use tabraft::kv::{Applied, Op, Outcome};
use tabraft::wire::{Answer, Ask, Read};

use super::store::{Pair, Promised, Store, Watch};
use super::{Cluster, Inner, wrong_answer};
use crate::model::{ApiError, Call, Consistency, Status, Update, Written};

pub struct TabStore(Weak<Inner>);

impl TabStore {
    pub fn new(cluster: &Cluster) -> Self {
        Self(Rc::downgrade(&cluster.0))
    }

    fn cluster(&self) -> Result<Cluster, ApiError> {
        let inner = self.0.upgrade();
        inner
            .map(Cluster)
            .ok_or_else(|| ApiError::new("CLOSED", "The page is closing."))
    }

    fn read<T: 'static>(
        &self,
        ask: Ask,
        call: Call,
        of: impl FnOnce(Answer) -> Option<T> + 'static,
    ) -> Promised<T> {
        let cluster = self.cluster();
        Box::pin(async move {
            let cluster = cluster?;
            cluster.check_target(call.node)?;
            let requests = &cluster.joined().await?.requests;
            let answer = requests.other(ask, call.node, call.timeout_ms).await?;
            of(answer).ok_or_else(wrong_answer)
        })
    }
}

impl Store for TabStore {
    fn write(&self, op: Op, call: Call) -> Promised<Written> {
        let cluster = self.cluster();
        Box::pin(async move {
            let cluster = cluster?;
            cluster.check_target(call.node)?;
            let requests = &cluster.joined().await?.requests;
            let applied = requests.write(op, call.node, call.timeout_ms).await?;
            Ok(written(&applied))
        })
    }

    fn get(&self, key: &str, call: Call) -> Promised<Option<Bytes>> {
        let ask = Ask::Get {
            key: key.into(),
            read: read_of(call.consistency),
        };
        self.read(ask, call, |answer| match answer {
            Answer::Value(value) => Some(value),
            _ => None,
        })
    }

    fn scan(&self, prefix: &str, limit: u32, call: Call) -> Promised<Vec<Pair>> {
        let ask = Ask::Scan {
            prefix: prefix.into(),
            limit,
            read: read_of(call.consistency),
        };
        self.read(ask, call, |answer| match answer {
            Answer::Pairs(pairs) => {
                let pairs = pairs.into_iter();
                Some(pairs.map(|(key, value)| (key.into(), value)).collect())
            }
            _ => None,
        })
    }

    fn status(&self) -> Promised<Status> {
        let cluster = self.cluster();
        Box::pin(async move { cluster?.ask_all().await })
    }

    fn watch(&self, changed: Rc<dyn Fn()>) -> Watch {
        let Ok(cluster) = self.cluster() else {
            return Watch::new(|| {});
        };
        // The state that the furthest replica told of.
        let state = |cluster: &Cluster| {
            let nodes = cluster.status().nodes.into_iter();
            let furthest = nodes.max_by_key(|node| node.applied);
            furthest.map(|node| (node.applied, node.digest))
        };
        let (inner, last) = (self.0.clone(), RefCell::new(state(&cluster)));
        cluster.subscribe_until(move |update| {
            let Some(inner) = inner.upgrade() else {
                return;
            };
            if matches!(update, Update::Status) {
                let now = state(&Cluster(inner));
                if last.replace(now.clone()) != now {
                    changed();
                }
            }
        })
    }

    fn position(&self, written: &Written) -> Option<Position> {
        Some(Position {
            index: written.index,
            term: written.term,
        })
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
