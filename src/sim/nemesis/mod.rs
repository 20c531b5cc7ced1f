//! Faults: which, and when.
//!
//! - here: what a strike is
//! - [`schedule`]: the strikes of a run, drawn from a seed before it begins. So a schedule that
//!   makes a run fail can be made smaller, strike by strike ([`shrink`](super::shrink)).
//! - [`strike`]: what each of them does to the world, and what ends them all

pub mod schedule;
pub mod strike;

use super::loss::Damaged;
use super::network::Weather;
use super::origin::Notice;
use crate::node::Limits;
use crate::wire::MemberChange;

/// A strike, and when it falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    pub at_ms: u64,
    pub strike: Strike,
}

/// Whom it hits, as found when it falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Counted round all replicas there are, but those that are lost.
    Nth(u64),
    /// Whoever leads the newest term.
    Leader,
}

/// One fault, or the end of one. `fates` has a bit for each replica: whether its write under way
/// reaches its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strike {
    Crash {
        who: Who,
        survives: bool,
        notice: Notice,
    },
    /// All replicas of the tab in which this one is.
    CrashTab {
        who: Who,
        fates: u64,
        notice: Notice,
    },
    CrashBrowser {
        fates: u64,
    },
    CutPower {
        fates: u64,
    },
    Start(Who),
    StartAll,
    Pause(Who),
    Resume(Who),
    TakeOver {
        who: Who,
        survives: bool,
    },
    ThawAll,
    /// Parts those from the others whose bit is set.
    Split(u64),
    Isolate(Who),
    /// Cuts all ways from it: it hears, and is not heard.
    Mute(Who),
    /// Cuts one way.
    Cut(Who, Who),
    Heal,
    Weather(Weather),
    SlowDisk(Who),
    Abort {
        who: Who,
        times: u32,
    },
    Fill(Who),
    /// There is room again on all disks.
    Free,
    CloseDisk {
        who: Who,
        survives: bool,
    },
    Damage(Who, Damaged),
    Evict(Who),
    JumpClock {
        who: Who,
        ticks: u64,
    },
    StopClock(Who),
    /// Of a hundred milliseconds, so many pass by its clock.
    Skew {
        who: Who,
        pace_pct: u64,
    },
    Change(Vec<MemberChange>),
    Transfer,
    Campaign(Who),
    Snapshot(Who),
    Trap(Trap),
    /// For all that start from now on.
    Limit(Limits),
    /// The operator looks after what was lost.
    Operate,
}

/// What is to happen to the next replica that takes in a leader's snapshot, or the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// It ends while the snapshot is on its way.
    Transfer,
    /// It ends with the write that installs it.
    Install { survives: bool },
    /// Not one that takes in a snapshot, but the next deposed leader: it ends when it has written
    /// the new leader's term down, and its log is not yet what the new leader has.
    Deposed { notice: Notice },
}
