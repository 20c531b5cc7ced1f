//! Clients' requests: checked, proposed or forwarded, and answered when their entry is applied.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft::ReadState;
use raft::eraftpb::{Entry, Message, MessageType};

use super::apply::conf_change;
use super::reads::READS_MAX;
use super::{ELECTION_TICKS, Node};
use crate::kv::command::check_key;
use crate::kv::{Applied, Command, Outcome, Refusal};
use crate::planted::{self, Bug};
use crate::wire::{Address, Answer, Ask, Body, ClientId, MemberChange, Read, Reply, Request};

/// Writes of clients that may wait at one leader for their entries to be applied.
const WAITERS_MAX: usize = 16_384;
/// Ticks after which a read is given back to its client to try elsewhere.
const READ_EXPIRY_TICKS: u64 = 4 * ELECTION_TICKS as u64;
/// Committed entries that a learner may lack when it is promoted.
const LEARNER_GAP_MAX: u64 = 1_000;
/// The most pairs one scan returns.
pub const SCAN_MAX: u32 = 100_000;

/// Bytes that linearizable reads are answered with in one turn; the last of them may be larger.
const ANSWERS_BYTES_MAX: usize = 4 << 20;

/// How far a request has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    /// From its client: may be forwarded to the leader.
    First,
    /// Forwarded already.
    Last,
}

/// Envelopes with writes that wait at one replica for it to lead. Clients put no more than a
/// mebibyte in one, or one write.
const EARLY_MAX: usize = 32;

/// Writes that came to a replica on its way into a dead leader's place.
#[derive(Default)]
pub(super) struct Early(Vec<(ClientId, Vec<Request>)>);

/// Who waits for which entry.
#[derive(Default)]
pub(super) struct Waiters(BTreeMap<u64, Waiter>);

struct Waiter {
    term: u64,
    client: ClientId,
    id: u64,
}

impl Node {
    pub(super) fn on_requests(&mut self, client: ClientId, requests: Vec<Request>, hop: Hop) {
        let mut replies = Vec::new();
        let mut writes = Vec::new();
        for request in requests {
            match self.sort(client, request) {
                Sorted::Waits => {}
                Sorted::Answered(reply) => replies.push(reply),
                Sorted::Write(request) => writes.push(request),
            }
        }
        let leader = self.raw.raft.leader_id;
        if writes.is_empty() {
        } else if self.is_leader() {
            self.propose(client, writes, &mut replies);
        } else if self.is_succeeding() && self.early.0.len() < EARLY_MAX {
            self.early.0.push((client, writes));
        } else if hop == Hop::First && leader != 0 {
            let requests = writes;
            self.send(Address::Node(leader), Body::Forwarded { client, requests });
        } else {
            replies.extend(writes.into_iter().map(retry));
        }
        self.reply(client, replies);
    }

    /// Answers what can be answered at once.
    fn sort(&mut self, client: ClientId, request: Request) -> Sorted {
        let id = request.id;
        let answered = |answer| Sorted::Answered(Reply { id, answer });
        let checked = match &request.ask {
            Ask::Write { op, .. } => op.check(),
            Ask::Get { key, .. } => check_key(key),
            _ => Ok(()),
        };
        if let Err(refusal) = checked {
            return answered(Answer::Refused(refusal));
        }
        match &request.ask {
            Ask::Status => answered(Answer::Status(Box::new(self.report()))),
            Ask::Get { read, .. } | Ask::Scan { read, .. } => match read {
                Read::Stale => answered(self.read(&request.ask)),
                Read::Linearizable if planted::is(Bug::LeaseRead) && self.is_leader() => {
                    answered(self.read(&request.ask))
                }
                Read::Linearizable if self.reads.len() >= READS_MAX => {
                    answered(Answer::Refused(Refusal::Busy))
                }
                Read::Linearizable => {
                    self.reads.push(client, request, self.tick);
                    Sorted::Waits
                }
            },
            Ask::OpenSession | Ask::Write { .. } | Ask::ChangeMembership(_) => {
                Sorted::Write(request)
            }
        }
    }

