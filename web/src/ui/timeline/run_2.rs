//! Runs that were saved in version 2 of the format: a status did not name the tab yet.

use serde::Deserialize;

use super::Image;
use crate::model::{NodeStatus, Progress, Role, State};

pub const VERSION: u8 = 2;

/// A status as it was then.
#[derive(Deserialize)]
pub struct Node(#[serde(with = "Fields")] NodeStatus);

#[derive(Deserialize)]
#[serde(remote = "NodeStatus")]
struct Fields {
    id: u64,
    state: State,
    role: Role,
    here: bool,
    term: u64,
    vote: u64,
    leader: u64,
    first_index: u64,
    last_index: u64,
    commit: u64,
    applied: u64,
    snapshot_index: u64,
    snapshot_term: u64,
    wal_records: u64,
    wal_bytes: u64,
    keys: u64,
    digest: String,
    epoch: u64,
    voters: Vec<u64>,
    learners: Vec<u64>,
    member: bool,
    terms: Vec<(u64, u64)>,
    progress: Vec<Progress>,
    problem: String,
    #[serde(skip)]
    tab: String,
}

impl From<Image<Node>> for Image {
    fn from(old: Image<Node>) -> Self {
        Self {
            about: old.about,
            nodes: old.nodes.into_iter().map(|it| it.0).collect(),
            links: old.links,
            samples: old.samples,
            rates: old.rates,
            marks: old.marks,
            readings: old.readings,
            events: old.events,
        }
    }
}
