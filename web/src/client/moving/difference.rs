//! What the destination lacks.

use std::cmp::Ordering;

use bytes::Bytes;

use super::conflict;
use crate::client::store::Pair;
use crate::model::ApiError;

/// A pair to be written, if the destination holds `before`; `None`: no such key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub key: Bytes,
    pub value: Bytes,
    pub before: Option<Bytes>,
}

/// What is to be written so that `there` holds what `here` does; both in the order of their keys.
///
/// # Errors
/// `CONFLICT`: a key that only the destination has, or another value where none may be
/// overwritten.
pub fn difference(here: &[Pair], there: &[Pair], overwrite: bool) -> Result<Vec<Due>, ApiError> {
    let mut due = Vec::new();
    let (mut here, mut there) = (here.iter().peekable(), there.iter().peekable());
    loop {
        let order = match (here.peek(), there.peek()) {
            (None, None) => return Ok(due),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let before = match order {
            Ordering::Less => None,
            Ordering::Equal | Ordering::Greater => there.next(),
        };
        if let (Ordering::Greater, Some((key, _))) = (order, before) {
            let why = "the destination has this key and the source does not. Nothing was written: \
                       delete it there, or choose another prefix.";
            return Err(conflict(key, why));
        }
        let Some((key, value)) = here.next() else {
            return Ok(due);
        };
        let before = before.map(|(_, value)| value.clone());
        match &before {
            Some(before) if before == value => continue,
            Some(_) if !overwrite => {
                let why = "the destination has another value. Nothing was written: overwrite says \
                           that it may give way.";
                return Err(conflict(key, why));
            }
            _ => due.push(Due {
                key: key.clone(),
                value: value.clone(),
                before,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Vec<Pair> {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        all.iter().map(|(k, v)| (bytes(k), bytes(v))).collect()
    }

    fn keys(
        here: &[(&str, &str)],
        there: &[(&str, &str)],
        overwrite: bool,
    ) -> Result<String, String> {
        let due = difference(&pairs(here), &pairs(there), overwrite);
        let due = due.map_err(|error| error.message)?;
        let one = |due: &Due| {
            let mark = if due.before.is_some() { "!" } else { "" };
            format!("{}{mark}", String::from_utf8_lossy(&due.key))
        };
        Ok(due.iter().map(one).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_there_is_skipped() {
        let here = [("a", "1"), ("b", "2"), ("c", "3")];
        assert_eq!(keys(&here, &[], false).unwrap(), "a b c");
        assert_eq!(keys(&here, &[("b", "2")], false).unwrap(), "a c");
        assert_eq!(keys(&here, &here, false).unwrap(), "");
        assert_eq!(keys(&[], &[], false).unwrap(), "");
    }

    #[test]
    fn nothing_gives_way_unasked() {
        let here = [("a", "1"), ("c", "3")];
        assert!(
            keys(&here, &[("c", "4")], false)
                .unwrap_err()
                .contains("another value")
        );
        assert_eq!(keys(&here, &[("c", "4")], true).unwrap(), "a c!");
        for extra in ["0", "b", "d"] {
            let said = keys(&here, &[(extra, "")], true).unwrap_err();
            assert!(said.starts_with(&format!("{extra:?}")), "{said}");
        }
    }
}
