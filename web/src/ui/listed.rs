//! Which links are listed: where there are many, those of one node, or those that do not work.

use crate::model::FaultyLink;

/// With so many links or fewer all are listed.
pub const LISTED_MAX: usize = 10;

/// Which links are listed where there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    Impaired,
    Of(u64),
    All,
}

impl Listed {
    pub fn value(self) -> String {
        match self {
            Self::Impaired => "impaired".to_owned(),
            Self::Of(id) => id.to_string(),
            Self::All => "all".to_owned(),
        }
    }

    pub fn named(value: &str) -> Self {
        match value {
            "all" => Self::All,
            id => id.parse().map_or(Self::Impaired, Self::Of),
        }
    }

    pub fn has(self, (a, b): (u64, u64), faults: &[FaultyLink]) -> bool {
        match self {
            Self::All => true,
            Self::Of(id) => a == id || b == id,
            Self::Impaired => faults
                .iter()
                .any(|f| [(a, b), (b, a)].contains(&(f.from, f.to))),
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::LinkFault;

    #[test]
    fn many_links_are_listed_by_node_or_by_fault() {
        let fault = FaultyLink {
            from: 3,
            to: 2,
            fault: LinkFault::CUT,
        };
        for (listed, pair, has) in [
            (Listed::All, (1, 9), true),
            (Listed::Of(9), (1, 9), true),
            (Listed::Of(9), (1, 2), false),
            (Listed::Impaired, (2, 3), true),
            (Listed::Impaired, (1, 3), false),
        ] {
            assert_eq!(listed.has(pair, &[fault]), has, "{listed:?} {pair:?}");
            assert_eq!(Listed::named(&listed.value()), listed);
        }
    }
}
