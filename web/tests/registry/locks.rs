//! Web Locks, and what they are called.

use futures_util::future::{FutureExt, join3};
use gloo_timers::future::TimeoutFuture;
use tabraft_web::host::lock::{self, LockState, Mode};
use tabraft_web::names;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::fresh;

async fn states(name: &str) -> Vec<LockState> {
    let locks = lock::query().await.expect("the locks");
    let of_name = locks.into_iter().filter(|(found, _)| found == name);
    of_name.map(|(_, state)| state).collect()
}

async fn take(name: &str, mode: Mode) -> Option<lock::Held> {
    lock::acquire(name, mode).await.expect("the lock")
}

#[wasm_bindgen_test]
async fn a_lock_has_one_holder_and_then_the_next_in_the_queue() {
    let name = fresh("queue");
    let held = take(&name, Mode::Wait).await.expect("held");
    assert!(take(&name, Mode::IfAvailable).await.is_none());
    let first = async {
        let held = take(&name, Mode::Wait).await;
        TimeoutFuture::new(20).await;
        assert_eq!(states(&name).await, [LockState::Held, LockState::Pending]);
        drop(held);
        1
    };
    let second = async {
        let _held = take(&name, Mode::Wait).await;
        2
    };
    let holder = async {
        TimeoutFuture::new(20).await;
        use LockState::{Held, Pending};
        assert_eq!(states(&name).await, [Held, Pending, Pending]);
        held.release();
    };
    let (first, second, ()) = join3(first, second, holder).await;
    assert_eq!((first, second), (1, 2));
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, []);
}

#[wasm_bindgen_test]
async fn who_stops_waiting_leaves_the_queue() {
    let name = fresh("withdrawn");
    let held = take(&name, Mode::Wait).await.expect("held");
    let mut waiting = Box::pin(lock::acquire(&name, Mode::Wait));
    assert!(waiting.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held, LockState::Pending]);
    drop(waiting);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held]);
    drop(held);
    assert!(take(&name, Mode::Wait).await.is_some());
}

/// Granted while nobody looks, and then given up: it must not stay held.
#[wasm_bindgen_test]
async fn a_lock_granted_too_late_is_let_go() {
    let name = fresh("late");
    let mut waiting = Box::pin(lock::acquire(&name, Mode::Wait));
    assert!(waiting.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held]);
    drop(waiting);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, []);
}

#[wasm_bindgen_test]
async fn a_stolen_lock_is_reported_and_a_released_one_is_not() {
    let name = fresh("stolen");
    let held = take(&name, Mode::Wait).await.expect("held");
    let lost = held.lost();
    assert!(held.lost().now_or_never().is_none());
    let thief = take(&name, Mode::Steal).await.expect("stolen");
    lost.await;
    held.lost().await;
    drop(held);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held], "the thief has it");

    let lost = thief.lost();
    thief.release();
    TimeoutFuture::new(20).await;
    assert!(lost.now_or_never().is_none());
}

#[wasm_bindgen_test]
async fn a_shared_lock_is_held_by_all_who_share_it() {
    use LockState::{Held, Pending};
    let name = fresh("shared");
    let one = take(&name, Mode::Shared).await.expect("held");
    let two = take(&name, Mode::Shared).await.expect("held, too");
    assert!(take(&name, Mode::IfAvailable).await.is_none());
    let mut alone = Box::pin(lock::acquire(&name, Mode::Wait));
    assert!(alone.as_mut().now_or_never().is_none());
    // In the queue like everybody: it does not overtake who wants the lock alone.
    let mut three = Box::pin(lock::acquire(&name, Mode::Shared));
    assert!(three.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [Held, Held, Pending, Pending]);
    drop(one);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [Held, Pending, Pending]);
    drop(two);
    let alone = alone.await.expect("the lock").expect("held alone");
    assert_eq!(states(&name).await, [Held, Pending]);
    drop(alone);
    assert!(three.await.expect("the lock").is_some());
}

/// As pages wait for a host to end: all of them hear of it.
#[wasm_bindgen_test]
async fn all_who_share_a_lock_get_it_when_its_holder_ends() {
    let name = fresh("watched");
    let host = take(&name, Mode::Steal).await.expect("held");
    let watch = || async {
        let held = take(&name, Mode::Shared).await;
        TimeoutFuture::new(20).await;
        held.is_some()
    };
    let end = async {
        TimeoutFuture::new(20).await;
        assert_eq!(states(&name).await.len(), 3);
        drop(host);
        TimeoutFuture::new(10).await;
        assert_eq!(states(&name).await, [LockState::Held; 2]);
    };
    assert_eq!(join3(watch(), watch(), end).await, (true, true, ()));
}

#[wasm_bindgen_test]
async fn who_stops_waiting_to_share_leaves_the_queue() {
    let name = fresh("unshared");
    let held = take(&name, Mode::Wait).await.expect("held");
    let mut waiting = Box::pin(lock::acquire(&name, Mode::Shared));
    assert!(waiting.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held, LockState::Pending]);
    drop(waiting);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held]);
    drop(held);
}

/// The next host steals what pages share: each of them hears that it lost it.
#[wasm_bindgen_test]
async fn a_shared_lock_can_be_stolen_from_all() {
    let name = fresh("stolen-shared");
    let one = take(&name, Mode::Shared).await.expect("held");
    let two = take(&name, Mode::Shared).await.expect("held, too");
    let host = take(&name, Mode::Steal).await.expect("stolen");
    one.lost().await;
    two.lost().await;
    drop((one, two));
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held], "the host has it");
    drop(host);
}

#[wasm_bindgen_test]
fn only_the_lock_of_a_host_says_which_replica_it_is_for() {
    let of = |lock: String| names::node_of_lock("demo", &lock);
    assert_eq!(of(names::node_lock("demo", 12)), Some(12));
    assert_eq!(of(names::node_lock("demo2", 12)), None);
    assert_eq!(of(names::alive_lock("demo", 12)), None);
    assert_eq!(of(names::watch_lock("demo", 12)), None);
    assert_ne!(names::alive_lock("demo", 12), names::watch_lock("demo", 12));
}
