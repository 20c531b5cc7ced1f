//! A store whose every answer is noted for the judge.

use std::rc::Rc;

use bytes::Bytes;
use tabraft::check::linear::{self, Position, Return};
use tabraft::kv::Op;
use tabraft::kv::command::check_key;

use super::judging::Judging;
use super::store::{Pair, Promised, Store, Watch};
use crate::clock::ticking_ms;
use crate::model::{ApiError, Call, Consistency, Status, Written};

/// Told of every call that was answered: whether it was a write, and how long it took, in
/// milliseconds.
pub type Answered = Rc<dyn Fn(bool, f64)>;

#[derive(Clone)]
pub struct Judged {
    store: Rc<dyn Store>,
    pub judging: Rc<Judging>,
    answered: Answered,
}

impl Judged {
    pub fn new(store: Rc<dyn Store>, judging: Rc<Judging>, answered: Answered) -> Self {
        Self {
            store,
            judging,
            answered,
        }
    }

    /// Calls the store, and tells how long it took.
    fn timed<T: 'static>(&self, is_write: bool, answer: Promised<T>) -> Promised<T> {
        let answered = self.answered.clone();
        let began = ticking_ms();
        Box::pin(async move {
            let answer = answer.await?;
            answered(is_write, ticking_ms() - began);
            Ok(answer)
        })
    }
}

impl Store for Judged {
    fn write(&self, op: Op, call: Call) -> Promised<Written> {
        let me = self.clone();
        Box::pin(async move {
            op.check()?;
            let noted = me.judging.note_write(&op);
            let answer_of: fn(bool) -> Return = match op {
                Op::Put { .. } => |_| Return::Put,
                Op::Delete { .. } => |existed| Return::Deleted { existed },
                Op::Cas { .. } => Return::Swapped,
            };
            let result = me.timed(true, me.store.write(op, call)).await;
            match &result {
                Ok(written) => {
                    let answer = answer_of(written.effect);
                    me.judging.returned(noted, answer, me.position(written));
                }
                Err(error) if error.says_nothing_happened() => me.judging.did_nothing(noted),
                // It may take effect yet.
                Err(_) => {}
            }
            result
        })
    }

    fn get(&self, key: &str, call: Call) -> Promised<Option<Bytes>> {
        let (me, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            check_key(&key)?;
            let is_judged = call.consistency == Consistency::Linearizable;
            let noted = is_judged.then(|| me.judging.invoked(&key, linear::Call::Get));
            let result = me.timed(false, me.store.get(&key, call)).await;
            if let Some(noted) = noted {
                match &result {
                    Ok(value) => {
                        let answer = Return::Value(value.clone());
                        me.judging.returned(noted, answer, None);
                    }
                    Err(_) => me.judging.did_nothing(noted),
                }
            }
            result
        })
    }

    fn scan(&self, prefix: &str, limit: u32, call: Call) -> Promised<Vec<Pair>> {
        self.timed(false, self.store.scan(prefix, limit, call))
    }

    fn status(&self) -> Promised<Status> {
        self.store.status()
    }

    fn watch(&self, changed: Rc<dyn Fn()>) -> Watch {
        self.store.watch(changed)
    }

    fn position(&self, written: &Written) -> Option<Position> {
        self.store.position(written)
    }
}

impl ApiError {
    /// Whether a write that failed so had no effect and never will.
    pub fn says_nothing_happened(&self) -> bool {
        matches!(
            self.code,
            "BAD_ARGUMENT"
                | "BUSY"
                | "DENIED"
                | "KEY_TOO_LARGE"
                | "NO_LEADER"
                | "NO_SUCH_NODE"
                | "NOT_RUNNING"
                | "OLD_ETCD"
                | "SIGN_IN"
                | "STORAGE_FULL"
                | "UNREACHABLE"
                | "UNSUPPORTED"
                | "VALUE_TOO_LARGE"
        )
    }
}
