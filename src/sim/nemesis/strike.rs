//! What a strike does to the world, and what ends all faults.

use super::{Strike, Who};
use crate::node::Input;
use crate::sim::World;
use crate::sim::fault::Fault;
use crate::sim::host::{Host, State};
use crate::sim::network::Weather;
use crate::wire::{Address, Ask, Body, ClientId, Envelope, MemberChange, NodeId, Request};

/// The client in whose name memberships are changed.
const ADMINISTRATOR: ClientId = 999;
/// Virtual milliseconds that a request to change the membership may be on its way, at most, while
/// everybody is up.
const UNDER_WAY_MS: u64 = 1_000;

impl World {
    /// Whoever is meant, if there is one.
    fn find(&self, who: Who) -> Option<NodeId> {
        match who {
            Who::Nth(nth) => {
                let there = |id: &NodeId| !self.lost.contains_key(id);
                let ids: Vec<NodeId> = self.hosts.keys().copied().filter(there).collect();
                let place = nth.checked_rem(ids.len() as u64)?;
                Some(ids[place as usize])
            }
            Who::Leader => {
                let nodes = self.hosts.values().filter_map(Host::node);
                let leaders = nodes.filter(|node| node.is_leader());
                leaders.max_by_key(|node| node.term()).map(|n| n.id())
            }
        }
    }

    /// Carries out a strike. One that hits nobody, or makes no difference, does nothing.
    pub fn strike(&mut self, strike: &Strike) {
        self.story.at(self.agenda.now());
        self.story.tell(|| format!("*** {strike:?}"));
        match strike.clone() {
            Strike::Crash {
                who,
                survives,
                notice,
            } => {
                if let Some(id) = self.find(who)
                    && self.crash_told(id, survives, notice)
                {
                    self.faults.count(Fault::WorkerCrash);
                }
            }
            Strike::CrashTab { who, fates, notice } => {
                if let Some(tab) = self.find(who).map(|id| self.hosts[&id].tab) {
                    let dead = self.end_all(fates, |host| host.tab == tab);
                    if dead.len() > 1 {
                        self.faults.count(Fault::TabCrash);
                    }
                    dead.into_iter()
                        .for_each(|id| self.announce_death(id, notice));
                }
            }
            Strike::CrashBrowser { fates } => {
                if !self.end_all(fates, |_| true).is_empty() {
                    self.faults.count(Fault::BrowserCrash);
                }
            }
            Strike::CutPower { fates } => self.cut_power(fates),
            Strike::Start(who) => self.on(who, Self::start),
            Strike::StartAll => self.start_all(),
            Strike::Pause(who) => {
                if let Some(id) = self.find(who)
                    && matches!(self.hosts[&id].state, State::Up(_))
                {
                    self.pause(id);
                    self.faults.count(Fault::Pause);
                }
            }
            Strike::Resume(who) => self.on(who, Self::resume),
            Strike::TakeOver { who, survives } => {
                self.on(who, |world, id| world.take_over(id, survives));
            }
            Strike::ThawAll => self.thaw_all(),
            Strike::Split(sides) => {
                let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
                let (one, other): (Vec<NodeId>, Vec<NodeId>) =
                    ids.iter().partition(|id| (sides >> (*id % 64)) & 1 == 1);
                self.network.partition(&one, &other);
            }
            Strike::Isolate(who) => self.on(who, |world, id| {
                let others = world.hosts.keys().copied().filter(|other| *other != id);
                let others: Vec<NodeId> = others.collect();
                world.network.partition(&[id], &others);
            }),
            Strike::Mute(who) => self.on(who, |world, id| {
                let others: Vec<NodeId> = world.hosts.keys().copied().collect();
                others
                    .iter()
                    .for_each(|other| world.network.cut(id, *other));
            }),
            Strike::Cut(from, to) => {
                if let (Some(from), Some(to)) = (self.find(from), self.find(to)) {
                    self.network.cut(from, to);
                }
            }
            Strike::Heal => self.network.heal(),
            Strike::Weather(weather) => self.network.weather = weather,
            Strike::JumpClock { who, ticks } => self.on(who, |world, id| {
                if matches!(world.hosts[&id].state, State::Up(_)) {
                    world.faults.count(Fault::ClockJump);
                    world.input(id, Input::Woke { ticks });
                }
            }),
            Strike::Change(changes) => self.ask_for_membership(changes),
            Strike::Transfer => {
                self.on(Who::Leader, |world, id| {
                    world.input(id, Input::TransferLeader(None));
                });
            }
            Strike::Campaign(who) => self.on(who, |world, id| world.input(id, Input::Campaign)),
            Strike::Snapshot(who) => self.on(who, |world, id| world.input(id, Input::Snapshot)),
            Strike::Trap(trap) => self.trap = Some(trap),
            Strike::Limit(limits) => self.settings.limits = limits,
            Strike::Operate => self.operate(),
            strike => self.strike_disk(strike),
        }
    }

