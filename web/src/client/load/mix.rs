//! Which operations a load is made of.

use crate::model::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Put,
    /// Linearizable.
    Get,
    StaleGet,
    Cas,
    Delete,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Put,
        Self::Get,
        Self::StaleGet,
        Self::Cas,
        Self::Delete,
    ];

    /// As the console API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
            Self::StaleGet => "stale",
            Self::Cas => "cas",
            Self::Delete => "delete",
        }
    }
}

/// How many of a hundred operations are of each kind, in the order of [`Kind::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix([u64; Kind::ALL.len()]);

impl Mix {
    pub const PUTS: Self = Self([100, 0, 0, 0, 0]);

    /// # Errors
    /// `BAD_ARGUMENT`: they do not make a hundred.
    pub fn new(percent: [u64; Kind::ALL.len()]) -> Result<Self, ApiError> {
        let sum = percent
            .iter()
            .fold(0_u64, |sum, it| sum.saturating_add(*it));
        if sum != 100 {
            return Err(ApiError::bad_argument(format!(
                "The mix must make 100 percent. It makes {sum}."
            )));
        }
        Ok(Self(percent))
    }
}

/// Deals operations out, so that every kind comes as evenly as its share allows.
#[derive(Clone, Debug, Default)]
pub struct Dealer([i64; Kind::ALL.len()]);

impl Dealer {
    pub fn deal(&mut self, mix: Mix) -> Kind {
        let mut next = (0, i64::MIN);
        for (at, (credit, share)) in self.0.iter_mut().zip(mix.0).enumerate() {
            *credit += share as i64;
            if share > 0 && *credit > next.1 {
                next = (at, *credit);
            }
        }
        if let Some(credit) = self.0.get_mut(next.0) {
            *credit -= 100;
        }
        Kind::ALL.get(next.0).copied().unwrap_or(Kind::Put)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_hundred_operations_are_the_mix() {
        let percent = [50, 30, 10, 7, 3];
        let mix = Mix::new(percent).expect("a hundred");
        let mut dealer = Dealer::default();
        for _ in 0..3 {
            let dealt: Vec<Kind> = (0..100).map(|_| dealer.deal(mix)).collect();
            let count = |kind: Kind| dealt.iter().filter(|it| **it == kind).count() as u64;
            assert_eq!(Kind::ALL.map(count), percent);
            // Half of them are puts, so no three in a row are.
            let puts = |it: &[Kind]| it.iter().all(|it| *it == Kind::Put);
            assert!(!dealt.windows(3).any(puts), "{dealt:?}");
        }
    }

    #[test]
    fn a_mix_is_a_hundred_percent() {
        for wrong in [[0; 5], [50, 30, 10, 5, 4], [u64::MAX, 1, 0, 0, 100]] {
            let error = Mix::new(wrong).expect_err("no hundred");
            assert_eq!(error.code, "BAD_ARGUMENT");
        }
        assert_eq!(Mix::new([100, 0, 0, 0, 0]), Ok(Mix::PUTS));
    }
}
