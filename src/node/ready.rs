//! The Ready loop, asynchronous: what raft-rs wants done, gathered into batches for the disk and
//! messages for the channels.
//!
//! A leader's messages go out at once, while its own write is under way (Raft thesis, section
//! 10.2.1). A follower's wait until everything gathered before them is durable: they are its word
//! for a vote or for entries. But for the answer to a heartbeat: that is its word for the term alone,
//! which is durable already, and a linearizable read waits for it.

use raft::{ProgressState, StateRole};

use super::disk::InFlight;
use super::log::Log;
use super::{Event, MESSAGE_BYTES_MAX, Node, Output};
use crate::planted::{self, Bug};
use crate::wal::replay::Extent;
use crate::wal::{HardState, Record, Snapshot, WriteBatch, snapshot};
use crate::wire::{Address, Body, LogEntry, Membership, NodeId, RaftKind, RaftMessage};

/// Messages that wait for a Ready to be durable.
pub(super) struct Held {
    ready: u64,
    messages: Vec<RaftMessage>,
}

/// What a follower was last told of the log: in which tick and term; the entries after one index up to
/// another; what is committed.
#[derive(Clone, Copy)]
pub(super) struct Said {
    tick: u64,
    term: u64,
    after: u64,
    last: u64,
    commit: u64,
}

impl Node {
    /// Does all that raft-rs wants done now, until there is nothing more.
    pub(super) fn settle(&mut self) {
        let mut may_apply = self.config.limits.apply_per_turn.max(1);
        self.watch_succession();
        self.propose_early();
        loop {
            self.set_election_timeout();
            self.ask_reads();
            if self.raw.has_ready() {
                self.on_ready();
            } else if !self.apply(&mut may_apply) && !self.offer_snapshot() {
                break;
            }
        }
        self.send_raft();
        self.watch_succession();
        self.tell_changes();
        let more_reads = self.answer_reads();
        self.send_replies();
        self.start_persist();
        let more_entries = may_apply == 0 && !self.committed.is_empty();
        if (more_entries || more_reads) && !self.again {
            self.again = true;
            self.outputs.push_back(Output::Again);
        }
    }

    fn on_ready(&mut self) {
        let mut ready = self.raw.ready();
        if self.raw.raft.state == StateRole::Leader {
            self.disk.led_term = self.raw.raft.term;
        }
        let mut messages = RaftMessage::outgoing(ready.take_messages());
        // A sole voter leads before its term is durable. Its learners must not hear of a term that
        // a crash could make it lead twice.
        if self.disk.term == self.raw.raft.term {
            self.unsent.append(&mut messages);
        }
        messages.extend(RaftMessage::outgoing(ready.take_persisted_messages()));
        let term_is_durable = self.disk.term == self.raw.raft.term;
        if term_is_durable || planted::is(Bug::TermNotDurable) {
            // Those to a tick wait: a follower with a slow disk is to be sent no more than its window.
            let speaks_of_term = |it: &mut RaftMessage| {
                it.kind == RaftKind::HeartbeatResponse && !it.context.is_empty()
            };
            self.unsent.extend(messages.extract_if(.., speaks_of_term));
        }
        for state in ready.take_read_states() {
            self.on_read_state(&state);
        }
        if !ready.snapshot().is_empty() {
            self.on_snapshot(ready.snapshot());
        }
        if !ready.entries().is_empty() {
            self.raw.mut_store().append(ready.entries());
            self.disk.add_entries(ready.entries());
        }
        if let Some(hard_state) = ready.hs() {
            self.raw.mut_store().hard_state = hard_state.clone();
            self.disk.next.dirty = true;
            self.disk.next.sync |= ready.must_sync();
        }
        self.committed.extend(ready.take_committed_entries());
        self.held.push_back(Held {
            ready: ready.number(),
            messages,
        });
        let number = ready.number();
        self.raw.advance_append_async(ready);
        if planted::is(Bug::AcknowledgesBeforeComplete) {
            self.raw.on_persist_ready(number);
        }
        if planted::is(Bug::AnswersBeforeDurable) {
            self.release(number);
        }
        self.release_if_settled();
    }

    /// A leader's snapshot takes the log's place at once in memory; the state machine follows when
    /// it is durable.
    fn on_snapshot(&mut self, message: &raft::eraftpb::Snapshot) {
        let metadata = message.get_metadata();
        let at = (metadata.index, metadata.term);
        let decoded = self.admitted_snapshot.take();
        // A snapshot is decoded before it is stepped, and settled before anything else is.
        let Some(decoded) = decoded.filter(|snapshot| (snapshot.index, snapshot.term) == at) else {
            unreachable!("raft-rs has a snapshot at {at:?} that was not admitted");
        };
        self.committed.clear();
        self.raw.mut_store().install(message);
        self.disk.install(decoded, message.data.to_vec());
    }

