//! Short names by which people tell tabs apart: "A", "B", and so on, the same in every tab.
//!
//! A name is a Web Lock that its tab holds for as long as it lives, so no two tabs of a cluster have
//! the same one. It is the beginning of the tab's number: who hears from a tab knows its name.

use super::within;
use crate::host::lock::{self, Held, LockError, Mode};
use crate::names;
use crate::protocol::TabId;

/// Tabs beyond that have no name.
const NAMES_MAX: u32 = 26 * 27;
/// How long a tab waits for the name it had before it was reloaded, in milliseconds. A copy of a tab
/// waits in vain.
const FORMER_MS: u32 = 250;

/// A name, for as long as it is kept.
pub struct TabName {
    name: String,
    _lock: Held,
}

/// Takes the first name that no other tab has; the one in `former`, a tab's number, if that is free.
///
/// # Errors
/// The browser has no Web Locks, or refused.
pub async fn claim(cluster: &str, former: &TabId) -> Result<Option<TabName>, LockError> {
    let take = async |name: String, mode| {
        let lock = lock::acquire(&names::tab_lock(cluster, &name), mode).await?;
        Ok(lock.map(|_lock| TabName { name, _lock }))
    };
    let former = of(former).to_owned();
    if !former.is_empty()
        && let Some(taken) = within(take(former, Mode::Wait), FORMER_MS).await
    {
        return taken;
    }
    for n in 0..NAMES_MAX {
        if let Some(taken) = take(letters(n), Mode::IfAvailable).await? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// A number for a tab of that name, `random` drawn at random.
pub fn number(name: Option<&TabName>, random: u64) -> TabId {
    let name = name.map_or("", |it| &it.name);
    format!("{name}-{random:016x}")
}

/// The name in a tab's number; empty if it has none.
pub fn of(tab: &TabId) -> &str {
    let name = tab.split_once('-').map_or("", |(name, _)| name);
    // Other tabs may say anything.
    let is_name = name.len() <= 2 && name.bytes().all(|it| it.is_ascii_uppercase());
    if is_name { name } else { "" }
}

/// A to Z, then AA to ZZ.
fn letters(n: u32) -> String {
    let letter = |n: u32| char::from(b'A' + (n % 26) as u8);
    match n / 26 {
        0 => letter(n).to_string(),
        more => format!("{}{}", letter(more - 1), letter(n)),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_are_letters_each_once() {
        let all: Vec<String> = (0..NAMES_MAX).map(letters).collect();
        assert_eq!(
            [&all[0], &all[25], &all[26], &all[701]],
            ["A", "Z", "AA", "ZZ"]
        );
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
    }

    #[test]
    fn a_number_begins_with_the_name_or_has_none() {
        let of = |tab: &str| of(&tab.to_owned()).to_owned();
        assert_eq!(of("A-00ff"), "A");
        assert_eq!(of("AB-00ff"), "AB");
        for none in ["", "-", "00ff", "-00ff", "ABC-00ff", "a-00ff", "<-00ff"] {
            assert_eq!(of(none), "", "{none}");
        }
        assert_eq!(of(&number(None, 7)), "");
    }
}
