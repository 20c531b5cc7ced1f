//! What one replica can be told to do, and the words for it.

use super::save;
use crate::client::Cluster;
use crate::model::{ApiError, DiskFault, Place, Stored};

/// How late a slow disk begins each write, in milliseconds.
const SLOW_MS: f64 = 200.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Crash,
    Stop,
    Start,
    Pause,
    Resume,
    OpenTab,
    TransferLeader,
    Promote,
    Remove,
    Replace,
    Snapshot,
    Save,
    SlowDisk,
    FullDisk,
    FailNextWrite,
    MendDisk,
    DamageWalLast,
    DamageWalMiddle,
    DamageSnapshot,
    Wipe,
}

/// How a verb is said.
struct Words {
    label: &'static str,
    /// The button's `data-testid`, less the node's id.
    hook: &'static str,
    /// What the button will do, for its title.
    meaning: &'static str,
    done: &'static str,
}

impl Verb {
    pub fn label(self) -> &'static str {
        self.words().label
    }

    pub fn hook(self) -> &'static str {
        self.words().hook
    }

    pub fn meaning(self) -> &'static str {
        self.words().meaning
    }

    fn words(self) -> Words {
        let (label, hook, meaning, done) = match self {
            Self::Crash => (
                "Crash",
                "crash",
                "Ends the worker at once, nothing is flushed",
                "Crashed.",
            ),
            Self::Stop => (
                "Stop",
                "stop",
                "Lets the node finish its writes, then ends it",
                "Stopped.",
            ),
            Self::Start => (
                "Start",
                "start",
                "Opens the node's log and lets it join",
                "Started.",
            ),
            Self::Pause => (
                "Pause",
                "pause",
                "The node stops reacting, as a frozen tab does",
                "Paused.",
            ),
            Self::Resume => ("Resume", "resume", "The node reacts again", "Resumed."),
            Self::OpenTab => (
                "Open tab",
                "open-tab",
                "Hands the node over to a new tab",
                "Handed over to a new tab.",
            ),
            Self::TransferLeader => (
                "Transfer leadership here",
                "transfer",
                "The leader brings this node up to date and lets it campaign at once",
                "It leads.",
            ),
            Self::Promote => (
                "Promote",
                "promote",
                "Makes a learner that has caught up a voter",
                "It is a voter.",
            ),
            Self::Remove => (
                "Remove",
                "remove",
                "Ends the node's membership by a conf change",
                "Removed.",
            ),
            Self::Replace => (
                "Replace",
                "replace",
                "Removes the node and adds a new one, which copies the log from its peers",
                "Replaced.",
            ),
            Self::Snapshot => (
                "Snapshot now",
                "snapshot",
                "The node writes a snapshot and compacts its log",
                "Snapshot taken.",
            ),
            Self::Save => (
                "Save snapshot",
                "save",
                "Saves this node's state as a file, as far as it got; needs no quorum",
                "Saved.",
            ),
            Self::SlowDisk => (
                "Slow disk",
                "slow-disk",
                "Every write begins 200 ms late",
                "Its disk is slow: every write begins 200 ms late.",
            ),
            Self::FullDisk => (
                "Full disk",
                "full-disk",
                "Every write finds the disk full",
                "Its disk is full.",
            ),
            Self::FailNextWrite => (
                "Fail next write",
                "fail-next",
                "The next transaction is aborted by the browser",
                "Its next write will be aborted.",
            ),
            Self::MendDisk => (
                "Disk works again",
                "mend-disk",
                "Ends all faults of this node's disk",
                "Its disk works.",
            ),
            Self::DamageWalLast => (
                "Damage WAL, last",
                "damage-wal",
                "Flips one bit of the newest record of the write-ahead log",
                "One bit of the last record is flipped.",
            ),
            Self::DamageWalMiddle => (
                "Damage WAL, middle",
                "damage-wal-middle",
                "Flips one bit of a record in the middle of the write-ahead log",
                "One bit of a record in the middle is flipped.",
            ),
            Self::DamageSnapshot => (
                "Damage snapshot",
                "damage-snapshot",
                "Flips one bit of the newest snapshot",
                "One bit of the newest snapshot is flipped.",
            ),
            Self::Wipe => (
                "Wipe",
                "wipe",
                "Deletes all that the node has stored",
                "Wiped.",
            ),
        };
        Words {
            label,
            hook,
            meaning,
            done,
        }
    }

    /// Does it; the sentence says what came of it.
    ///
    /// # Errors
    /// The cluster's.
    pub async fn run(self, cluster: Cluster, id: u64) -> Result<String, ApiError> {
        match self {
            Self::Crash => cluster.crash(id).await?,
            Self::Start => cluster.start(id).await?,
            Self::Stop => cluster.stop(id).await?,
            Self::Pause => cluster.pause(id, None).await?,
            Self::Resume => cluster.resume(id).await?,
            Self::OpenTab => cluster.open_tab(id).await?,
            Self::TransferLeader => cluster.transfer_leader(id).await?,
            Self::Promote => cluster.promote(id).await?,
            Self::Remove => cluster.remove_node(id).await?,
            Self::Replace => {
                let new = cluster.replace(id).await?;
                return Ok(format!("Node {new} has taken its place."));
            }
            Self::Snapshot => {
                let index = cluster.snapshot(id).await?;
                return Ok(format!("Snapshot taken at index {index}."));
            }
            Self::Save => return save::save(cluster, Some(id)).await,
            Self::SlowDisk | Self::FullDisk | Self::FailNextWrite | Self::MendDisk => {
                cluster.disk(id, self.fault()).await?;
            }
            Self::DamageWalLast => cluster.corrupt(id, Stored::Wal, Place::Last).await?,
            Self::DamageWalMiddle => cluster.corrupt(id, Stored::Wal, Place::Middle).await?,
            Self::DamageSnapshot => cluster.corrupt(id, Stored::Snapshot, Place::Last).await?,
            Self::Wipe => cluster.wipe(id).await?,
        }
        Ok(self.words().done.to_owned())
    }

    /// How the disk behaves from then on: one fault takes the place of another.
    fn fault(self) -> DiskFault {
        let mut fault = DiskFault::default();
        match self {
            Self::SlowDisk => fault.delay_ms = SLOW_MS,
            Self::FullDisk => fault.full = true,
            Self::FailNextWrite => fault.fail_next = 1,
            _ => {}
        }
        fault
    }
}