    /// Lets the held messages go where nothing is left to wait for.
    fn release_if_settled(&mut self) {
        if self.disk.is_settled()
            && let Some(newest) = self.held.back()
        {
            let ready = newest.ready;
            self.release(ready);
        }
    }

    fn release(&mut self, ready: u64) {
        self.raw.on_persist_ready(ready);
        while let Some(held) = self.held.pop_front_if(|held| held.ready <= ready) {
            self.unsent.extend(held.messages);
        }
    }

    /// Sends the Raft messages of a turn: one envelope a peer, or more where it would be large. Sorted by
    /// peer, since raft-rs walks its peers in the order of a hash that differs between machines.
    fn send_raft(&mut self) {
        let mut messages = std::mem::take(&mut self.unsent);
        messages.retain(|message| self.says_something(message));
        messages.sort_by_key(|message| message.to);
        for snapshot in messages.extract_if(.., |m| m.kind == RaftKind::Snapshot) {
            self.send_snapshot(snapshot);
        }
        let mut rest = messages.into_iter().peekable();
        while let Some(first) = rest.next() {
            let to: NodeId = first.to;
            let mut bytes = first.entry_bytes();
            let mut bundle = vec![first];
            while let Some(next) = rest.next_if(|message| {
                bytes += message.entry_bytes();
                message.to == to && bytes <= MESSAGE_BYTES_MAX
            }) {
                bundle.push(next);
            }
            self.send(Address::Node(to), Body::Raft(bundle));
        }
    }

    /// raft-rs sends an append whenever a follower answers a heartbeat and has not said that it has all:
    /// with reads under way, many times between two writes. One that has no entries once a tick is enough
    /// to find out what was lost, or at once where more is committed; so is the same probe once more.
    fn says_something(&mut self, message: &RaftMessage) -> bool {
        if message.kind != RaftKind::Append {
            return true;
        }
        let last = message.entries.last().map_or(message.index, |it| it.index);
        let says = Said {
            tick: self.tick,
            term: message.term,
            after: message.index,
            last,
            commit: message.commit,
        };
        let progress = self.raw.raft.prs().get(message.to);
        let probes = progress.is_some_and(|it| it.state == ProgressState::Probe);
        let said = self.said.get(&message.to);
        let repeats = said.is_some_and(|said| match message.entries.is_empty() {
            true => (said.last, said.commit) == (says.last, says.commit),
            false => probes && said.last > said.after && said.after == says.after,
        });
        let then = said.map(|said| (said.tick, said.term));
        if repeats && then == Some((says.tick, says.term)) {
            return false;
        }
        self.said.insert(message.to, says);
        true
    }

    /// Hands the gathered batch to the host when it must be written and the disk is free.
    fn start_persist(&mut self) {
        if !self.disk.next.sync || self.disk.in_flight.is_some() {
            return;
        }
        let ready = self.held.back().map_or(0, |held| held.ready);
        let hard_state = &self.raw.store().hard_state;
        let votes = !planted::is(Bug::VoteNotPersisted);
        let hard_state = HardState {
            term: hard_state.term,
            vote: if votes { hard_state.vote } else { 0 },
            commit: hard_state.commit,
        };
        let (cluster, node) = (self.config.cluster, self.config.id);
        let disk = &mut self.disk;
        let gathered = std::mem::take(&mut disk.next);
        let seq = disk.last_seq + 1;
        disk.last_seq = seq;
        let at = gathered.snapshot.as_ref().map(|(at, _, _)| *at);
        let marked = gathered
            .snapshot
            .as_ref()
            .map(|(at, of, _)| (*at, of.clone()));
        let (drop_records_below, drop_snapshots_below) = match (&gathered.installs, at) {
            // Nothing before a leader's snapshot has a meaning after it.
            (Some(snapshot), _) => (Some(seq), Some(snapshot.index)),
            // Two snapshots are kept, and the log from the older one on: it can do without the
            // newer one.
            (None, Some(_)) => (disk.first_needed(), Some(disk.snapshot.0)),
            (None, None) => (None, None),
        };
        let mut record = Record {
            cluster,
            node,
            seq,
            from_seq: seq,
            oldest_seq: seq,
            hard_state,
            led_term: disk.led_term,
            entries: gathered.entries,
            membership: gathered.membership,
            snapshot: at,
        };
        let folds_from = disk
            .run
            .take_due(self.config.limits.fold_records)
            .and_then(|run| fold(&mut record, run, self.raw.store()));
        let (from, until) = (drop_records_below.unwrap_or(0), folds_from.unwrap_or(seq));
        record.oldest_seq = disk.oldest(from, until).unwrap_or(seq);
        let bytes = record.encode();
        disk.add_extent(Extent::of(&record, bytes.len() as u64), folds_from);
        disk.drop_extents(drop_records_below.unwrap_or(0));
        disk.in_flight = Some(InFlight {
            seq,
            ready,
            term: hard_state.term,
            commit: hard_state.commit,
            snapshot: marked,
            installs: gathered.installs,
        });
        self.outputs.push_back(Output::Persist(WriteBatch {
            seq,
            record: bytes,
            folds_from,
            snapshot: planted::late(
                node,
                gathered.snapshot.map(|((index, _), _, body)| (index, body)),
            ),
            drop_records_below,
            drop_snapshots_below,
        }));
    }