    fn read(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::Get { key, .. } => Answer::Value(self.store.get(key).cloned()),
            Ask::Scan { prefix, limit, .. } => {
                let limit = (*limit).min(SCAN_MAX) as usize;
                Answer::Pairs(self.store.scan(prefix, limit))
            }
            _ => Answer::Refused(Refusal::Malformed),
        }
    }

    /// Proposes all writes in one step, so that they share messages and a disk write.
    fn propose(&mut self, client: ClientId, requests: Vec<Request>, replies: &mut Vec<Reply>) {
        let mut entries = Vec::with_capacity(requests.len());
        let mut proposed = Vec::with_capacity(requests.len());
        for request in requests {
            if self.waiters.0.len() + entries.len() >= WAITERS_MAX {
                let answer = Answer::Refused(Refusal::Busy);
                replies.push(Reply {
                    id: request.id,
                    answer,
                });
                continue;
            }
            match request.ask {
                Ask::ChangeMembership(changes) => {
                    self.propose_membership(client, request.id, &changes, replies);
                }
                ask => {
                    if let Some(command) = command(ask) {
                        entries.push(Entry {
                            data: Bytes::from(command.encode()),
                            ..Entry::default()
                        });
                        proposed.push(request.id);
                    }
                }
            }
        }
        if entries.is_empty() {
            return;
        }
        let first = self.raw.raft.raft_log.last_index() + 1;
        let term = self.raw.raft.term;
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.config.id;
        message.set_entries(entries.into());
        if self.raw.raft.step(message).is_ok() {
            for (index, id) in (first..).zip(proposed) {
                self.waiters.0.insert(index, Waiter { term, client, id });
            }
        } else {
            // A transfer of leadership is under way, or too much is uncommitted.
            let answer = |id| Reply {
                id,
                answer: Answer::Retry,
            };
            replies.extend(proposed.into_iter().map(answer));
        }
    }

    /// Proposes what waited for this replica to lead, or gives it back if it does not come to that.
    ///
    /// What raft-rs made for the followers when the election was won has the empty entry of the new
    /// term alone, and it sends them no more before they have answered. That first append is taken
    /// back, as if it were lost, and made anew with the writes in it, as many as a message takes: they
    /// need no round and no disk write of their own.
    pub(super) fn propose_early(&mut self) {
        if self.early.0.is_empty() || (self.is_succeeding() && !self.is_leader()) {
            return;
        }
        let early = std::mem::take(&mut self.early.0);
        for (client, writes) in early {
            let mut replies = Vec::new();
            if self.is_leader() {
                self.propose(client, writes, &mut replies);
            } else {
                replies.extend(writes.into_iter().map(retry));
            }
            self.reply(client, replies);
        }
        if self.is_leader() {
            let raft = &mut self.raw.raft;
            let is_append = |message: &Message| message.get_msg_type() == MessageType::MsgAppend;
            raft.msgs.retain(|message| !is_append(message));
            let followers: Vec<u64> = raft.prs().iter().map(|(id, _)| *id).collect();
            for id in followers {
                if let Some(progress) = raft.mut_prs().get_mut(id) {
                    progress.resume();
                }
            }
            raft.bcast_append();
        }
    }

    fn propose_membership(
        &mut self,
        client: ClientId,
        id: u64,
        changes: &[MemberChange],
        replies: &mut Vec<Reply>,
    ) {
        let refused = |refusal| Reply {
            id,
            answer: Answer::Refused(refusal),
        };
        if let Err(refusal) = self.check_changes(changes) {
            return replies.push(refused(refusal));
        }
        let context = postcard::to_stdvec(changes).unwrap_or_default();
        let index = self.raw.raft.raft_log.last_index() + 1;
        let term = self.raw.raft.term;
        let change = conf_change(changes);
        let proposed = self.raw.propose_conf_change(context, change).is_ok();
        // raft-rs puts an empty entry in the place of a change that cannot be made now.
        let taken = proposed && self.raw.raft.pending_conf_index == index;
        if taken {
            self.waiters.0.insert(index, Waiter { term, client, id });
        } else {
            replies.push(refused(Refusal::ConfChangePending));
        }
    }

    /// Whether the changes make sense to the membership in force. Who is to be a voter must be a
    /// learner and have most of the log: until then every quorum with it would wait (Raft thesis,
    /// 4.2.1), and one that has nothing yet does not even vote.
    fn check_changes(&self, changes: &[MemberChange]) -> Result<(), Refusal> {
        let conf = self.membership();
        let mut voters = conf.voters.clone();
        for change in changes {
            match *change {
                MemberChange::AddVoter(0) | MemberChange::AddLearner(0) => {
                    return Err(Refusal::ConfChange);
                }
                MemberChange::AddVoter(id) if conf.voters.contains(&id) => {
                    return Err(Refusal::AlreadyMember(id));
                }
                MemberChange::AddLearner(id) if conf.learners.contains(&id) => {
                    return Err(Refusal::AlreadyMember(id));
                }
                MemberChange::AddVoter(id) if conf.learners.contains(&id) => {
                    let matched = self.raw.raft.prs().get(id).map_or(0, |pr| pr.matched);
                    if matched + LEARNER_GAP_MAX < self.commit() || matched == 0 {
                        return Err(Refusal::LearnerBehind);
                    }
                    voters.push(id);
                }
                MemberChange::AddVoter(id) => return Err(Refusal::NotMember(id)),
                MemberChange::AddLearner(id) => voters.retain(|voter| *voter != id),
                MemberChange::Remove(id) if !conf.has(id) => return Err(Refusal::NotMember(id)),
                MemberChange::Remove(id) => voters.retain(|voter| *voter != id),
            }
        }
        match (changes.is_empty(), voters.is_empty()) {
            (true, _) => Err(Refusal::ConfChange),
            (_, true) => Err(Refusal::LastVoter),
            _ => Ok(()),
        }
    }

    /// The entry at `index` was applied. If another term's entry stands there than the waiter's,
    /// his was overwritten, and he is to try again.
    pub(super) fn answer_waiter(&mut self, index: u64, term: u64, applied: Option<Applied>) {
        let Some(waiter) = self.waiters.0.remove(&index) else {
            return;
        };
        let answer = match applied {
            Some(applied) if waiter.term == term => match applied.outcome {
                Outcome::Refused(refusal) => Answer::Refused(refusal),
                _ => Answer::Applied(applied),
            },
            _ => Answer::Retry,
        };
        let reply = Reply {
            id: waiter.id,
            answer,
        };
        self.reply(waiter.client, vec![reply]);
    }

    /// A replica that no longer leads cannot tell what becomes of its proposals. Their sessions
    /// make it safe to try them again.
    pub(super) fn give_back_waiters(&mut self) {
        for (_, waiter) in std::mem::take(&mut self.waiters.0) {
            let reply = Reply {
                id: waiter.id,
                answer: Answer::Retry,
            };
            self.reply(waiter.client, vec![reply]);
        }
    }

    /// Begins a round of confirmation where reads wait for one.
    pub(super) fn ask_reads(&mut self) {
        let raft = &self.raw.raft;
        let standing = (raft.term, raft.leader_id, raft.commit_to_current_term());
        if let Some(round) = self.reads.next_round(self.tick, standing) {
            let context = (self.config.id, self.config.epoch, round);
            let context = postcard::to_stdvec(&context).unwrap_or_default();
            self.raw.read_index(context);
        }
    }

    pub(super) fn on_read_state(&mut self, state: &ReadState) {
        let context: Option<(u64, u64, u64)> = postcard::from_bytes(&state.request_ctx).ok();
        if let Some((id, epoch, round)) = context
            && (id, epoch) == (self.config.id, self.config.epoch)
        {
            self.reads.confirm(round, state.index);
        }
    }

    /// Answers the reads that what is applied suffices for. Returns whether there are more, for
    /// another turn: large answers must not hold up heartbeats.
    pub(super) fn answer_reads(&mut self) -> bool {
        let applied = match planted::is(Bug::ReadBeforeApply) {
            true => u64::MAX,
            false => self.applied,
        };
        let mut bytes = 0;
        while bytes < ANSWERS_BYTES_MAX {
            let Some((client, request)) = self.reads.pop_ready(applied) else {
                return false;
            };
            let answer = self.read(&request.ask);
            bytes += answer_bytes(&answer);
            let id = request.id;
            self.reply(client, vec![Reply { id, answer }]);
        }
        true
    }

    pub(super) fn expire_requests(&mut self) {
        let Some(before) = self.tick.checked_sub(READ_EXPIRY_TICKS) else {
            return;
        };
        while let Some((client, request)) = self.reads.pop_older(before) {
            self.reply(client, vec![retry(request)]);
        }
    }

    /// Gathers replies: each client gets all of one settling in one envelope.
    fn reply(&mut self, client: ClientId, replies: Vec<Reply>) {
        if !replies.is_empty() {
            self.replies.entry(client).or_default().extend(replies);
        }
    }

    pub(super) fn send_replies(&mut self) {
        let leader = self.raw.raft.leader_id;
        for (client, replies) in std::mem::take(&mut self.replies) {
            self.send(Address::Client(client), Body::Replies { leader, replies });
        }
    }
}

fn answer_bytes(answer: &Answer) -> usize {
    match answer {
        Answer::Value(Some(value)) => value.len(),
        Answer::Pairs(pairs) => pairs
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum(),
        _ => 0,
    }
}

enum Sorted {
    Waits,
    Answered(Reply),
    Write(Request),
}

fn command(ask: Ask) -> Option<Command> {
    match ask {
        Ask::OpenSession => Some(Command::Open),
        Ask::Write {
            session,
            seq,
            answered_below,
            op,
        } => Some(Command::Write {
            session,
            seq,
            answered_below,
            op,
        }),
        _ => None,
    }
}

fn retry(request: Request) -> Reply {
    Reply {
        id: request.id,
        answer: Answer::Retry,
    }
}
