//! The simulator's history as the judge wants it.

use super::{Call, Operation, Position, Return, Returned};
use crate::check::History;
use crate::check::history::Answered;
use crate::kv::{Op, Outcome};
use crate::wire::{Answer, Ask, Read};

/// Writes and linearizable reads. A write that was refused counts as of unknown outcome: an earlier
/// attempt of it may have been applied.
impl From<&History> for Vec<Operation> {
    fn from(history: &History) -> Self {
        let operations = history.requests.iter().filter_map(|request| {
            let (key, call) = match &request.ask {
                Ask::Write { op, .. } => {
                    let call = match op.clone() {
                        Op::Put { value, .. } => Call::Put { value },
                        Op::Delete { .. } => Call::Delete,
                        Op::Cas {
                            expected, value, ..
                        } => Call::Cas { expected, value },
                    };
                    (op.key().to_owned(), call)
                }
                Ask::Get {
                    key,
                    read: Read::Linearizable,
                } => (key.clone(), Call::Get),
                _ => return None,
            };
            Some(Operation {
                client: request.client,
                key,
                call,
                invoked: request.at(),
                returned: request.answer.as_ref().and_then(returned),
            })
        });
        operations.collect()
    }
}

fn returned(answered: &Answered) -> Option<Returned> {
    let (answer, position) = match &answered.answer {
        Answer::Value(value) => (Return::Value(value.clone()), None),
        Answer::Applied(applied) => {
            let answer = match applied.outcome {
                Outcome::Put => Return::Put,
                Outcome::Deleted { existed } => Return::Deleted { existed },
                Outcome::Swapped(swapped) => Return::Swapped(swapped),
                Outcome::Opened | Outcome::Changed | Outcome::Refused(_) => return None,
            };
            let position = Position {
                index: applied.index,
                term: applied.term,
            };
            (answer, Some(position))
        }
        _ => return None,
    };
    Some(Returned {
        at: answered.at(),
        answer,
        position,
    })
}