    /// A batch is durable: what waited for it may go on.
    pub(super) fn on_persisted(&mut self, seq: u64) {
        let Some(batch) = self.disk.in_flight.take_if(|batch| batch.seq == seq) else {
            return;
        };
        self.disk.term = batch.term;
        self.disk.commit = batch.commit;
        if batch.ready > 0 {
            self.release(batch.ready);
        }
        let taken = batch.snapshot.as_ref().map(|((index, _), _)| *index);
        if let Some((at, membership)) = batch.snapshot {
            self.disk.snapshot = at;
            self.disk.snapshot_membership = membership;
        }
        if let Some(snapshot) = batch.installs {
            self.install(snapshot);
        } else if let Some(index) = taken {
            self.compact(index);
        }
        self.release_if_settled();
    }

    /// Takes the state machine of a durable snapshot.
    fn install(&mut self, snapshot: Snapshot) {
        self.applied = snapshot.index;
        self.disk.membership_index = snapshot.index;
        self.store = snapshot.store;
        self.bytes_since_snapshot = 0;
        self.committed.retain(|entry| entry.index > snapshot.index);
        self.raw.advance_apply_to(snapshot.index);
        self.tell_installed(snapshot.index);
        self.emit(Event::SnapshotInstalled {
            index: snapshot.index,
        });
    }

    /// Forgets log entries that a durable snapshot stands for, but for those kept for followers.
    fn compact(&mut self, index: u64) {
        let limits = self.config.limits;
        let log = self.raw.mut_store();
        log.compact(index, limits.catchup_entries, limits.snapshot_bytes);
        self.emit(Event::SnapshotTaken {
            index,
            first_index: self.raw.store().first(),
        });
    }

    /// Encodes the snapshot at what is applied.
    pub(super) fn encode_snapshot(&self) -> Option<((u64, u64), Membership, Vec<u8>)> {
        let term = self.raw.store().term_at(self.applied)?;
        let at = (self.applied, term);
        let membership = match planted::is(Bug::SnapshotWithoutMembership) {
            true => self.disk.snapshot_membership.clone(),
            false => self.membership(),
        };
        let cluster = self.config.cluster;
        let body = match planted::is(Bug::SnapshotWithoutSessions) {
            true => {
                let store = self.store.without_sessions();
                snapshot::encode(cluster, at, membership.clone(), &store)
            }
            false => snapshot::encode(cluster, at, membership.clone(), &self.store),
        };
        Some((at, membership, body))
    }
}

/// Has the record stand for those from `from_seq` on too, whose entries begin at `first_index`.
/// Returns `from_seq`, or `None` where that cannot be.
fn fold(record: &mut Record, (from_seq, first_index): (u64, u64), log: &Log) -> Option<u64> {
    let plain = record.snapshot.is_none() && record.membership.is_none();
    // What was compacted in memory is not there to be written again.
    if !plain || (first_index > 0 && first_index < log.first()) {
        return None;
    }
    let own = record.entries.first().map(|entry| entry.index);
    let first = match (first_index, own) {
        (0, own) => own,
        (first, own) => Some(own.unwrap_or(first).min(first)),
    };
    if let Some(mut first) = first {
        first += u64::from(planted::is(Bug::FoldForgets));
        record.entries = log.iter_from(first).cloned().map(LogEntry::from).collect();
    }
    record.from_seq = from_seq;
    Some(from_seq)
}