    /// The same for disks and clocks.
    fn strike_disk(&mut self, strike: Strike) {
        match strike {
            Strike::SlowDisk(who) => {
                if let Some(id) = self.find(who) {
                    self.network.slow_disks.insert(id);
                }
            }
            Strike::Abort { who, times } => self.on_host(who, |host| host.disk.aborts = times),
            Strike::Fill(who) => self.on_host(who, |host| host.disk.full = true),
            Strike::Free => self.free_disks(),
            Strike::CloseDisk { who, survives } => {
                if let Some(id) = self.find(who)
                    && self.hosts[&id].state != State::Down
                {
                    self.faults.count(Fault::ForcedClose);
                    self.crash(id, survives);
                }
            }
            Strike::Damage(who, damaged) => self.on(who, |world, id| world.damage(id, damaged)),
            Strike::Evict(who) => self.on(who, Self::evict),
            Strike::StopClock(who) => self.on_host(who, |host| {
                host.clock_stopped = matches!(host.state, State::Paused(_));
            }),
            Strike::Skew { who, pace_pct } => {
                if self.find(who).is_some() {
                    self.faults.count(Fault::ClockSkew);
                }
                self.on_host(who, |host| host.pace_pct = pace_pct);
            }
            _ => {}
        }
    }

    fn on(&mut self, who: Who, does: impl FnOnce(&mut Self, NodeId)) {
        if let Some(id) = self.find(who) {
            does(self, id);
        }
    }

    fn on_host(&mut self, who: Who, does: impl FnOnce(&mut Host)) {
        let id = self.find(who);
        if let Some(host) = id.and_then(|id| self.hosts.get_mut(&id)) {
            does(host);
        }
    }

    /// Ends all of these at once. Returns those that lived.
    fn end_all(&mut self, fates: u64, is_it: impl Fn(&Host) -> bool) -> Vec<NodeId> {
        let hosts = self.hosts.values().filter(|host| is_it(host));
        let mut ids: Vec<NodeId> = hosts.map(|host| host.id).collect();
        ids.retain(|id| self.end(*id, (fates >> (id % 64)) & 1 == 1));
        ids
    }

    fn start_all(&mut self) {
        let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
        ids.into_iter().for_each(|id| self.start(id));
    }

    fn free_disks(&mut self) {
        for host in self.hosts.values_mut() {
            (host.disk.full, host.disk.aborts) = (false, 0);
        }
    }

    /// Asks every replica, since it does not know who leads; most will not be able to.
    pub(in crate::sim) fn ask_for_membership(&mut self, changes: Vec<MemberChange>) {
        self.calm_at = self.agenda.now() + UNDER_WAY_MS;
        let envelope = Envelope {
            cluster: self.settings.cluster,
            from: Address::Client(ADMINISTRATOR),
            body: Body::Requests(vec![Request {
                id: 1,
                ask: Ask::ChangeMembership(changes),
            }]),
        };
        let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
        for id in ids {
            self.send(envelope.clone(), Address::Node(id));
        }
    }

    /// Ends all faults: everything that is not lost is up and reaches everything.
    pub fn relent(&mut self) {
        self.network.heal();
        self.network.weather = Weather::FAIR;
        self.trap = None;
        self.free_disks();
        self.hosts.values_mut().for_each(|host| host.pace_pct = 100);
        let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
        ids.into_iter().for_each(|id| self.resume(id));
        // A host that runs hears that its lock was stolen. One that leads and has nothing to write
        // would go on for ever, else.
        self.thaw_all();
        self.zombies.clear();
        self.start_all();
    }
}
