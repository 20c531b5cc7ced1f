//! A judge that tries every order, to compare with: slow, and plain enough to believe.

use bytes::Bytes;
use tabraft::check::linear::{Call, Operation, Return};

type State = Option<Bytes>;

/// Whether an order explains the history of one key that was absent.
pub fn explains(history: &[Operation]) -> bool {
    step(history, &mut vec![false; history.len()], &None)
}

fn step(history: &[Operation], done: &mut [bool], state: &State) -> bool {
    let left = |n: usize, done: &[bool]| !done[n] && history[n].returned.is_some();
    if !(0..history.len()).any(|n| left(n, done)) {
        return true;
    }
    for n in 0..history.len() {
        // Nothing that is left may have returned before this one was asked.
        let before = |m: usize| {
            let returned = history[m].returned.as_ref();
            left(m, done) && returned.is_some_and(|r| r.at < history[n].invoked)
        };
        if done[n] || (0..history.len()).any(before) {
            continue;
        }
        let (answer, next) = apply(&history[n].call, state);
        let fits = history[n]
            .returned
            .as_ref()
            .is_none_or(|returned| returned.answer == answer);
        if fits {
            done[n] = true;
            if step(history, done, &next) {
                return true;
            }
            done[n] = false;
        }
    }
    false
}

/// What a single copy answers, and what it has then.
pub fn apply(call: &Call, state: &State) -> (Return, State) {
    match call {
        Call::Put { value } => (Return::Put, Some(value.clone())),
        Call::Delete => {
            let existed = state.is_some();
            (Return::Deleted { existed }, None)
        }
        Call::Cas { expected, value } if expected == state => {
            (Return::Swapped(true), Some(value.clone()))
        }
        Call::Cas { .. } => (Return::Swapped(false), state.clone()),
        Call::Get => (Return::Value(state.clone()), state.clone()),
    }
}
