//! What is due to be drawn, and when: as often as a person can follow, and less often while the
//! cluster works hard, since it works on the same machine.

use std::collections::BTreeSet;

use super::feed::EVENTS_MAX;
use super::pace::Meter;
use crate::model::{Event, Flight, Status, Update};

/// How long after a death nothing is drawn.
const DEATH_REST_MS: f64 = 120.0;

/// The least time between two drawings of a kind, in milliseconds.
struct Tempo {
    status_ms: f64,
    events_ms: f64,
    /// Dots fly for half a second, and the whole map moves with them.
    flights_ms: f64,
}

const CALM: Tempo = Tempo {
    status_ms: 66.0,
    events_ms: 250.0,
    flights_ms: 250.0,
};
const BUSY: Tempo = Tempo {
    status_ms: 250.0,
    events_ms: 1_000.0,
    flights_ms: 4_000.0,
};

/// Entries committed a second from which on the cluster works hard, and below which it does not
/// any more.
const BUSY_FROM: f64 = 1_000.0;
const CALM_BELOW: f64 = 500.0;
/// The rate is that of so many milliseconds at least.
const RATE_OVER_MS: f64 = 500.0;

/// How hard the cluster works, by how fast its commit index grows.
#[derive(Debug, Default)]
pub struct Effort {
    /// The index, and when it was seen.
    last: Option<(f64, u64)>,
    pub busy: bool,
}

impl Effort {
    pub fn look(&mut self, now_ms: f64, status: &Status) {
        let commit = status.nodes.iter().map(|n| n.commit).max().unwrap_or(0);
        let (at_ms, before) = *self.last.get_or_insert((now_ms, commit));
        let over_ms = now_ms - at_ms;
        if over_ms < RATE_OVER_MS {
            return;
        }
        let rate = commit.saturating_sub(before) as f64 * 1_000.0 / over_ms;
        self.busy = rate >= if self.busy { CALM_BELOW } else { BUSY_FROM };
        self.last = Some((now_ms, commit));
    }
}

/// What changed since the signals were last set. Nothing of the browser is called while this is
/// borrowed: a tab that is closed may end the script right there, and it would stay borrowed.
#[derive(Default)]
pub struct Due {
    pub status: bool,
    pub faults: bool,
    pub notices: bool,
    pub work: bool,
    pub judged: bool,
    pub events: Vec<Event>,
    pub flights: BTreeSet<Flight>,
    pub meter: Meter,
    pub effort: Effort,
    /// A frame is on its way, or being drawn: whoever draws it calls the next.
    pub called: bool,
    status_at: f64,
    events_at: f64,
    flights_at: f64,
    /// Flights were due at the last frame, and not shown.
    put_off: bool,
    /// No frame before that, after one that took long or a death.
    pub rests_until: f64,
}

