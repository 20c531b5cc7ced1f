//! A cluster of etcd processes, over the JSON gateway to its v3 API, from the page itself.
//!
//! - [`json`] is what is said and answered; [`fetch`] one request to one endpoint
//! - [`endpoints`]: whom to ask next; [`fault`]: what an error means
//! - [`kv`]: reads and writes, as a [`Store`](super::store::Store)
//! - [`look`]: whether an endpoint is what it should be; [`members`]: who there is, and how they
//!   are; [`status`]: that in the page's shapes; [`watch`]: that something changed
//!
//! A request goes to an endpoint that answers, and to the next if that one has not taken it. What
//! may have taken effect is never sent twice: etcd has no sessions that would make it take effect
//! once.

mod endpoints;
mod fault;
mod fetch;
mod json;
mod kv;
mod look;
pub mod members;
mod status;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;

use self::endpoints::{Endpoint, nobody, pick};
use self::fault::{Fault, sign_in};
use self::fetch::Lost;
pub use self::json::{Json, Keys};
pub use self::json::{compare, put, txn};
pub use self::look::Look;
use self::members::{Member, News};
use super::deadline::Deadline;
use super::now;
use super::within;
use crate::model::ApiError;

/// Between two looks for an endpoint that is free or answers again, in milliseconds.
const LOOK_MS: u32 = 50;
/// Between two attempts, where nobody has taken a request, in milliseconds.
const AGAIN_MS: u32 = 50;

/// A handle; cheap to clone. Its members are asked how they are until the last one is dropped.
#[derive(Clone)]
pub struct Etcd(Rc<Inner>);

struct Inner {
    /// The cluster's id.
    identity: u64,
    endpoints: RefCell<Vec<Endpoint>>,
    members: RefCell<Vec<Member>>,
    /// The number of each member, by etcd's id: ids are too long for people, and for JavaScript.
    numbers: RefCell<BTreeMap<u64, u64>>,
    leader: Cell<u64>,
    login: RefCell<Option<Login>>,
    /// Who waits for a free endpoint.
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
    heard: RefCell<Option<Hear>>,
    own: RefCell<Own>,
}

type Hear = Rc<dyn Fn(News)>;

/// Kept in memory alone, and as long as the page is open.
struct Login {
    name: String,
    password: String,
    token: String,
}

/// Which revisions are this client's, to tell what others wrote.
#[derive(Default)]
struct Own {
    revisions: BTreeSet<u64>,
    /// Writes of a key whose revision is not known, or not yet, by the key's hash.
    unsure: HashMap<u64, u32>,
}

impl Etcd {
    /// The cluster's id, as etcd's tools write it.
    pub fn id(&self) -> String {
        format!("{:x}", self.0.identity)
    }

    pub fn identity(&self) -> u64 {
        self.0.identity
    }

    /// Sends a request to whoever can take it, and again while it certainly was not taken.
    async fn call(
        &self,
        path: &str,
        body: &str,
        is_write: bool,
        target: Option<u64>,
        timeout_ms: f64,
    ) -> Result<Json, ApiError> {
        let deadline = Deadline::after(timeout_ms);
        let mut renewed = false;
        loop {
            let (at, url) = self.turn(target, deadline).await?;
            let token = self.token();
            let left_ms = deadline.left(f64::MAX);
            let answer =
                fetch::post(&format!("{url}{path}"), body, token.as_deref(), left_ms).await;
            self.release(at);
            let fault = match answer {
                Ok(reply) if reply.is_ok => {
                    self.check_cluster(at, &reply.body, is_write)?;
                    return Ok(reply.body);
                }
                Ok(reply) => Fault::of(reply.body.whole("code"), &reply.body.text("message")),
                Err(Lost::Large) if !is_write => return Err(too_large()),
                Err(lost) => {
                    if lost != Lost::Time {
                        self.note_down(at, format!("{url} does not answer."));
                    }
                    if is_write || lost == Lost::Time {
                        return Err(lost.unknown(&url, timeout_ms));
                    }
                    Fault::Again
                }
            };
            match fault {
                Fault::Token if self.may_renew() && !renewed => {
                    renewed = true;
                    self.renew(deadline).await?;
                }
                Fault::Token => return Err(sign_in()),
                Fault::Refused(error) => return Err(error),
                Fault::Unknown if is_write => {
                    return Err(ApiError::new(
                        "TIMEOUT",
                        format!("{url} had no answer from its cluster; the outcome is unknown."),
                    ));
                }
                Fault::Again | Fault::Unknown => {
                    if !deadline.pause(AGAIN_MS).await {
                        return Err(nobody_took_it(deadline));
                    }
                }
            }
        }
    }

