//! What a load is to be, and the operations that follow from it.

use bytes::Bytes;

use super::mix::{Dealer, Kind, Mix};
use super::operation::Operation;
use crate::model::ApiError;

pub const RATE_MAX: f64 = 100_000.0;
/// A session has room for twice as many.
pub const IN_FLIGHT_MAX: u64 = 1_024;
pub const KEYS_MAX: u64 = 100_000;
/// The largest value there may be.
pub const VALUE_BYTES_MAX: u64 = 1 << 20;
/// A day.
pub const SECONDS_MAX: f64 = 86_400.0;
/// What may be under way at once, in bytes of values.
const BYTES_MAX: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Operations a second; `None` for as fast as it goes.
    pub rate: Option<f64>,
    /// The most that are under way at any time.
    pub in_flight: u64,
    pub mix: Mix,
    /// How many keys it uses: `0` and so on, under a prefix.
    pub keys: u64,
    pub value_bytes: u64,
    /// `None`: until it is stopped.
    pub seconds: Option<f64>,
}

impl Plan {
    /// # Errors
    /// `BAD_ARGUMENT`: too much would be under way at once.
    pub fn check(&self) -> Result<(), ApiError> {
        match self.in_flight * self.value_bytes {
            bytes if bytes > BYTES_MAX => Err(ApiError::bad_argument(format!(
                "{} values of {} bytes at once are more than {} MiB. Choose fewer or smaller ones.",
                self.in_flight,
                self.value_bytes,
                BYTES_MAX >> 20
            ))),
            _ => Ok(()),
        }
    }
}

/// The operations of a plan, one after the other. No two writes have the same value, as far as its
/// size allows, so that a judge can tell them apart.
pub struct Operations {
    plan: Plan,
    /// Before each key.
    prefix: String,
    dealer: Dealer,
    /// How many there were.
    count: u64,
    /// Which write each key was last seen to hold.
    held: Vec<Option<u64>>,
}

/// Which write an operation is, and to which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    number: u64,
    key: usize,
}

impl Operations {
    pub fn new(plan: Plan, prefix: impl Into<String>) -> Self {
        Self {
            plan,
            prefix: prefix.into(),
            dealer: Dealer::default(),
            count: 0,
            held: vec![None; plan.keys as usize],
        }
    }

    pub fn deal(&mut self) -> (Place, Operation) {
        self.count += 1;
        let number = self.count;
        let key = (scattered(number) % self.plan.keys) as usize;
        let kind = self.dealer.deal(self.plan.mix);
        let value = |number| value(number, self.plan.value_bytes as usize);
        let held = self.held.get(key).copied().flatten();
        let operation = Operation {
            kind,
            key: format!("{}{key}", self.prefix),
            value: match kind {
                Kind::Put | Kind::Cas => value(number),
                Kind::Get | Kind::StaleGet | Kind::Delete => Bytes::new(),
            },
            expected: held.filter(|_| kind == Kind::Cas).map(value),
        };
        (Place { number, key }, operation)
    }

    /// Takes what came of one.
    pub fn settled(&mut self, place: Place, kind: Kind, took_effect: bool) {
        let held = match kind {
            Kind::Put | Kind::Cas if took_effect => Some(place.number),
            Kind::Delete => None,
            _ => return,
        };
        if let Some(known) = self.held.get_mut(place.key) {
            *known = held;
        }
    }
}

/// So many bytes that are those of one write.
fn value(number: u64, bytes: usize) -> Bytes {
    let mut value = format!("{number:x}.").into_bytes();
    value.resize(bytes, b'x');
    value.into()
}

/// The same number for the same one, without any order to be seen (SplitMix64).
fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn plan(percent: [u64; 5], keys: u64) -> Plan {
        Plan {
            rate: None,
            in_flight: 4,
            mix: Mix::new(percent).expect("a hundred"),
            keys,
            value_bytes: 20,
            seconds: None,
        }
    }

    #[test]
    fn every_key_is_used_and_every_value_differs() {
        let mut operations = Operations::new(plan([100, 0, 0, 0, 0], 10), "load/");
        let all: Vec<_> = (0..1_000).map(|_| operations.deal().1).collect();
        for key in 0..10 {
            let name = format!("load/{key}");
            let share = all.iter().filter(|it| it.key == name).count();
            assert!((50..200).contains(&share), "{name}: {share} of 1,000");
        }
        let mut values: Vec<_> = all.iter().map(|it| &it.value).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 1_000);
        assert!(all.iter().all(|it| it.value.len() == 20));
    }

    #[test]
    fn a_swap_expects_what_the_key_was_last_seen_to_hold() {
        let mut operations = Operations::new(plan([0, 0, 0, 100, 0], 1), "load/");
        let (first, one) = operations.deal();
        assert_eq!(one.expected, None);
        operations.settled(first, Kind::Cas, true);
        let (second, two) = operations.deal();
        assert_eq!(two.expected, Some(one.value.clone()));
        // It did not swap: the key holds what it held.
        operations.settled(second, Kind::Cas, false);
        let (third, three) = operations.deal();
        assert_eq!(three.expected, Some(one.value));
        operations.settled(third, Kind::Delete, true);
        assert_eq!(operations.deal().1.expected, None);
    }

    #[test]
    fn a_plan_that_would_take_too_much_memory_is_refused() {
        let mut plan = plan([100, 0, 0, 0, 0], 1);
        assert_eq!(plan.check(), Ok(()));
        (plan.in_flight, plan.value_bytes) = (IN_FLIGHT_MAX, VALUE_BYTES_MAX);
        assert_eq!(
            plan.check().map_err(|error| error.code),
            Err("BAD_ARGUMENT")
        );
    }
}
