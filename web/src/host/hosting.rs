//! How a replica comes to be hosted here: its locks, its database, its recovery.

use std::rc::Rc;

use futures_util::future::join;
use tabraft::node::{Config, Node};
use tabraft::wal::{self, Recovered, Replay, Tables};
use wasm_bindgen::JsValue;

use super::board::Board;
use super::disk::{self, Disk, Opened, Peek};
use super::inbox::Inbox;
use super::lock::{self, Held, LockError, Mode};
use super::net::Net;
use super::replica::{Failure, Replica};
use super::spare::Took;
use super::worker::say;
use crate::clock;
use crate::names;
use crate::protocol::{Assignment, FromWorker};

/// Opens the database of a replica whose lock is held, unless it is open, and runs it.
///
/// # Errors
/// Why it cannot run here.
pub async fn host(took: Took) -> Result<Replica, Failure> {
    let Took {
        assignment,
        lock,
        peek,
    } = took;
    let cluster = assignment.cluster.as_str();
    let identity = u64::from_str_radix(&assignment.identity, 16)
        .map_err(|_| Failure::new("PROTOCOL", "The page gave a cluster identity that is none."))?;
    let inbox = Inbox::open(cluster, assignment.node).map_err(no_channel)?;
    // Whoever succeeds this replica, or revives it, waits for the other locks. A former host's, or
    // a successor's that still holds one, is over: this is the replica's host now.
    let heard = heard_of(cluster, assignment.node);
    let (heard, found) = join(heard, find(identity, &assignment, peek)).await;
    let (heard, found) = (heard?, found?);
    let Found {
        recovered,
        what,
        disk,
    } = found;
    let config = Config {
        cluster: identity,
        id: assignment.node,
        epoch: disk.epoch(),
        seed: identity.rotate_left(17) ^ disk.epoch(),
        shared_store: true,
        limits: assignment.live.limits,
    };
    let mut board = Board::new(&assignment, disk.epoch()).map_err(no_channel)?;
    if let Some(index) = recovered.fell_back_from {
        board.event(
            "problem",
            format!("The snapshot at index {index} was damaged; an older one and the log stand in for it."),
            recovered.hard_state.term,
        );
    }
    let term = recovered.hard_state.term;
    let node =
        Node::new(config, recovered).map_err(|error| Failure::new("DAMAGED", error.to_string()))?;
    let text = format!("Node {} {what}.", assignment.node);
    board.event("recovered", text, term);
    let net = Net::new(cluster, assignment.node);
    net.set_faults(&assignment.faults);
    let locks = [lock].into_iter().chain(heard).collect();
    let replica = Replica::new(&assignment, node, disk, net, board);
    replica.begin_life(inbox, locks)?;
    Ok(replica)
}

/// What a disk that was taken over held.
struct Found {
    recovered: Recovered,
    /// In words, and how long it took.
    what: String,
    disk: Disk,
}

/// Takes the disk over. If its newest snapshot is damaged, an older one may do.
async fn find(
    identity: u64,
    assignment: &Assignment,
    peek: Option<Rc<Peek>>,
) -> Result<Found, Failure> {
    let began_ms = clock::ticking_ms();
    let node = assignment.node;
    let opened = disk::take_over(peek, &assignment.cluster, node, assignment.durability).await;
    let Opened {
        disk,
        mut tables,
        replay,
    } = opened.map_err(|error| Failure::from(&error))?;
    if tables.is_empty() {
        return Err(forgotten(node));
    }
    let read_ms = clock::ticking_ms();
    let replay = replay.unwrap_or(Replay::new(identity, node));
    let recovered = match replay.finish(&tables) {
        Ok(recovered) => recovered,
        Err(_) => {
            let all = disk.tables().await;
            tables = all.map_err(|error| Failure::from(&error))?;
            wal::replay(identity, node, &tables).map_err(|damage| damaged(node, &damage))?
        }
    };
    let extent = extent_of(&tables, &recovered);
    let (read, replayed) = (read_ms - began_ms, clock::ticking_ms() - read_ms);
    Ok(Found {
        what: format!("read {extent} in {read:.0} ms and replayed them in {replayed:.0} ms"),
        recovered,
        disk,
    })
}

/// What a replica goes on from, in words.
fn extent_of(tables: &Tables, recovered: &Recovered) -> String {
    let bytes = |rows: &[(u64, Vec<u8>)]| rows.iter().map(|(_, it)| it.len()).sum::<usize>();
    let kib = (bytes(&tables.records) + bytes(&tables.snapshots)).div_ceil(1 << 10);
    let of = |many: usize, one: &str, more: &str| match many {
        1 => format!("1 {one}"),
        _ => format!("{many} {more}"),
    };
    format!(
        "{} with {} and {}, {kib} KiB,",
        of(tables.records.len(), "log record", "log records"),
        of(recovered.entries.len(), "entry", "entries"),
        of(tables.snapshots.len(), "snapshot", "snapshots"),
    )
}

/// Takes the lock of the replica. `None` if somebody else holds it and the assignment says not to wait.
///
/// # Errors
/// The browser's.
pub async fn take_lock(assignment: &Assignment) -> Result<Option<Held>, Failure> {
    let free = lock_if_free(assignment).await.map_err(no_lock)?;
    if free.is_some() || !assignment.wait {
        return Ok(free);
    }
    say(&FromWorker::Waiting);
    let name = names::node_lock(&assignment.cluster, assignment.node);
    lock::acquire(&name, Mode::Wait).await.map_err(no_lock)
}

/// [`take_lock`] without waiting.
///
/// # Errors
/// The browser's.
pub async fn lock_if_free(assignment: &Assignment) -> Result<Option<Held>, LockError> {
    let name = names::node_lock(&assignment.cluster, assignment.node);
    lock::acquire(&name, Mode::IfAvailable).await
}

/// Takes the locks by whose release others hear of this host's end.
async fn heard_of(cluster: &str, node: u64) -> Result<[Held; 2], Failure> {
    let take = async |name: String| {
        let taken = lock::acquire(&name, Mode::Steal).await;
        let held = taken.map_err(no_lock)?;
        held.ok_or_else(|| Failure::new("LOCK_ERROR", format!("The browser did not give {name}.")))
    };
    let alive = take(names::alive_lock(cluster, node));
    let watch = take(names::watch_lock(cluster, node));
    let (alive, watch) = join(alive, watch).await;
    Ok([alive?, watch?])
}

fn forgotten(node: u64) -> Failure {
    Failure::new(
        "FORGOTTEN",
        format!(
            "Node {node}'s database is empty, although it was a member: it was wiped, or the \
             browser deleted it. It has forgotten its vote and must not come back under its old id."
        ),
    )
}

fn damaged(node: u64, damage: &wal::Damage) -> Failure {
    Failure::new(
        "DAMAGED",
        format!("Node {node}'s disk is damaged: {damage}. Its bytes are kept as they are."),
    )
}

fn no_lock(error: LockError) -> Failure {
    Failure::new("NO_LOCKS", error.to_string())
}

pub(super) fn no_channel(error: JsValue) -> Failure {
    Failure::new(
        "NO_CHANNELS",
        format!("This browser gives tabraft no BroadcastChannel: {error:?}"),
    )
}
