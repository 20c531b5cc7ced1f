//! Settings changed while the cluster runs, in all tabs alike.
//!
//! What was changed is kept apart from what each tab's address says, and told to all tabs and to
//! those that come later. The newest change rules; it contains those before it. `saved` keeps it for
//! the next visit.

use wasm_bindgen_futures::spawn_local;

use super::{Cluster, address};
use crate::model::{ApiError, Change, Update};
use crate::protocol::{TabId, Word};
use crate::settings::{NODES_MAX, Settings, cluster_name};

/// What was changed, all in all.
#[derive(Default)]
pub struct Changed {
    /// Which change is the newest.
    pub stamp: (u64, TabId),
    change: Change,
    /// Those in force, if anything was changed.
    pub settings: Option<Settings>,
    /// What was kept from an earlier visit and is not in force: this tab's address says otherwise.
    overruled: Change,
}

impl Changed {
    /// Takes what was kept from an earlier visit.
    pub fn take(&mut self, change: Change, settings: Settings, overruled: Change) {
        self.change = change;
        self.settings = Some(settings);
        self.overruled = overruled;
    }

    /// What is to be kept for the next visit, and told to others.
    pub fn all(&self) -> Change {
        self.overruled.then(self.change)
    }
}

impl Cluster {
    /// Changes settings in all tabs, and for later visits.
    ///
    /// # Errors
    /// `BAD_ARGUMENT` names what is out of bounds; nothing is changed then.
    pub async fn configure(&self, change: Change) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        let before = self.settings();
        let after = before
            .changed(&change)
            .map_err(|wanted| ApiError::bad_argument(format!("{wanted}.")))?;
        {
            let mut changed = self.0.changed.borrow_mut();
            changed.stamp = (changed.stamp.0 + 1, joined.tabs.tab.clone());
            changed.change = changed.change.then(change);
            changed.settings = Some(after.clone());
        }
        joined.tabs.say(self.configure_word());
        self.watch_peers();
        self.keep_settings();
        self.tell(Update::Status);
        if let Some(sentence) = difference(&before, &after) {
            self.event(0, "page", sentence);
        }
        self.0.hosting.configure(after.live()).await?;
        self.sync_tabs().await
    }

    /// The address at which another browser opens a cluster like this one, with its settings and
    /// an experiment: as many nodes as vote here, and no data. Of an etcd it opens the same one, and
    /// has neither name nor password.
    ///
    /// # Errors
    /// `BAD_ARGUMENT`: an experiment has no such name. `BROWSER`.
    pub fn share_link(&self, experiment: Option<&str>) -> Result<String, ApiError> {
        if !self.is_of_tabs() {
            return address::for_etcd(&self.0.settings.endpoints);
        }
        let mut settings = self.settings();
        let voters = self.0.view.borrow().voters().len() as u64;
        settings.nodes = voters.clamp(1, NODES_MAX);
        let mut parameters = settings.unusual();
        if let Some(name) = experiment {
            let name = cluster_name(name).map_err(|wanted| {
                ApiError::bad_argument(format!("The experiment's name must be {wanted}."))
            })?;
            parameters.push(("experiment", name));
        }
        address::with(&parameters)
    }

    pub(super) fn configure_word(&self) -> Word {
        let changed = self.0.changed.borrow();
        Word::Configure {
            stamp: changed.stamp.clone(),
            change: changed.all(),
        }
    }

    /// Another tab has changed settings.
    pub(super) fn on_configure(&self, stamp: (u64, TabId), change: Change) {
        let overruled = self.0.changed.borrow().overruled;
        // What was kept before stays overruled; a change of it is not.
        let change = change.unlike(&overruled);
        let settings = match self.0.settings.changed(&change) {
            Ok(settings) => settings,
            Err(wanted) => {
                return self.notice(format!("Another tab's settings were not taken: {wanted}."));
            }
        };
        {
            let mut changed = self.0.changed.borrow_mut();
            if stamp <= changed.stamp {
                return;
            }
            *changed = Changed {
                stamp,
                change,
                settings: Some(settings.clone()),
                overruled,
            };
        }
        self.watch_peers();
        self.tell(Update::Status);
        let me = self.clone();
        spawn_local(async move {
            if let Err(error) = me.0.hosting.configure(settings.live()).await {
                me.notice(format!("Settings were not changed: {}", error.message));
            }
        });
    }
}

/// What changed, in a sentence.
fn difference(before: &Settings, after: &Settings) -> Option<String> {
    let pairs = before.values().into_iter().zip(after.values());
    let changed: Vec<String> = pairs
        .filter(|(before, after)| before != after)
        .map(|(_, (name, value))| format!("{name} is {value}"))
        .collect();
    (!changed.is_empty()).then(|| format!("Settings were changed: {}.", changed.join(", ")))
}
