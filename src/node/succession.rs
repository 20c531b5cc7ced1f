//! What follows when a host learns, sooner than any timeout, that another replica died; and when it
//! learns that it slept itself.
//!
//! Nothing here does what plain Raft does not. A salvaged tail is an append of a leader, late. A
//! successor campaigns as a leadership transfer would have it (Raft thesis, section 3.10), so that
//! the followers' leases (section 6.4.1, `check_quorum`) do not hold it up. A replica that is up
//! again says so; the leader answers with an append, as it may at any time.

use bytes::Bytes;
use raft::eraftpb::{Message, MessageType};
use raft::{ProgressState, StateRole};

use super::admit::may_campaign;
use super::{ELECTION_TICKS, Event, Node};
use crate::wal::salvage::{Unsalvageable, salvage};
use crate::wire::{Address, Body, NodeId, RaftKind, RaftMessage};

/// How raft-rs marks a vote that leases must not hold up.
const CAMPAIGN_TRANSFER: &[u8] = b"CampaignTransfer";

/// A campaign in a dead leader's place.
#[derive(Clone, Copy)]
pub(super) struct Succession {
    leader: NodeId,
    /// The term that the leader led.
    term: u64,
    /// Ticks since its death was known.
    ticks: usize,
    /// Whether the campaign is under way.
    begun: bool,
}

impl Node {
    /// Takes over the end of a dead leader's log, as if its last append had just arrived.
    pub(super) fn on_salvage(&mut self, leader: NodeId, records: &[(u64, Vec<u8>)]) {
        let (cluster, from) = (self.config.cluster, self.commit());
        let tail = match salvage(cluster, leader, records, from) {
            Ok(tail) => tail,
            Err(reason) => {
                let reason = reason.to_string();
                return self.emit(Event::NotSalvaged { leader, reason });
            }
        };
        if tail.term < self.term() {
            let reason = format!("it led term {}, which is over", tail.term);
            return self.emit(Event::NotSalvaged { leader, reason });
        }
        let last = self.raw.raft.raft_log.last_index();
        let message = RaftMessage {
            kind: RaftKind::Append,
            to: self.config.id,
            from: leader,
            term: tail.term,
            index: tail.previous.0,
            log_term: tail.previous.1,
            entries: tail.entries.into(),
            commit: tail.commit,
            ..RaftMessage::empty()
        };
        self.on_raft(leader, message);
        let entries = self.raw.raft.raft_log.last_index().saturating_sub(last);
        self.emit(Event::Salvaged { leader, entries });
    }

    /// Whether these newest records of a dead leader's log reach back far enough for
    /// [`Input::Salvage`](super::Input::Salvage); if not, its host is to read more of them.
    pub fn reaches_back(&self, leader: NodeId, records: &[(u64, Vec<u8>)]) -> bool {
        let salvaged = salvage(self.config.cluster, leader, records, self.commit());
        !matches!(salvaged, Err(Unsalvageable::OutOfReach { .. }))
    }

    /// Campaigns in the place of a leader that is known to be dead.
    pub(super) fn on_succeed(&mut self, leader: NodeId) {
        let raft = &self.raw.raft;
        let leads_no_more = raft.leader_id != leader && raft.leader_id != raft::INVALID_ID;
        if leads_no_more || !raft.promotable() {
            return;
        }
        self.succession = Some(Succession {
            leader,
            term: raft.term,
            ticks: 0,
            begun: false,
        });
        self.take_place();
    }

    /// Begins, or begins anew, the campaign of a successor, as soon as it may.
    pub(super) fn take_place(&mut self) {
        let Some(succession) = self.succession else {
            return;
        };
        let raft = &mut self.raw.raft;
        if !may_campaign(raft) {
            return;
        }
        if raft.state != StateRole::Follower {
            raft.become_follower(raft.term, raft::INVALID_ID);
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgTimeoutNow);
        message.from = succession.leader;
        message.to = self.config.id;
        message.term = raft.term;
        let term = raft.term;
        // An error is raft-rs's way to say no.
        let stepped = raft.step(message).is_ok();
        if stepped && self.raw.raft.term > term {
            self.campaigns += 1;
            if let Some(succession) = &mut self.succession {
                succession.begun = true;
            }
        }
    }

