//! A host's duties: to give its replica what arrives, to carry out all that follows, and to tell it
//! when its disk is done.

use super::World;
use super::agenda::Happening;
use super::crash_point::Moment;
use super::disk::installs;
use super::fault::Fault;
use super::host::Host;
use super::narrate;
use super::nemesis::Trap;
use super::origin::Notice;
use crate::node::{Event, Input, Output};
use crate::wal::{Record, WriteBatch};
use crate::wire::{Body, NodeId, RaftKind, SnapshotAnswer};

/// Milliseconds before each further try of an aborted write, as the product has them.
const RETRIES_MS: [u64; 3] = [10, 40, 160];

impl World {
    /// Gives a replica one input and carries out what it wants done.
    pub fn input(&mut self, id: NodeId, input: Input) {
        if let Some(host) = self.hosts.get_mut(&id) {
            let applied = |host: &Host| host.node().map_or(0, |node| node.applied());
            let before = applied(host);
            if !host.take(input) {
                return;
            }
            if applied(host) == before {
                return self.carry_out(id);
            }
            host.applies += 1;
            let nth = host.applies;
            if !self.crash_at(id, Moment::Apply { nth, told: false }) {
                self.carry_out(id);
                self.crash_at(id, Moment::Apply { nth, told: true });
            }
        }
    }

    /// A host's duty after every input: to carry out all outputs.
    pub(super) fn carry_out(&mut self, id: NodeId) {
        if let Some((node, _)) = self.hosts.get_mut(&id).and_then(Host::running) {
            self.replicas.leads(id, node);
        }
        while let Some((node, disk)) = self.hosts.get_mut(&id).and_then(Host::running) {
            let Some(output) = node.poll() else {
                break;
            };
            match output {
                Output::Persist(batch) => self.persist(id, batch),
                Output::Send { to, body } => {
                    if let Body::Raft(messages) = &body {
                        self.replicas.promised(id, messages, disk);
                        if messages.iter().any(|m| m.kind == RaftKind::TimeoutNow) {
                            self.faults.count(Fault::LeadershipTransfer);
                        }
                    }
                    let envelope = node.envelope(body);
                    let nth = self.next_send(id);
                    if self.crash_at(id, Moment::Send { nth, sent: false }) {
                        return;
                    }
                    let gathers = |body: &Body| {
                        let answer = SnapshotAnswer::Have(0);
                        matches!(body, Body::SnapshotAnswer { answer: now, .. }
                            if matches!(now, SnapshotAnswer::Have(_)) && *now != answer)
                    };
                    let caught = gathers(&envelope.body);
                    self.send(envelope, to);
                    self.crash_at(id, Moment::Send { nth, sent: true });
                    if caught {
                        self.spring(id, Trap::Transfer);
                    }
                }
                Output::Fetch { from, index } => {
                    let life = disk.owner();
                    let delay = self.network.disk_delay(id, &mut self.faults);
                    let to = id;
                    let fetched = Happening::Fetched {
                        to,
                        life,
                        from,
                        index,
                    };
                    self.agenda.add(delay, fetched);
                    self.spring(id, Trap::Transfer);
                }
                Output::Again => {
                    let life = disk.owner();
                    self.agenda.add(0, Happening::Again { id, life });
                }
                Output::Event(event) => self.told(id, event),
            }
        }
        if let Some((node, disk)) = self.hosts.get_mut(&id).and_then(Host::running) {
            self.replicas.observe(id, node, disk);
        }
    }

    fn next_send(&mut self, id: NodeId) -> u64 {
        self.hosts.get_mut(&id).map_or(0, |host| {
            host.sends += 1;
            host.sends
        })
    }

    fn told(&mut self, id: NodeId, event: Event) {
        match &event {
            Event::MembershipChanged { .. } => self.faults.count(Fault::MembershipChange),
            Event::Salvaged { entries: 1.., .. } => self.faults.count(Fault::Salvage),
            _ => {}
        }
        self.replicas.told(id, &event);
        self.story.tell(|| narrate::event(id, &event));
        self.events.push((id, event));
    }

    fn persist(&mut self, id: NodeId, batch: WriteBatch) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let disk = &mut host.disk;
        let (seq, held, installs) = (batch.seq, disk.held, installs(&batch));
        self.story.wrote(id, &batch);
        let (life, nth) = (disk.owner(), disk.begun + 1);
        let deposed = match self.trap {
            Some(Trap::Deposed { notice }) if is_deposed(&batch, disk.durable.term) => Some(notice),
            _ => None,
        };
        let begun = disk.begin(life, batch);
        debug_assert!(begun, "a host owns its disk");
        if !held {
            let delay = self.network.disk_delay(id, &mut self.faults);
            self.agenda.add(delay, Happening::Written { id, life, seq });
        }
        for survives in [false, true] {
            self.crash_at(id, Moment::Persist { nth, survives });
        }
        if let Some(notice) = deposed {
            self.trap = None;
            if self.crash_told(id, true, notice) {
                self.faults.count(Fault::Deposed);
            }
        }
        if installs {
            self.spring(id, Trap::Install { survives: false });
            self.spring(id, Trap::Install { survives: true });
        }
    }

    /// Ends whoever steps into a trap that was set for it.
    fn spring(&mut self, id: NodeId, trap: Trap) {
        if self.trap.take_if(|set| *set == trap).is_some() {
            let survives = trap == Trap::Install { survives: true };
            if trap == Trap::Transfer {
                self.faults.count(Fault::InstallInterrupted);
            }
            self.crash(id, survives);
        }
    }

    /// The transaction under way at a replica's disk has come to its end.
    pub fn written(&mut self, id: NodeId, seq: u64) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let disk = &mut host.disk;
        if disk.in_flight() != Some(seq) {
            return;
        }
        if disk.full {
            self.faults.count(Fault::FullDisk);
            self.crash_told(id, false, Notice::Soon);
            return;
        }
        if let Some(aborts) = disk.aborts.checked_sub(1) {
            disk.aborts = aborts;
            return self.aborted(id, seq);
        }
        host.tries = 0;
        let completed = disk.complete();
        self.story.tell(|| format!("{id} disk has #{seq}"));
        self.completed(id, completed);
        self.input(id, Input::Persisted(seq));
    }

    /// Tries the same batch again, a few times.
    fn aborted(&mut self, id: NodeId, seq: u64) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let life = host.life();
        let tries = host.tries;
        host.tries += 1;
        self.story.tell(|| format!("{id} disk aborts #{seq}"));
        match RETRIES_MS.get(tries) {
            Some(wait) => {
                self.faults.count(Fault::AbortedWrite);
                self.agenda.add(*wait, Happening::Written { id, life, seq });
            }
            None => {
                self.faults.count(Fault::WriteGivenUp);
                self.crash(id, false);
            }
        }
    }
}

/// Whether a former leader writes down that its term is over, and nothing else.
fn is_deposed(batch: &WriteBatch, term: u64) -> bool {
    Record::decode(&batch.record).is_ok_and(|record| {
        record.led_term == term && record.hard_state.term > term && record.entries.is_empty()
    })
}
