//! Room for requests in a tab: who finds none waits for his turn, and is told so only when his time
//! is up.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

use crate::model::ApiError;

/// Requests that a tab keeps, and bytes of keys and values in them; one may have more.
const REQUESTS_MAX: usize = 65_536;
const BYTES_MAX: usize = 64 << 20;

/// A handle to the room of a tab.
#[derive(Clone, Default)]
pub struct Room(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    requests: usize,
    bytes: usize,
    line: VecDeque<Waiting>,
}

struct Waiting {
    bytes: usize,
    deadline_ms: f64,
    turn: oneshot::Sender<Result<Place, ApiError>>,
}

/// Taken until it is dropped.
pub struct Place {
    room: Room,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.room.0.borrow_mut();
        inner.requests -= 1;
        inner.bytes -= self.bytes;
    }
}

impl Room {
    /// Waits for a place for a request of `bytes`, in order.
    ///
    /// # Errors
    /// `BUSY` if [`Room::sweep`] finds it waiting after `deadline_ms`, of the Unix epoch.
    pub async fn enter(&self, bytes: usize, deadline_ms: f64) -> Result<Place, ApiError> {
        let receiver = {
            let mut inner = self.0.borrow_mut();
            if inner.line.is_empty() && inner.fits(bytes) {
                drop(inner);
                return Ok(self.take(bytes));
            }
            let (turn, receiver) = oneshot::channel();
            inner.line.push_back(Waiting {
                bytes,
                deadline_ms,
                turn,
            });
            receiver
        };
        receiver.await.unwrap_or_else(|_| Err(full()))
    }

    /// Turns away whose time is up, and lets in who fits now.
    pub fn sweep(&self, now: f64) {
        let mut inner = self.0.borrow_mut();
        let (late, line) = std::mem::take(&mut inner.line)
            .into_iter()
            .partition(|one| now >= one.deadline_ms);
        inner.line = line;
        drop(inner);
        let late: VecDeque<Waiting> = late;
        for one in late {
            // A caller that is gone does not mind.
            drop(one.turn.send(Err(full())));
        }
        self.let_in();
    }

    /// Lets in who fits now.
    pub fn let_in(&self) {
        while let Some(one) = self.next() {
            let place = self.take(one.bytes);
            // What a caller that is gone was given is dropped, and so given back.
            drop(one.turn.send(Ok(place)));
        }
    }

    /// Callers that wait.
    pub fn waiting(&self) -> usize {
        self.0.borrow().line.len()
    }

    fn next(&self) -> Option<Waiting> {
        let mut inner = self.0.borrow_mut();
        let bytes = inner.line.front()?.bytes;
        match inner.fits(bytes) {
            true => inner.line.pop_front(),
            false => None,
        }
    }

    fn take(&self, bytes: usize) -> Place {
        let mut inner = self.0.borrow_mut();
        inner.requests += 1;
        inner.bytes += bytes;
        let room = self.clone();
        Place { room, bytes }
    }
}

impl Inner {
    fn fits(&self, bytes: usize) -> bool {
        self.requests == 0 || (self.requests < REQUESTS_MAX && self.bytes + bytes <= BYTES_MAX)
    }
}

fn full() -> ApiError {
    ApiError::new(
        "BUSY",
        format!(
            "This tab has {REQUESTS_MAX} requests or {} MiB under way, and none was answered in time \
             to make room for this one. Nothing was sent.",
            BYTES_MAX >> 20
        ),
    )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn who_finds_no_room_waits_for_his_turn() {
        let room = Room::default();
        let half = BYTES_MAX / 2;
        let first = room.enter(half, 1e3).await.expect("room");
        let second = room.enter(half, 1e3).await.expect("room");
        let mut third = Box::pin(room.enter(half, 1e3));
        let mut fourth = Box::pin(room.enter(1, 2e3));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(fourth.as_mut().now_or_never().is_none(), "nobody overtakes");
        assert_eq!(room.waiting(), 2);
        drop(first);
        room.let_in();
        let third = third.await.expect("its turn");
        assert!(fourth.as_mut().now_or_never().is_none());

        room.sweep(1.5e3);
        assert!(fourth.as_mut().now_or_never().is_none(), "it has time left");
        room.sweep(2e3);
        let error = fourth.await.err().expect("too late");
        assert_eq!(error.code, "BUSY");
        drop((second, third));
        assert_eq!(room.0.borrow().bytes, 0);
    }

    #[wasm_bindgen_test]
    async fn a_caller_that_is_gone_takes_no_room() {
        let room = Room::default();
        let first = room.enter(BYTES_MAX, 1e3).await.expect("room");
        let mut gone = Box::pin(room.enter(1, 1e3));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        drop(first);
        room.let_in();
        assert_eq!((room.waiting(), room.0.borrow().requests), (0, 0));
    }
}
