//! The names of channels, locks and databases: all that tabs of one origin find each other by.

/// The inbox of a replica.
pub fn node_channel(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:node:{node}")
}

/// The inbox of a client.
pub fn client_channel(cluster: &str, client: u64) -> String {
    format!("tabraft:{cluster}:client:{client:016x}")
}

/// Where tabs speak of replicas and faults.
pub fn tabs_channel(cluster: &str) -> String {
    format!("tabraft:{cluster}:tabs")
}

/// Where tabs tell which keys they write.
pub fn writes_channel(cluster: &str) -> String {
    format!("tabraft:{cluster}:writes")
}

/// Held by whoever hosts a replica.
pub fn node_lock(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:node:{node}")
}

/// Held by whoever hosts a replica, to be heard of when it ends: followers queue on it, and the
/// first of them is its successor.
pub fn alive_lock(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:alive:{node}")
}

/// Held by whoever hosts a replica; pages queue on it, sharing it, so that each of them hears when
/// it ends, and no page with a replica is frozen for saving energy.
pub fn watch_lock(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:watch:{node}")
}

/// Held by the tab of that name, for as long as it lives.
pub fn tab_lock(cluster: &str, name: &str) -> String {
    format!("tabraft:{cluster}:tab:{name}")
}

/// Held while a tab decides what to host.
pub fn opening_lock(cluster: &str) -> String {
    format!("tabraft:{cluster}:opening")
}

/// Held while a tab changes who is a member, and notes what came of it.
pub fn membership_lock(cluster: &str) -> String {
    format!("tabraft:{cluster}:membership")
}

/// Shared by all pages of the origin, whatever their cluster: who gets it alone came first.
pub const PAGES_LOCK: &str = "tabraft:pages";

/// Shared by all pages that may use databases; who has it alone may delete them.
pub const RESET_LOCK: &str = "tabraft:reset";

/// Held by the page that resets everything, from its first word until the end.
pub const RESETTER_LOCK: &str = "tabraft:resetter";

/// Where resets are told of, to all pages of the origin, whatever their cluster.
pub const RESET_CHANNEL: &str = "tabraft:reset";

/// How the names of clusters' databases begin, and keys of the browser's storage.
pub const OURS: &str = "tabraft:";

/// How the names of the service worker's caches begin; see `www/sw.js`.
pub const OUR_CACHES: &str = "tabraft ";

/// Held by a service worker while its caches come or go.
pub fn caches_lock(scope: &str) -> String {
    format!("tabraft-caches:{scope}")
}

/// A database for bytes that nobody needs; no cluster's has such a name.
pub const ROTATION_DATABASE: &str = "tabraft-rotation";

/// The replica that a lock of this cluster is for.
pub fn node_of_lock(cluster: &str, lock: &str) -> Option<u64> {
    let prefix = format!("tabraft:{cluster}:node:");
    lock.strip_prefix(&prefix)?.parse().ok()
}
