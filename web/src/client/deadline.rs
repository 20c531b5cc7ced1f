//! Until when a call may take, whatever it waits for.

use gloo_timers::future::TimeoutFuture;

use super::now;

#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at_ms: f64,
    whole_ms: f64,
}

impl Deadline {
    pub fn after(ms: f64) -> Self {
        Self {
            at_ms: now() + ms,
            whole_ms: ms,
        }
    }

    pub fn is_over(self) -> bool {
        now() >= self.at_ms
    }

    /// What is left, at least a millisecond and at most `most` of them.
    pub fn left(self, most: f64) -> f64 {
        (self.at_ms - now()).clamp(1.0, most.max(1.0))
    }

    /// "15 s", for sentences.
    pub fn in_words(self) -> String {
        if self.whole_ms < 1_000.0 {
            format!("{} ms", self.whole_ms)
        } else {
            format!("{} s", (self.whole_ms / 100.0).round() / 10.0)
        }
    }

    /// Waits a little; `false` if the time is up.
    pub async fn pause(self, ms: u32) -> bool {
        if self.is_over() {
            return false;
        }
        TimeoutFuture::new(ms).await;
        true
    }
}
