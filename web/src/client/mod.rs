//! The page's side of the cluster.

use crate::model::*;

/// A handle to the cluster; cheap to clone. The page's buttons and `window.tabraft` both call it.
#[derive(Clone)]
pub struct Cluster {}

impl Cluster {
    pub fn status(&self) -> Status {
        Status::default()
    }
    pub fn events(&self, _since: u64) -> Vec<Event> {
        vec![]
    }
    pub fn faults(&self) -> Vec<FaultyLink> {
        vec![]
    }
    /// Sentences that the page must show: a bad URL parameter, no IndexedDB, storage full, ...
    pub fn notices(&self) -> Vec<String> {
        vec![]
    }
    pub fn dismiss_notice(&self, _n: usize) {}
    /// Called at every change, never re-entrantly.
    pub fn subscribe(&self, _f: Box<dyn Fn(&Update)>) {}
    pub async fn put(&self, _key: &str, _value: &str, _call: Call) -> Result<Written, ApiError> {
        todo!()
    }
    pub async fn get(&self, _key: &str, _call: Call) -> Result<Option<String>, ApiError> {
        todo!()
    }
    pub async fn delete(&self, _key: &str, _call: Call) -> Result<Written, ApiError> {
        todo!()
    }
    pub async fn cas(
        &self,
        _key: &str,
        _expected: Option<&str>,
        _value: &str,
        _call: Call,
    ) -> Result<Written, ApiError> {
        todo!()
    }
    pub async fn scan(
        &self,
        _prefix: &str,
        _limit: u32,
        _call: Call,
    ) -> Result<Vec<(String, String)>, ApiError> {
        todo!()
    }
    pub async fn start(&self, _id: u64) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn stop(&self, _id: u64) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn crash(&self, _id: u64) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn pause(&self, _id: u64, _ms: Option<f64>) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn resume(&self, _id: u64) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn open_tab(&self, _id: u64) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn partition(&self, _groups: Vec<Vec<u64>>) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn heal(&self) -> Result<(), ApiError> {
        todo!()
    }
    pub async fn link(&self, _from: u64, _to: u64, _fault: LinkFault) -> Result<(), ApiError> {
        todo!()
    }
}