impl Due {
    fn tempo(&self) -> &'static Tempo {
        if self.effort.busy { &BUSY } else { &CALM }
    }

    /// Returns whether a frame must be called.
    pub fn note(&mut self, update: &Update, now: f64) -> bool {
        match update {
            Update::Status => self.status = true,
            Update::Died => {
                self.rests_until = self.rests_until.max(now + DEATH_REST_MS);
                return false;
            }
            Update::Faults => self.faults = true,
            Update::Notices => self.notices = true,
            Update::Event(event) => {
                // Twice the bound, then cut to it: one move per event, not one per event kept.
                if self.events.len() == 2 * EVENTS_MAX {
                    self.events.drain(..EVENTS_MAX);
                }
                self.events.push(event.clone());
            }
            Update::Flights(flights) => {
                self.flights.extend(flights.iter().copied());
            }
            Update::Progress => self.work = true,
            Update::Judged => self.judged = true,
            Update::Reset | Update::Measured(..) => return false,
            Update::Done { write, latency_ms } => {
                self.meter.done(now, *write, *latency_ms);
                return false;
            }
        }
        !std::mem::replace(&mut self.called, true)
    }

    pub fn left(&self) -> bool {
        self.status
            || self.faults
            || self.notices
            || self.work
            || self.judged
            || !self.events.is_empty()
            || !self.flights.is_empty()
    }

    /// In how many milliseconds there is something to show.
    pub fn wait_ms(&self, now: f64) -> f64 {
        let at_once = self.faults || self.notices || self.work || self.judged;
        let mut due = if at_once { now } else { f64::INFINITY };
        for waited in self.waited_ms(now) {
            due = due.min(now - waited);
        }
        (due.max(self.rests_until) - now).max(0.0)
    }

    /// What is to be shown now of statuses, events and flights. Flights have frames of their own, so that
    /// none takes long: they let the others go first, once.
    pub fn take_turn(&mut self, now: f64) -> (bool, Vec<Event>, BTreeSet<Flight>) {
        let [status, events, flights] = self.waited_ms(now).map(|waited| waited >= 0.0);
        let others = status || events;
        if flights && (!others || self.put_off) {
            (self.flights_at, self.put_off) = (now, false);
            return (false, Vec::new(), std::mem::take(&mut self.flights));
        }
        self.put_off = flights;
        if status {
            (self.status, self.status_at) = (false, now);
        }
        let mut new = Vec::new();
        if events {
            self.events_at = now;
            new = std::mem::take(&mut self.events);
        }
        (status, new, BTreeSet::new())
    }

    /// For how long each of the three could have been shown; before its time less than 0, and without
    /// anything to show less than anything.
    fn waited_ms(&self, now: f64) -> [f64; 3] {
        let tempo = self.tempo();
        let since = |is_there: bool, due: f64| match is_there {
            true => now - due,
            false => f64::NEG_INFINITY,
        };
        [
            since(self.status, self.status_at + tempo.status_ms),
            since(!self.events.is_empty(), self.events_at + tempo.events_ms),
            since(!self.flights.is_empty(), self.flights_at + tempo.flights_ms),
        ]
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::{MessageKind, NodeStatus};

    fn committed(commit: u64) -> Status {
        let node = NodeStatus {
            commit,
            ..NodeStatus::unknown(1)
        };
        Status {
            nodes: vec![NodeStatus::unknown(2), node],
            ..Status::default()
        }
    }

    #[test]
    fn it_works_hard_while_many_entries_are_committed() {
        let mut effort = Effort::default();
        let mut look = |now_ms: f64, commit: u64| {
            effort.look(now_ms, &committed(commit));
            effort.busy
        };
        assert!(!look(0.0, 1_000_000), "what was before nobody knows");
        assert!(!look(100.0, 1_000_300), "too early to tell");
        assert!(look(600.0, 1_000_600), "1,000 a second");
        assert!(look(1_200.0, 1_000_960), "600 a second is no calm yet");
        assert!(!look(1_800.0, 1_001_200), "400 a second is");
        assert!(!look(2_400.0, 1_001_700), "833 a second is not hard yet");
        assert!(!look(3_000.0, 5), "another cluster of the name");
    }

    #[test]
    fn what_is_drawn_while_it_works_hard_is_drawn_less_often() {
        let flight = Flight {
            from: 1,
            to: 2,
            kind: MessageKind::Append,
            lost: false,
        };
        // How many looks in five seconds, one a millisecond, showed statuses and flights.
        let shown = |busy: bool| {
            let mut due = Due::default();
            due.effort.busy = busy;
            let mut shown = (0, 0);
            for ms in 10_000..15_000 {
                let now = f64::from(ms);
                due.note(&Update::Status, now);
                due.note(&Update::Flights(vec![flight]), now);
                assert!(due.left());
                let waits = due.wait_ms(now) > 0.0;
                let (status, events, flights) = due.take_turn(now);
                assert_eq!(waits, !status && flights.is_empty(), "at {ms}");
                assert!(events.is_empty() && (!status || flights.is_empty()));
                shown.0 += u32::from(status);
                shown.1 += flights.len();
            }
            shown
        };
        assert_eq!(shown(false), (76, 20));
        assert_eq!(shown(true), (20, 2));
    }

    #[test]
    fn on_a_slow_machine_none_of_the_three_waits_for_ever() {
        let event = Event {
            seq: 1,
            at_ms: 0.0,
            node: 1,
            kind: "role".into(),
            text: "Node 1 leads in term 2.".into(),
            term: 2,
        };
        let flight = Flight {
            from: 1,
            to: 2,
            kind: MessageKind::Append,
            lost: false,
        };
        let mut due = Due::default();
        let mut shown = (0, 0, 0);
        // Whenever it draws, all of them are due.
        for frame in 0..30 {
            let now = 10_000.0 + 300.0 * f64::from(frame);
            due.note(&Update::Status, now);
            due.note(&Update::Event(event.clone()), now);
            due.note(&Update::Flights(vec![flight]), now);
            let (status, events, flights) = due.take_turn(now);
            shown.0 += u32::from(status);
            shown.1 += u32::from(!events.is_empty());
            shown.2 += u32::from(!flights.is_empty());
        }
        assert_eq!(shown, (15, 15, 15));
    }

    #[test]
    fn faults_are_shown_at_once_however_busy() {
        let mut due = Due::default();
        due.effort.busy = true;
        assert!(due.note(&Update::Status, 1.0), "the first calls a frame");
        assert!(due.wait_ms(1.0) > 0.0, "which has time");
        assert!(!due.note(&Update::Faults, 1.0), "the second has one");
        assert_eq!(due.wait_ms(1.0), 0.0);
        due.note(&Update::Died, 1.0);
        assert_eq!(due.wait_ms(1.0), DEATH_REST_MS, "but for a death");
    }
}
