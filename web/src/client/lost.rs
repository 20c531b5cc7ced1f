//! Whether the browser has lost a cluster: its identity is noted outside of the databases, too.

use tabraft::wire::ClusterId;

use super::Cluster;

impl Cluster {
    /// Says so if another cluster of this name was here, and notes this one.
    pub(super) fn notice_loss(&self, identity: ClusterId) {
        let Some(storage) = storage() else {
            return;
        };
        let key = format!("tabraft:{}:identity", self.cluster());
        let ours = format!("{identity:016x}");
        match storage.get_item(&key) {
            Ok(Some(noted)) if noted == ours => return,
            Ok(Some(_)) => self.notice(format!(
                "This browser had another cluster “{}” and has none of its databases any more: they were damaged and the browser deleted them, or somebody did. What it held is gone; this cluster is a new one.",
                self.cluster()
            )),
            Ok(None) | Err(_) => {}
        }
        if let Err(error) = storage.set_item(&key, &ours) {
            web_sys::console::warn_2(&"tabraft: a loss would go unnoticed:".into(), &error);
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
