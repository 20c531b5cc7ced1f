//! How much may be kept for later: so many messages, and so many bytes.

/// The most bytes kept in one place for later.
const BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub struct Budget {
    messages_max: usize,
    messages: usize,
    bytes: usize,
}

impl Budget {
    pub fn new(messages_max: usize) -> Self {
        Self {
            messages_max,
            messages: 0,
            bytes: 0,
        }
    }

    /// Counts a message of so many bytes, if there is room for it; one may have more.
    pub fn take(&mut self, bytes: usize) -> bool {
        let fits = self.messages < self.messages_max && self.bytes + bytes <= BYTES_MAX;
        let taken = fits || self.messages == 0;
        if taken {
            self.messages += 1;
            self.bytes += bytes;
        }
        taken
    }

    /// Gives back what was taken.
    pub fn give(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn so_many_and_so_much() {
        let mut budget = Budget::new(2);
        assert!(budget.take(1) && budget.take(1));
        assert!(!budget.take(1), "one too many");
        budget.give(1);
        assert!(!budget.take(BYTES_MAX), "too much");
        assert!(budget.take(BYTES_MAX - 1));

        let mut budget = Budget::new(2);
        assert!(budget.take(BYTES_MAX + 1), "alone it may be larger");
        assert!(!budget.take(1));
    }
}
