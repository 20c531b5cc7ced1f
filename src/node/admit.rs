//! What may reach raft-rs from outside. It trusts its peers and panics on messages that no correct
//! peer sends; here every such message is told apart and dropped.

use raft::{Raft, StateRole};

use super::log::Log;
use crate::planted::{self, Bug};
use crate::wire::{MemberChange, NUMBER_MAX, NodeId, RaftKind, RaftMessage};

/// Why a message was dropped; counted in the replica's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// From another cluster, or of another protocol version.
    Foreign,
    /// Not for this replica, or not from whom it says.
    Misaddressed,
    /// Its fields contradict each other or this replica's log.
    Unsound,
}

/// Checks a Raft message against itself and against the log, as far as raft-rs does not.
///
/// # Errors
/// Why the message must not be stepped.
pub fn admit(message: &RaftMessage, from: NodeId, raft: &Raft<Log>) -> Result<(), Rejection> {
    if message.to != raft.id || message.from != from || from == raft.id || from == 0 {
        return Err(Rejection::Misaddressed);
    }
    let numbers = [
        message.term,
        message.log_term,
        message.index,
        message.commit,
        message.commit_term,
        message.reject_hint,
    ];
    let term_fits = match message.kind {
        // raft-rs forwards reads without a term.
        RaftKind::ReadIndex => message.term == 0,
        RaftKind::TransferLeader => true,
        _ => message.term > 0,
    };
    // A snapshot that a follower asks for is one that this program never asks for.
    let sound = numbers.iter().all(|number| *number < NUMBER_MAX)
        && message.request_snapshot == 0
        && term_fits
        && is_sound(message, raft);
    sound.then_some(()).ok_or(Rejection::Unsound)
}

fn is_sound(message: &RaftMessage, raft: &Raft<Log>) -> bool {
    let last = raft.raft_log.last_index();
    match message.kind {
        RaftKind::Append => append_is_sound(message),
        // raft-rs commits to the heartbeat's index, which a leader bounds by what it knows the
        // follower to have.
        RaftKind::Heartbeat => message.term < raft.term || message.commit <= last,
        RaftKind::Snapshot => message.snapshot.as_ref().is_some_and(|snapshot| {
            (1..NUMBER_MAX).contains(&snapshot.index)
                && (1..=message.term).contains(&snapshot.term)
                && snapshot.membership.is_sound()
        }),
        // The context of a read, as an entry of no log.
        RaftKind::ReadIndex | RaftKind::ReadIndexResp => {
            matches!(&message.entries[..], [context] if (context.index, context.term) == (0, 0))
        }
        // A follower cannot have more than its leader of the same term gave it.
        RaftKind::AppendResponse => message.term != raft.term || message.index <= last,
        // A candidate asks for votes when its whole log is durable; an answer before that is to a
        // question never asked.
        RaftKind::RequestVoteResponse => {
            raft.state != StateRole::Candidate || raft.raft_log.persisted == last
        }
        // A replica that joins and has nothing yet may have had another life under its id, in which
        // it voted in this very term.
        RaftKind::RequestVote | RaftKind::RequestPreVote => {
            last > 0 || planted::is(Bug::ForgottenVotes)
        }
        // A follower would pass it on, and raft-rs does not pass on what has a term.
        RaftKind::TransferLeader => raft.state == StateRole::Leader,
        RaftKind::TimeoutNow => may_campaign(raft),
        _ => true,
    }
}

/// raft-rs looks for conf changes between what is applied and what is committed before it
/// campaigns, which is in no log while a leader's snapshot is on its way to the disk; and a sole
/// voter leads as soon as it campaigns, which it must not over entries that are not durable.
pub fn may_campaign(raft: &Raft<Log>) -> bool {
    let log = &raft.raft_log;
    let sees_conf_changes = log.applied + 1 >= log.first_index();
    // Also of a joint membership, which raft-rs does not count as a singleton.
    let voters = raft.prs().conf().voters().ids();
    let sole_voter = voters.iter().all(|id| id == raft.id);
    sees_conf_changes && (!sole_voter || log.persisted == log.last_index())
}

/// Whether the entries follow one another and what they claim to follow. Index and term 0 are
/// what raft-rs takes for the end of every log: nothing may follow them.
fn append_is_sound(message: &RaftMessage) -> bool {
    let mut before = (message.index, message.log_term);
    let follow = message.entries.iter().all(|entry| {
        let follows = entry.index == before.0 + 1 && entry.term >= before.1;
        before = (entry.index, entry.term);
        let readable = entry.context.is_empty() || decode_changes(&entry.context).is_some();
        follows && readable
    });
    follow && message.index > 0 && message.log_term > 0 && before.1 <= message.term
}

/// The changes of a conf change entry. They travel in the entry's context, in postcard's encoding;
/// its data is raft-rs's own protobuf, which only raft-rs on the leader that wrote it reads.
pub fn decode_changes(context: &[u8]) -> Option<Vec<MemberChange>> {
    match postcard::take_from_bytes(context) {
        Ok((changes, [])) => Some(changes),
        _ => None,
    }
}
