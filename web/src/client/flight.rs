//! How much a tab has under way at the replicas, and how long answers take.
//!
//! What is asked beyond that waits in the tab: it is neither refused nor lost, and neither replicas
//! nor channels have to keep it.

/// Requests of a lane that may be under way. Replicas keep this many answers for a session, at the
/// least, so that it is also how far a session's newest write may be ahead of its oldest.
pub const WINDOW: u64 = 2_048;
/// Bytes of keys and values of a lane that may be under way; one request may have more.
pub const FLIGHT_BYTES_MAX: usize = 8 << 20;
/// The least time without an answer after which a request is sent again, in milliseconds, and the
/// most.
const RESEND_MS: (f64, f64) = (500.0, 4_000.0);
/// What a read is taken to be answered with before any was answered, in bytes.
const ANSWER_BYTES: usize = 64 << 10;

/// What waits for one another: writes without a quorum must not hold up stale reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Writes,
    Linearizable,
    Stale,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Writes, Self::Linearizable, Self::Stale];
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    requests: u64,
    bytes: usize,
}

#[derive(Debug)]
pub struct Flight {
    lanes: [Load; 3],
    /// What reads were answered with of late, in bytes: about the most.
    answer_bytes: usize,
    /// How long answers take, in milliseconds: mean and deviation, as of RFC 6298.
    answer_ms: Option<(f64, f64)>,
    /// How much longer than that is waited since there was silence, and since when.
    backoff: (f64, f64),
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            lanes: Default::default(),
            answer_bytes: ANSWER_BYTES,
            answer_ms: None,
            backoff: (1.0, 0.0),
        }
    }
}

impl Flight {
    /// What a request of `bytes` counts for: a read for what it is answered with, too, if that is
    /// like those before it.
    pub fn cost(&self, lane: Lane, bytes: usize) -> usize {
        match lane {
            Lane::Writes => bytes,
            Lane::Linearizable | Lane::Stale => bytes + self.answer_bytes,
        }
    }

    /// Whether a request of `bytes` may go now.
    pub fn has_room(&self, lane: Lane, bytes: usize) -> bool {
        let Load {
            requests,
            bytes: taken,
        } = self.lanes[lane as usize];
        requests == 0 || (requests < WINDOW && taken + bytes <= FLIGHT_BYTES_MAX)
    }

    pub fn begin(&mut self, lane: Lane, bytes: usize) {
        let load = &mut self.lanes[lane as usize];
        load.requests += 1;
        load.bytes += bytes;
    }

    pub fn end(&mut self, lane: Lane, bytes: usize) {
        let load = &mut self.lanes[lane as usize];
        load.requests = load.requests.saturating_sub(1);
        load.bytes = load.bytes.saturating_sub(bytes);
    }

    /// A read was answered with so many bytes.
    pub fn note_bytes(&mut self, bytes: usize) {
        self.answer_bytes = bytes.max(self.answer_bytes - self.answer_bytes / 16);
    }

    /// A request that was sent once was answered after `ms`. One that was sent again tells nothing
    /// (Karn's rule).
    pub fn note_ms(&mut self, ms: f64) {
        self.answer_ms = Some(match self.answer_ms {
            None => (ms, ms / 2.0),
            Some((mean, deviation)) => (
                mean + (ms - mean) / 8.0,
                deviation + ((ms - mean).abs() - deviation) / 4.0,
            ),
        });
        self.backoff.0 = 1.0;
    }

    /// Nothing came in time at `now`, in milliseconds. Until something comes that was sent once,
    /// all waits are longer (RFC 6298, section 5): who repeats what is only slow makes it slower.
    pub fn note_silence(&mut self, now: f64) {
        let (factor, since) = self.backoff;
        if now - since >= self.resend_ms() {
            self.backoff = ((2.0 * factor).min(16.0), now);
        }
    }

    /// After which time without an answer a request is sent again, in milliseconds.
    pub fn resend_ms(&self) -> f64 {
        let (least, most) = RESEND_MS;
        let usual = self.answer_ms;
        let usual = usual.map_or(least, |(mean, deviation)| mean + 4.0 * deviation);
        (usual.max(least) * self.backoff.0).min(most)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_lane_has_room_for_so_many_and_so_much() {
        let mut flight = Flight::default();
        for _ in 0..WINDOW {
            assert!(flight.has_room(Lane::Writes, 100));
            flight.begin(Lane::Writes, 100);
        }
        assert!(!flight.has_room(Lane::Writes, 100), "one too many");
        assert!(flight.has_room(Lane::Stale, 100), "another lane");
        flight.end(Lane::Writes, 100);
        assert!(flight.has_room(Lane::Writes, 100));

        let mut flight = Flight::default();
        let large = FLIGHT_BYTES_MAX + 1;
        assert!(flight.has_room(Lane::Writes, large), "alone it may go");
        flight.begin(Lane::Writes, large);
        assert!(!flight.has_room(Lane::Writes, 1), "bytes are counted");
        flight.end(Lane::Writes, large);
        assert!(flight.has_room(Lane::Writes, 1));
    }

    #[wasm_bindgen_test]
    fn a_request_is_sent_again_when_answers_would_have_come() {
        let mut flight = Flight::default();
        assert_eq!(flight.resend_ms(), 500.0);
        for _ in 0..50 {
            flight.note_ms(5.0);
        }
        assert_eq!(flight.resend_ms(), 500.0, "never sooner");
        for _ in 0..50 {
            flight.note_ms(900.0);
        }
        assert!((900.0..1_300.0).contains(&flight.resend_ms()));
        flight.note_ms(1e6);
        assert_eq!(flight.resend_ms(), 4_000.0, "nor for ever");
    }

    #[wasm_bindgen_test]
    fn silence_makes_all_wait_longer_until_there_is_an_answer() {
        let mut flight = Flight::default();
        for _ in 0..100 {
            flight.note_silence(10_000.0);
        }
        assert_eq!(
            flight.resend_ms(),
            1_000.0,
            "one silence, however many wait"
        );
        flight.note_silence(11_000.0);
        assert_eq!(flight.resend_ms(), 2_000.0);
        flight.note_ms(700.0);
        assert_eq!(flight.resend_ms(), 700.0 + 4.0 * 350.0);
    }

    #[wasm_bindgen_test]
    fn reads_are_taken_to_be_like_those_before_them() {
        let mut flight = Flight::default();
        flight.note_bytes(64 << 10);
        flight.note_bytes(10);
        assert!(flight.cost(Lane::Stale, 0) > 60_000);
        assert_eq!(flight.cost(Lane::Writes, 7), 7);
        for _ in 0..200 {
            flight.note_bytes(10);
        }
        assert!(flight.cost(Lane::Linearizable, 0) < 100);
    }
}
