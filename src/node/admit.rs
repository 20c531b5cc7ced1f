//! What may reach raft-rs from outside. It trusts its peers and panics on messages that no correct
//! peer sends; here every such message is told apart and dropped.

use raft::Raft;

use super::log::Log;
use crate::wire::{MemberChange, NodeId, RaftKind, RaftMessage};

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

/// Terms and indices beyond this are nobody's: raft-rs adds to them.
const NUMBER_MAX: u64 = 1 << 60;

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
        message.request_snapshot,
    ];
    // Only these two kinds have no term of their own.
    let local = matches!(message.kind, RaftKind::ReadIndex | RaftKind::TransferLeader);
    let sound = numbers.iter().all(|number| *number < NUMBER_MAX)
        && (local == (message.term == 0))
        && is_sound(message, raft);
    sound.then_some(()).ok_or(Rejection::Unsound)
}

fn is_sound(message: &RaftMessage, raft: &Raft<Log>) -> bool {
    let last = raft.raft_log.last_index();
    match message.kind {
        RaftKind::Append => append_is_sound(message, raft),
        // raft-rs commits to the heartbeat's index, which a leader bounds by what it knows the
        // follower to have.
        RaftKind::Heartbeat => message.term < raft.term || message.commit <= last,
        RaftKind::Snapshot => message.snapshot.as_ref().is_some_and(|snapshot| {
            let numbers = 1..NUMBER_MAX;
            numbers.contains(&snapshot.index)
                && numbers.contains(&snapshot.term)
                && snapshot.membership.is_sound()
        }),
        RaftKind::ReadIndex | RaftKind::ReadIndexResp => message.entries.len() == 1,
        // A follower cannot have more than its leader of the same term gave it.
        RaftKind::AppendResponse => message.term != raft.term || message.index <= last,
        _ => true,
    }
}

fn append_is_sound(message: &RaftMessage, raft: &Raft<Log>) -> bool {
    let mut before = (message.index, message.log_term);
    message.entries.iter().all(|entry| {
        let follows = entry.index == before.0 + 1 && entry.term >= before.1;
        before = (entry.index, entry.term);
        // Only a leader that never was would replace what is committed.
        let committed = entry.index <= raft.raft_log.committed
            && entry.index >= raft.raft_log.first_index()
            && raft.raft_log.term(entry.index) != Ok(entry.term);
        let readable = entry.context.is_empty() || decode_changes(&entry.context).is_some();
        follows && entry.term <= message.term && !committed && readable
    })
}

/// The changes of a conf change entry. They travel in the entry's context, in postcard's encoding;
/// its data is raft-rs's own protobuf, which only raft-rs on the leader that wrote it reads.
pub fn decode_changes(context: &[u8]) -> Option<Vec<MemberChange>> {
    match postcard::take_from_bytes(context) {
        Ok((changes, [])) => Some(changes),
        _ => None,
    }
}
