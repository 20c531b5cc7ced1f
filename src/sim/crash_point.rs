//! Crashes at a chosen step, not at a chosen time.

use super::World;
use super::agenda::Happening;
use crate::wire::NodeId;

/// Which step of a replica's it is; each is counted from 1, over all its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A write, by [`Disk::begun`](super::disk::Disk::begun): lost or on the disk, and nobody was
    /// told.
    Persist { nth: u64, survives: bool },
    /// A message, before or after it is sent.
    Send { nth: u64, sent: bool },
    /// An input on account of which something is applied: before or after the replica's host has
    /// carried out what follows, answers to clients among it.
    Apply { nth: u64, told: bool },
}

/// A replica is to crash at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    pub id: NodeId,
    pub moment: Moment,
    /// Milliseconds until the replica is started again.
    pub back_in: u64,
}

impl World {
    /// Carries out the crash that was planned for this step, if it was.
    pub(super) fn crash_at(&mut self, id: NodeId, moment: Moment) -> bool {
        let this = |point: &mut CrashPoint| (point.id, point.moment) == (id, moment);
        let Some(point) = self.crash_point.take_if(this) else {
            return false;
        };
        let survives = matches!(moment, Moment::Persist { survives: true, .. });
        self.crash(id, survives);
        self.agenda.add(point.back_in, Happening::Start(id));
        true
    }
}
