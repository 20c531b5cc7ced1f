//! Linearizable reads by ReadIndex (Raft thesis, section 6.4): one confirmation for all reads that
//! wait, whatever replica they came to.

use std::collections::VecDeque;

use crate::wire::{ClientId, NodeId, Request};

/// Reads that may wait at one replica.
pub(super) const READS_MAX: usize = 65_536;
/// Ticks after which a confirmation that did not come is asked for again.
const RETRY_TICKS: u64 = 4;

/// Term, leader, and whether an entry of the term is committed. raft-rs drops requests while there
/// is no leader, and before he has committed an entry of his term; so a change of these is a reason
/// to ask again.
pub(super) type Standing = (u64, NodeId, bool);

struct Waiting {
    client: ClientId,
    request: Request,
    since_tick: u64,
    /// The first round that can confirm it.
    round: u64,
}

/// The reads of one replica, in three stages: asked, under confirmation, confirmed at an index.
#[derive(Default)]
pub(super) struct Reads {
    asked: VecDeque<Waiting>,
    confirming: VecDeque<Waiting>,
    /// Number of the newest confirmation asked for, and the tick it was asked at.
    round: u64,
    round_tick: u64,
    round_standing: Standing,
    confirmed: VecDeque<(u64, Waiting)>,
}

impl Reads {
    pub(super) fn len(&self) -> usize {
        self.asked.len() + self.confirming.len() + self.confirmed.len()
    }

    pub(super) fn push(&mut self, client: ClientId, request: Request, tick: u64) {
        self.asked.push_back(Waiting {
            client,
            request,
            since_tick: tick,
            round: self.round + 1,
        });
    }

    /// The number of the confirmation to ask for now, if one is due. Reads join a round only
    /// before it begins: the index it confirms was committed after they were asked.
    pub(super) fn next_round(&mut self, tick: u64, standing: Standing) -> Option<u64> {
        let late = tick >= self.round_tick + RETRY_TICKS || standing != self.round_standing;
        let due = if self.confirming.is_empty() {
            !self.asked.is_empty()
        } else {
            late
        };
        if !due {
            return None;
        }
        self.confirming.append(&mut self.asked);
        self.round += 1;
        self.round_tick = tick;
        self.round_standing = standing;
        Some(self.round)
    }

    /// Round `round` was confirmed at `index`: good for all reads asked before it began.
    pub(super) fn confirm(&mut self, round: u64, index: u64) {
        while let Some(read) = self.confirming.pop_front_if(|read| read.round <= round) {
            self.confirmed.push_back((index, read));
        }
    }

    /// The next read that `applied` suffices for. Indices of later rounds are never smaller.
    pub(super) fn pop_ready(&mut self, applied: u64) -> Option<(ClientId, Request)> {
        let (_, read) = self
            .confirmed
            .pop_front_if(|(index, _)| *index <= applied)?;
        Some((read.client, read.request))
    }

    /// Takes out a read that has waited since before `tick`, if there is one.
    pub(super) fn pop_older(&mut self, tick: u64) -> Option<(ClientId, Request)> {
        let old = |read: &mut Waiting| read.since_tick < tick;
        let read = self
            .confirming
            .pop_front_if(old)
            .or_else(|| self.asked.pop_front_if(old))
            .or_else(|| {
                let confirmed = self.confirmed.pop_front_if(|(_, read)| old(read))?;
                Some(confirmed.1)
            })?;
        Some((read.client, read.request))
    }
}
