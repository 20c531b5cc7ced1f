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
const RESEND_MS: (f64, f64) = (500.0, 10_000.0);

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

#[derive(Debug, Default)]
pub struct Flight {
    lanes: [Load; 3],
    /// What reads were answered with of late, in bytes: about the most.
    answer_bytes: usize,
    /// How long answers take, in milliseconds: mean and deviation, as of RFC 6298.
    answer_ms: Option<(f64, f64)>,
}

impl Flight {
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

    /// What a read will be answered with, if it is like those before it.
    pub fn answer_bytes(&self) -> usize {
        self.answer_bytes
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
    }

    /// After which time without an answer a request is sent again, in milliseconds.
    pub fn resend_ms(&self) -> f64 {
        let (least, most) = RESEND_MS;
        self.answer_ms.map_or(least, |(mean, deviation)| {
            (mean + 4.0 * deviation).clamp(least, most)
        })
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
        assert_eq!(flight.resend_ms(), 10_000.0, "nor for ever");
    }

    #[wasm_bindgen_test]
    fn reads_are_taken_to_be_like_those_before_them() {
        let mut flight = Flight::default();
        flight.note_bytes(64 << 10);
        flight.note_bytes(10);
        assert!(flight.answer_bytes() > 60_000);
        for _ in 0..200 {
            flight.note_bytes(10);
        }
        assert!(flight.answer_bytes() < 100);
    }
}
