//! Elections: who leads, what a leader has, and who voted for whom.

use super::{FIRST, Replicas};
use crate::node::Node;
use crate::sim::disk::Disk;
use crate::wire::{NodeId, RaftKind, RaftMessage};

impl Replicas {
    /// Election safety: no two lead one term, and nobody takes another for its leader. A leader is
    /// known before anything that it sends, or by that: it may have led for less than a turn.
    pub fn leads(&mut self, id: NodeId, node: &Node) {
        let (leader, term) = (node.leader(), node.term());
        if !node.is_leader() {
            let leads = self.leaders.get(&term).copied();
            if leader != 0 && leads != Some(leader) {
                self.violated(format!(
                    "{id} follows {leader} in term {term}, which is led by {leads:?}"
                ));
            }
            return;
        }
        match self.leaders.get(&term) {
            Some(leader) if *leader == id => {}
            Some(leader) => {
                let what = format!("{id} and {leader} both lead term {term}");
                self.violated(what);
            }
            None => {
                self.leaders.insert(term, id);
                self.has_all_committed(id, node);
            }
        }
    }

    /// Leader completeness: what was committed in a term is in the logs of the leaders of all later
    /// terms. That a log has one entry of another makes them equal up to there (log matching).
    fn has_all_committed(&mut self, id: NodeId, node: &Node) {
        let term = node.term();
        let before = self.committed_by.iter().rposition(|by| *by < term);
        let Some(entry) = before.map(|place| &self.committed[place]) else {
            return;
        };
        let log = node.log();
        let compacted = entry.index + 1 < log.first();
        if !compacted && log.term_at(entry.index) != Some(entry.term) {
            let (index, of) = (entry.index, entry.term);
            let has = log.term_at(index);
            self.violated(format!(
                "{id} leads term {term} without what was committed at {index} in term {of}: {has:?}"
            ));
        }
    }

    /// What a replica says in messages must be on its disk already, but for a leader's appends.
    pub fn promised(&mut self, id: NodeId, messages: &[RaftMessage], disk: &Disk) {
        let durable = disk.durable;
        for message in messages.iter().filter(|message| !message.reject) {
            let gives_word = matches!(
                message.kind,
                RaftKind::RequestVote | RaftKind::RequestVoteResponse | RaftKind::AppendResponse
            );
            if gives_word && self.forgetful.contains(&id) {
                let (kind, term) = (message.kind, message.term);
                self.violated(format!(
                    "{id} gives its word in term {term}, {kind:?}, and has forgotten what it gave"
                ));
            }
            let vote = match message.kind {
                RaftKind::Append | RaftKind::Heartbeat | RaftKind::Snapshot => {
                    self.spoke_as_leader(id, message.term);
                    continue;
                }
                RaftKind::HeartbeatResponse => {
                    if durable.term < message.term {
                        let (term, leader) = (message.term, message.to);
                        self.violated(format!(
                            "{id} follows {leader} in term {term}; its disk has {durable:?}"
                        ));
                    }
                    continue;
                }
                RaftKind::RequestVote => id,
                RaftKind::RequestVoteResponse => message.to,
                RaftKind::AppendResponse => {
                    // One that was gathered when a leader of a later term replaced its entries goes
                    // out late, with the disk in that term: it is as if it had been on its way.
                    let lacks = durable.last_index < message.index;
                    if durable.term < message.term || (durable.term == message.term && lacks) {
                        let (term, index) = (message.term, message.index);
                        self.violated(format!(
                            "{id} said it has {index} in term {term}; its disk has {durable:?}"
                        ));
                    }
                    continue;
                }
                _ => continue,
            };
            // A disk that is in a later term already cannot vote in this one again.
            if durable.term < message.term || (durable.term == message.term && durable.vote != vote)
            {
                let term = message.term;
                self.violated(format!(
                    "{id} voted for {vote} in term {term}; its disk has {durable:?}"
                ));
            }
            let cast = *self.votes.entry((id, message.term)).or_insert(vote);
            if cast != vote {
                let term = message.term;
                self.violated(format!("{id} voted for {cast} and {vote} in term {term}"));
            }
        }
    }

    fn spoke_as_leader(&mut self, id: NodeId, term: u64) {
        let leader = *self.leaders.entry(term).or_insert(id);
        if leader != id {
            self.violated(format!(
                "{id} speaks as the leader of term {term}, which {leader} leads"
            ));
        }
    }

    /// Takes down that an entry is committed, as `node` knows it.
    pub(super) fn committed_in(&mut self, term: u64) {
        debug_assert_eq!(self.committed_by.len() + 1, self.committed.len());
        self.committed_by.push(term);
    }

    /// The place of an index among the committed entries.
    pub(super) fn place(index: u64) -> Option<usize> {
        usize::try_from(index.checked_sub(FIRST)?).ok()
    }
}