    /// Waits until an endpoint is free, and takes a place there.
    async fn turn(
        &self,
        target: Option<u64>,
        deadline: Deadline,
    ) -> Result<(usize, String), ApiError> {
        let mut place = None;
        loop {
            if let Some(taken) = self.take(target) {
                return Ok(taken);
            }
            if deadline.is_over() {
                let why = nobody(&self.0.endpoints.borrow(), target);
                return Err(match why {
                    Some(why) => ApiError::new("UNREACHABLE", format!("{why} Nothing was sent.")),
                    None => nobody_took_it(deadline),
                });
            }
            // Nobody calls when a dead endpoint comes back: it looks itself, and keeps its place.
            let called = within(place.get_or_insert_with(|| self.queue()), LOOK_MS).await;
            if called.is_some() {
                place = None;
            }
        }
    }

    /// A place in the queue for a free endpoint.
    fn queue(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.waiting.borrow_mut();
        if waiting.len() == waiting.capacity() {
            // Before it grows: not for those that have left.
            waiting.retain(|it| !it.is_canceled());
        }
        waiting.push_back(sender);
        receiver
    }

    fn take(&self, target: Option<u64>) -> Option<(usize, String)> {
        let mut endpoints = self.0.endpoints.borrow_mut();
        let at = pick(&endpoints, target, self.0.leader.get())?;
        endpoints[at].busy += 1;
        Some((at, endpoints[at].url.clone()))
    }

    fn release(&self, at: usize) {
        if let Some(endpoint) = self.0.endpoints.borrow_mut().get_mut(at) {
            endpoint.busy = endpoint.busy.saturating_sub(1);
        }
        let mut waiting = self.0.waiting.borrow_mut();
        // Those that no longer wait cannot be told.
        while let Some(next) = waiting.pop_front() {
            if next.send(()).is_ok() {
                break;
            }
        }
    }

    fn note_down(&self, at: usize, why: String) {
        if let Some(endpoint) = self.0.endpoints.borrow_mut().get_mut(at) {
            endpoint.down(why, now());
        }
    }

    /// An answer of another cluster is no answer.
    fn check_cluster(&self, at: usize, body: &Json, is_write: bool) -> Result<(), ApiError> {
        let found = body.get("header").whole("cluster_id");
        if found == self.0.identity {
            return Ok(());
        }
        let url = self.0.endpoints.borrow().get(at).map(|it| it.url.clone());
        let error = look::foreign(&url.unwrap_or_default(), found, self.0.identity);
        self.note_down(at, error.message.clone());
        match is_write {
            true => Err(ApiError {
                message: format!(
                    "{} This write it took, before that was seen.",
                    error.message
                ),
                ..error
            }),
            false => Err(error),
        }
    }

    // Who asks.

    fn token(&self) -> Option<String> {
        let login = self.0.login.borrow();
        login.as_ref().map(|login| login.token.clone())
    }

    fn may_renew(&self) -> bool {
        self.0.login.borrow().is_some()
    }

    async fn renew(&self, deadline: Deadline) -> Result<(), ApiError> {
        let known = {
            let login = self.0.login.borrow();
            let known = login.as_ref();
            known.map(|login| (login.name.clone(), login.password.clone()))
        };
        let (name, password) = known.ok_or_else(sign_in)?;
        self.sign_in(&name, &password, deadline).await
    }

    /// Gets a token for a name and a password, which are kept to get another when it has expired.
    ///
    /// # Errors
    /// `DENIED` if they are wrong; `BAD_ARGUMENT` where nobody need sign in; `UNREACHABLE`.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        let body = format!(
            r#"{{"name":{},"password":{}}}"#,
            json::quoted(name),
            json::quoted(password)
        );
        loop {
            let (at, url) = self.turn(None, deadline).await?;
            let left_ms = deadline.left(f64::MAX);
            let answer =
                fetch::post(&format!("{url}/v3/auth/authenticate"), &body, None, left_ms).await;
            self.release(at);
            match answer {
                Ok(reply) if reply.is_ok => {
                    *self.0.login.borrow_mut() = Some(Login {
                        name: name.to_owned(),
                        password: password.to_owned(),
                        token: reply.body.text("token"),
                    });
                    return Ok(());
                }
                Ok(reply) => {
                    let said = reply.body.text("message");
                    if said.contains("authentication failed") {
                        let sentence = "etcd does not know this name with this password.";
                        return Err(ApiError::new("DENIED", sentence));
                    }
                    if let Fault::Refused(error) = Fault::of(reply.body.whole("code"), &said) {
                        return Err(error);
                    }
                }
                Err(Lost::Time) => {}
                Err(_) => self.note_down(at, format!("{url} does not answer.")),
            }
            if !deadline.pause(AGAIN_MS).await {
                return Err(nobody_took_it(deadline));
            }
        }
    }
}

fn too_large() -> ApiError {
    let sentence = "The answer is too large to be read. Ask for fewer pairs at a time.";
    ApiError::new("ANSWER_TOO_LARGE", sentence)
}

fn nobody_took_it(deadline: Deadline) -> ApiError {
    let sentence = format!(
        "No member took the request within {}. Nothing happened.",
        deadline.in_words()
    );
    ApiError::new("NO_LEADER", sentence)
}

/// Lets the browser draw between two pieces of long work.
pub async fn breathe() {
    TimeoutFuture::new(0).await;
}
