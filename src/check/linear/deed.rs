//! What an operation says of a key's value before and after it.

/// A key's value: a number for each value that the history has.
pub type Value = u32;
pub const ABSENT: Value = 0;
/// The key's value before the first that is known of it.
pub const UNKNOWN: Value = 1;

/// An operation that returned, and what that says of the values before and after it.
#[derive(Clone, Copy)]
pub enum Deed {
    Put {
        to: Value,
    },
    Delete {
        existed: bool,
    },
    Swap {
        from: Value,
        to: Value,
    },
    NoSwap {
        from: Value,
    },
    Get {
        value: Value,
    },
    /// An answer of another kind than the call: nothing explains it.
    Nonsense,
}

impl Deed {
    /// The value after it, if it fits the one before.
    pub fn after(self, before: Value) -> Option<Value> {
        let unknown = before == UNKNOWN;
        match self {
            Deed::Put { to } => Some(to),
            Deed::Delete { existed } => {
                (unknown || existed == (before != ABSENT)).then_some(ABSENT)
            }
            Deed::Swap { from, to } => (unknown || before == from).then_some(to),
            Deed::NoSwap { from } => (unknown || before != from).then_some(before),
            Deed::Get { value } => (unknown || before == value).then_some(value),
            Deed::Nonsense => None,
        }
    }

    /// Whether it changes nothing wherever it fits.
    pub fn observes(self) -> bool {
        match self {
            Deed::Get { .. } | Deed::NoSwap { .. } => true,
            Deed::Delete { existed } => !existed,
            Deed::Swap { from, to } => from == to,
            Deed::Put { .. } | Deed::Nonsense => false,
        }
    }
}

/// What a write of unknown outcome does if it takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// `None`: from any value.
    pub from: Option<Value>,
    pub to: Value,
}