    /// Ends the succession when there is a leader, this replica or another.
    pub(super) fn watch_succession(&mut self) {
        let (leader_id, term) = (self.raw.raft.leader_id, self.raw.raft.term);
        self.succession.take_if(|s| {
            leader_id != raft::INVALID_ID && (leader_id != s.leader || term != s.term)
        });
        if self.succession.is_some_and(|s| !s.begun) {
            self.take_place();
        }
    }

    pub(super) fn age_succession(&mut self) {
        if let Some(succession) = &mut self.succession {
            succession.ticks += 1;
        }
        self.succession.take_if(|s| s.ticks > ELECTION_TICKS);
    }

    /// Whether this replica is on its way into a dead leader's place.
    pub fn is_succeeding(&self) -> bool {
        self.succession.is_some()
    }

    /// Tells all members that this replica is up again.
    pub(super) fn say_hello(&mut self) {
        let me = self.config.id;
        let mut members = self.membership().members();
        members.retain(|id| *id != me);
        for id in members {
            self.send(Address::Node(id), Body::Hello);
        }
    }

    /// A voter that hears of no leader asks for votes, and is told if it is no member any more. A
    /// learner asks for none: it says that it is there.
    pub(super) fn look_for_leader(&mut self) {
        let raft = &self.raw.raft;
        let elapsed = raft.election_elapsed;
        let long = elapsed > 0 && elapsed.is_multiple_of(2 * ELECTION_TICKS);
        if long && !raft.promotable() && self.membership().has(self.config.id) {
            self.say_hello();
        }
    }

    /// A replica is up again, or finds no leader. A leader sends what it misses; a successor asks it
    /// for the vote that it did not hear of.
    pub(super) fn on_hello(&mut self, from: NodeId) {
        if self.knows_no_member(from) {
            return self.tell_not_member(from);
        }
        let tracker = self.raw.raft.prs();
        if tracker.get(from).is_none() {
            return;
        }
        let voted = tracker.votes().contains_key(&from);
        if self.is_leader() {
            self.said.remove(&from);
            self.begin_transfer_anew(from);
            self.probe(from);
        } else if self.succession.is_some_and(|s| s.begun) && !voted {
            self.ask_again(from);
        }
    }

    /// Sends a replica that is up again what it misses: what was on its way to it is lost, and what it
    /// said it has it has. One that waits for a snapshot is sent a heartbeat.
    fn probe(&mut self, id: NodeId) {
        let raft = &mut self.raw.raft;
        let Some(progress) = raft.mut_prs().get_mut(id) else {
            return;
        };
        match progress.state {
            ProgressState::Replicate => progress.become_probe(),
            ProgressState::Probe => progress.resume(),
            ProgressState::Snapshot => return self.raw.ping(),
        }
        raft.send_append(id);
    }

    /// Asks for a vote as [`Node::take_place`] did, in the same term: the question was lost.
    fn ask_again(&mut self, of: NodeId) {
        let raft = &self.raw.raft;
        // Its own vote is its word, and must be durable; until then the question is still to come.
        let asked = raft.state == StateRole::Candidate && self.disk.is_durable_in(raft.term);
        if !asked || !raft.prs().conf().voters().contains(of) {
            return;
        }
        let (commit, commit_term) = raft.raft_log.commit_info();
        let question = RaftMessage {
            kind: RaftKind::RequestVote,
            to: of,
            from: self.config.id,
            term: raft.term,
            index: raft.raft_log.last_index(),
            log_term: raft.raft_log.last_term(),
            commit,
            commit_term,
            context: Bytes::from_static(CAMPAIGN_TRANSFER),
            ..RaftMessage::empty()
        };
        self.send(Address::Node(of), Body::Raft(vec![question]));
    }

    /// The host reacted late: so many ticks passed since it last did. What it believes of the
    /// world is as old as that.
    pub(super) fn on_woke(&mut self, ticks: u64) {
        let limits = self.config.limits;
        let raft = &mut self.raw.raft;
        if ticks >= limits.step_down_ticks && raft.state == StateRole::Leader {
            raft.become_follower(raft.term, raft::INVALID_ID);
            self.emit(Event::SteppedDown { ticks });
        } else if ticks >= limits.sit_out_ticks && raft.state != StateRole::Leader {
            raft.election_elapsed = 0;
        }
    }
}
