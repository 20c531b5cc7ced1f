//! A page whose cluster is etcd: machines in place of tabs.

use std::rc::Rc;

use tabraft::check::journal::hash;

use super::deadline::Deadline;
use super::etcd::Etcd;
use super::etcd::members::{Member, News};
use super::judging::Judging;
use super::{Cluster, now};
use crate::model::{ApiError, Event, Update};
use crate::settings::Engine;

/// For signing in, in milliseconds.
const SIGN_IN_MS: f64 = 5_000.0;

const NO_ENDPOINTS: &str = "Which etcd? Name its endpoints below, or in the address: \
    ?engine=etcd&endpoints=http://127.0.0.1:2379.";

impl Cluster {
    /// Whether the cluster is made of tabs, so that what only they can do can be done.
    pub fn is_of_tabs(&self) -> bool {
        self.0.settings.engine == Engine::Tabs
    }

    /// # Errors
    /// `UNSUPPORTED` where the cluster is etcd.
    pub(super) fn check_tabs(&self, what: &str) -> Result<(), ApiError> {
        match self.is_of_tabs() {
            true => Ok(()),
            false => Err(ApiError::new(
                "UNSUPPORTED",
                format!(
                    "{what} needs replicas in tabs. These are etcd's own processes, which a page \
                     reaches only as a client: it cannot crash, cut off or change them."
                ),
            )),
        }
    }

    pub(super) async fn join_machines(&self) -> Result<(), ApiError> {
        let endpoints = &self.0.settings.endpoints;
        if endpoints.is_empty() {
            return Err(ApiError::new("NO_ENDPOINTS", NO_ENDPOINTS));
        }
        let etcd = Etcd::connect(endpoints).await.map_err(|error| ApiError {
            message: format!("{} Reload this page to try again.", error.message),
            ..error
        })?;
        for problem in etcd.problems() {
            self.notice(problem);
        }
        let weak = Rc::downgrade(&self.0);
        let name = format!("etcd-{}", etcd.id());
        let judged = weak.clone();
        let judging = Judging::new(&name, etcd.identity(), super::random(), move || {
            if let Some(inner) = judged.upgrade() {
                Cluster(inner).look_for_news();
            }
        });
        let judging =
            judging.map_err(|e| ApiError::browser("This browser has no BroadcastChannel", &e))?;
        let judged = self.judged_store(Rc::new(etcd.clone()), Rc::new(judging));
        etcd.hear(move |news| {
            if let Some(inner) = weak.upgrade() {
                Cluster(inner).on_machines(news);
            }
        });
        if self.0.etcd.set(etcd).is_err() || self.0.judged.set(judged).is_err() {
            return Err(ApiError::new("CLOSED", "The page joined twice."));
        }
        Ok(())
    }

    fn on_machines(&self, news: News) {
        match news {
            News::Asked => {
                self.note_leader();
                self.tell(Update::Status);
            }
            News::Endpoint(sentence, is_good) => {
                let kind = if is_good { "host" } else { "problem" };
                self.machine_event(0, kind, sentence, 0);
            }
            News::Foreign(key) => {
                if let Some(judged) = self.0.judged.get() {
                    judged.judging.others_write([hash(&key)]);
                }
            }
        }
    }

    /// Another leader is an event.
    fn note_leader(&self) {
        let status = self.status();
        let leads = (status.leader, status.term);
        let before = self.0.led.replace(leads);
        if before != leads && leads.0 != 0 {
            let text = format!("Node {} leads in term {}.", leads.0, leads.1);
            self.machine_event(leads.0, "role", text, leads.1);
        }
    }

    fn machine_event(&self, node: u64, kind: &str, text: String, term: u64) {
        self.add_event(Event {
            seq: 0,
            at_ms: now(),
            node,
            kind: kind.into(),
            text,
            term,
        });
    }

    /// The members of an etcd; of tabs, none.
    pub fn machines(&self) -> Vec<Member> {
        let etcd = self.0.etcd.get();
        etcd.map(Etcd::members).unwrap_or_default()
    }

    /// Signs in where etcd has authentication on. Name and password are kept in memory only.
    ///
    /// # Errors
    /// `DENIED`; `BAD_ARGUMENT` where nobody need; `UNSUPPORTED` of tabs.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<(), ApiError> {
        self.ready().await?;
        let tabs = || ApiError::new("UNSUPPORTED", "Tabs know no names and passwords.");
        let etcd = self.0.etcd.get().ok_or_else(tabs)?;
        let deadline = Deadline::after(SIGN_IN_MS);
        etcd.sign_in(name, password, deadline).await
    }
}
