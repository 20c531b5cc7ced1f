//! What replicas of one browser's origin share: they can read each other's disks, and the browser
//! tells them of a death by handing on the lock that the dead one held.

use super::World;
use super::agenda::Happening;
use super::fault::Fault;
use super::host::{Host, State};
use crate::node::{Input, Role};
use crate::wire::NodeId;

/// Which of it a run uses; by default nothing, which is plain Raft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Snapshots are read from the leader's disk.
    pub shared_store: bool,
    /// A dead leader's tail is read from its disk.
    pub salvage: bool,
    /// Who is first in line when a leader's death is told campaigns.
    pub succession: bool,
    /// A dead replica is brought back by a survivor.
    pub revive: bool,
}

impl Origin {
    pub const ALL: Origin = Origin {
        shared_store: true,
        salvage: true,
        succession: true,
        revive: true,
    };
}

/// How a death is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    #[default]
    Soon,
    Late,
    Never,
}

/// Milliseconds until the browser has handed a dead holder's lock on.
const KNOWN_MS: std::ops::RangeInclusive<u64> = 1..=40;
/// The same where it is late.
const LATE_MS: std::ops::RangeInclusive<u64> = 500..=5_000;
/// Milliseconds that a successor keeps the lock when it does not win.
const NEXT_MS: u64 = 500;
/// Milliseconds that a revival takes.
const REVIVAL_MS: std::ops::RangeInclusive<u64> = 10..=120;
/// Records read of a dead leader's log at first; four times as many whenever they do not suffice.
const TAIL_RECORDS: usize = 2;

impl World {
    /// A replica died: its lock passes to whoever waits for it, one after another.
    pub(super) fn announce_death(&mut self, of: NodeId, notice: Notice) {
        let origin = self.settings.origin;
        if !(origin.succession || origin.salvage || origin.revive) {
            return;
        }
        let known = match notice {
            Notice::Soon => self.rng.u64(KNOWN_MS),
            Notice::Late => {
                self.faults.count(Fault::LateNotice);
                self.rng.u64(LATE_MS)
            }
            Notice::Never => return self.faults.count(Fault::NoNotice),
        };
        if origin.succession || origin.salvage {
            let waits = |host: &&Host| host.id != of && host.node().is_some();
            let mut line: Vec<NodeId> = self.hosts.values().filter(waits).map(|h| h.id).collect();
            self.shuffle(&mut line);
            self.agenda.add(known, Happening::Death { of, line });
        }
        if origin.revive {
            let delay = match notice {
                Notice::Late => known,
                _ => 0,
            };
            let delay = delay + self.rng.u64(REVIVAL_MS);
            self.agenda.add(delay, Happening::Revival(of));
        }
    }

    /// Fisher and Yates's, alike on machines of 32 and 64 bits.
    fn shuffle(&mut self, ids: &mut [NodeId]) {
        for last in (1..ids.len()).rev() {
            let other = self.rng.u64(0..=last as u64) as usize;
            ids.swap(last, other);
        }
    }

    /// The first in line that took the dead one for its leader succeeds it.
    pub(super) fn pass_on(&mut self, of: NodeId, mut line: Vec<NodeId>) {
        let follows = |host: &Host| {
            let report = host.node().map(|node| node.report());
            report.is_some_and(|r| r.role != Role::Learner && (r.leader == of || r.leader == 0))
        };
        while let Some(next) = line.pop() {
            if self.hosts.get(&next).is_some_and(follows) {
                self.succeed(next, of);
                self.agenda.add(NEXT_MS, Happening::Death { of, line });
                return;
            }
        }
    }

    /// What a host does that holds a dead leader's lock.
    pub fn succeed(&mut self, id: NodeId, dead: NodeId) {
        let origin = self.settings.origin;
        if origin.salvage {
            self.salvage(id, dead);
        }
        if origin.succession {
            self.faults.count(Fault::Succession);
            self.input(id, Input::Succeed(dead));
        }
    }

    /// Gives a replica the end of a dead leader's log.
    pub fn salvage(&mut self, id: NodeId, leader: NodeId) {
        let records = self.tail_of(leader, id);
        self.input(id, Input::Salvage { leader, records });
    }

    /// The newest records of a disk, as many as `reader` needs.
    fn tail_of(&self, dead: NodeId, reader: NodeId) -> Vec<(u64, Vec<u8>)> {
        let records = self.hosts.get(&dead).map(|host| &host.disk.tables.records);
        let records = records.map(Vec::as_slice).unwrap_or_default();
        let Some(node) = self.hosts.get(&reader).and_then(Host::node) else {
            return Vec::new();
        };
        let mut many = TAIL_RECORDS;
        while many < records.len() && !node.reaches_back(dead, &records[records.len() - many..]) {
            many *= 4;
        }
        records[records.len().saturating_sub(many)..].to_vec()
    }

    /// A replica's host reads a snapshot from another's disk.
    pub(super) fn fetched(&mut self, to: NodeId, from: NodeId, index: u64) {
        let snapshots = self
            .hosts
            .get(&from)
            .map(|host| &host.disk.tables.snapshots);
        let found = snapshots.and_then(|all| all.iter().find(|(at, _)| *at == index));
        let body = found.map(|(_, body)| body.clone());
        self.input(to, Input::Fetched { from, index, body });
    }

    /// Brings a replica back, if anybody is left to do it and nobody has.
    pub(super) fn revive(&mut self, id: NodeId) {
        let anybody = self.hosts.values().any(|host| host.state != State::Down);
        if anybody {
            self.start(id);
        }
    }
}
