//! Links between replicas that do not work as they should.

use super::Cluster;
use crate::model::{ApiError, FaultyLink, LinkFault, Update};
use crate::protocol::Word;

impl Cluster {
    /// Cuts every link between replicas of different groups. Replicas in no group are cut off
    /// from all others.
    pub async fn partition(&self, groups: Vec<Vec<u64>>) -> Result<(), ApiError> {
        self.joined().await?;
        let members = self.0.view.borrow().listed();
        for id in groups.iter().flatten() {
            self.check_listed(*id)?;
        }
        let group = |id: &u64| groups.iter().position(|group| group.contains(id));
        let mut links = Vec::new();
        for from in &members {
            for to in members.iter().filter(|to| *to != from) {
                if group(from).is_none() || group(from) != group(to) {
                    links.push(FaultyLink {
                        from: *from,
                        to: *to,
                        fault: LinkFault::CUT,
                    });
                }
            }
        }
        self.set_faults(links).await
    }

    /// Makes all links work.
    pub async fn heal(&self) -> Result<(), ApiError> {
        self.set_faults(Vec::new()).await
    }

    /// Sets how one direction of one link fails; `LinkFault::default()` makes it work.
    pub async fn link(&self, from: u64, to: u64, fault: LinkFault) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_listed(from)?;
        self.check_listed(to)?;
        let mut links = self.faults();
        links.retain(|link| (link.from, link.to) != (from, to));
        if fault != LinkFault::default() {
            links.push(FaultyLink { from, to, fault });
        }
        self.set_faults(links).await
    }

    async fn set_faults(&self, links: Vec<FaultyLink>) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        let is_news = self.faults() != links;
        {
            let mut view = self.0.view.borrow_mut();
            view.faults_stamp = (view.faults_stamp.0 + 1, joined.tabs.tab.clone());
            view.faults.clone_from(&links);
        }
        joined.tabs.say(self.faults_word());
        self.watch_peers();
        self.tell(Update::Faults);
        if is_news {
            self.page_event(0, faults_sentence(&links));
        }
        self.0.hosting.set_faults(&links).await?;
        self.sync_tabs().await
    }

    pub(super) fn faults_word(&self) -> Word {
        let view = self.0.view.borrow();
        Word::Faults {
            stamp: view.faults_stamp.clone(),
            links: view.faults.clone(),
        }
    }
}

fn faults_sentence(links: &[FaultyLink]) -> String {
    if links.is_empty() {
        return "All links work.".into();
    }
    let cut = links.iter().filter(|link| link.fault.is_cut()).count();
    match (cut, links.len() - cut) {
        (1, 0) => "A one-way link is cut.".into(),
        (0, 1) => "A one-way link is impaired.".into(),
        (cut, 0) => format!("{cut} one-way links are cut."),
        (0, poor) => format!("{poor} one-way links are impaired."),
        (cut, poor) => format!("{cut} one-way links are cut, {poor} impaired."),
    }
}
