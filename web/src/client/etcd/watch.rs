//! That something changed: etcd's watch over the gateway, an answer without an end, one line of
//! JSON for each batch of events.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::endpoints::{Health, pick};
use super::fetch::Pieces;
use super::json::Keys;
use super::{Etcd, Inner, fetch};
use crate::client::store::Watch;

/// Before a watch that broke is begun anew, in milliseconds.
const AGAIN_MS: u32 = 500;

/// Watches all keys. What changed while no watch stood is told of when the next one stands.
pub fn begin(etcd: &Etcd, changed: Rc<dyn Fn()>) -> Watch {
    let ended = Rc::new(Cell::new(false));
    let (over, inner) = (ended.clone(), Rc::downgrade(&etcd.0));
    let Ok(controller) = AbortController::new() else {
        return Watch::new(|| {});
    };
    let signal = controller.clone();
    spawn_local(async move {
        let mut first = true;
        while !over.get() {
            follow(&inner, &signal, &over, &changed, first).await;
            if inner.strong_count() == 0 {
                return;
            }
            first = false;
            TimeoutFuture::new(AGAIN_MS).await;
        }
    });
    Watch::new(move || {
        ended.set(true);
        controller.abort();
    })
}

/// One watch, until it breaks.
async fn follow(
    inner: &Weak<Inner>,
    end: &AbortController,
    over: &Cell<bool>,
    changed: &Rc<dyn Fn()>,
    first: bool,
) -> Option<()> {
    let (url, token) = {
        let etcd = Etcd(inner.upgrade()?);
        let endpoints = etcd.0.endpoints.borrow();
        // Not where most of the work is: it takes one of the connections there for good.
        let up = endpoints
            .iter()
            .filter(|it| it.listed && it.health == Health::Up);
        let free = up.max_by_key(|it| it.member != etcd.0.leader.get());
        let any = || pick(&endpoints, None, 0).and_then(|at| endpoints.get(at));
        (free.or_else(any)?.url.clone(), etcd.token())
    };
    let keys = Keys::under(b"").json();
    let body = format!(r#"{{"create_request":{{{keys}}}}}"#);
    let response = fetch::open(&format!("{url}/v3/watch"), &body, token.as_deref(), end).await?;
    let mut pieces = Pieces::of(&response)?;
    let mut lines = 0_u64;
    loop {
        let piece = pieces.next().await.ok()??;
        if over.get() {
            return None;
        }
        let news = piece.to_vec().iter().filter(|it| **it == b'\n').count() as u64;
        // The first line says that the watch stands.
        let is_first = lines == 0;
        lines += news;
        if news > 0 && (!is_first || news > 1 || !first) {
            changed();
        }
    }
}
