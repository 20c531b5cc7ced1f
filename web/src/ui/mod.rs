//! The page, drawn with Leptos: one file a component.
//!
//! [`feed`] turns what the cluster tells into signals and is the only thing that listens to it; [`due`]
//! says when, [`sight`] which views are on the screen. [`keys::source`] is the only thing that reads
//! keys by itself.
//! [`summary`] says how the cluster is; the components draw that and the signals, and act through
//! [`command`], which tells what came of an action where it was taken. [`verb`] has what a replica
//! can be told to do, [`standing`] what of that applies to it, [`question`] what is asked first;
//! [`impairment`] is the same for links. [`focus`] and [`shortcuts`] are for who has no mouse.
//! [`timeline`] keeps what was, and has the map, cards, logs and sentence show a moment of it.

mod away;
mod bar;
mod card;
mod chooser;
mod cluster_acts;
mod command;
mod dots;
mod due;
mod events;
mod experiments;
mod facts;
mod feed;
mod figures;
mod focus;
mod followers;
mod glossary;
mod guide_bar;
mod impairment;
mod judge;
mod keys;
mod link_list;
mod links;
mod listed;
mod load;
mod logs;
mod look;
mod machine;
mod map;
mod more;
mod moving;
mod nodes;
mod notices;
mod pace;
mod partition;
mod question;
mod replica;
mod reset;
mod restore;
mod ring;
mod save;
mod setting;
mod settings;
mod share;
mod shortcuts;
mod sides;
mod sight;
mod speed;
mod standing;
mod steps;
mod summary;
mod timeline;
mod title;
mod trace;
mod trial;
mod verb;
mod verb_button;
mod whereabouts;
mod working;
mod write;

use leptos::prelude::*;

use self::away::Away;
use self::bar::Bar;
use self::events::Events;
use self::experiments::Experiments;
use self::feed::Feed;
use self::keys::Keys;
use self::keys::source::KeySource;
use self::load::Load;
use self::logs::Logs;
use self::map::Map;
use self::moving::Moving;
use self::nodes::Nodes;
use self::notices::Notices;
use self::reset::ResetScreen;
use self::settings::SettingsPanel;
use self::shortcuts::{Shortcuts, ShortcutsDialog};
use self::timeline::Timeline;
use self::timeline::viewing::Viewing;
use self::write::Write;
use crate::client::Cluster;

/// What a page without views says.
const PLAIN: &str =
    "A client without views, as the address says (view=none): window.tabraft is there.";

/// Puts the page in place of the loading text of `index.html` and keeps it up with `cluster`; or, if
/// it is to have no views, a sentence.
pub fn mount(cluster: Cluster) {
    if !cluster.settings().views {
        if let Some(text) = document().get_element_by_id("loading-text") {
            text.set_text_content(Some(PLAIN));
            // It did start: loading.js must not write here that it did not.
            text.remove_attribute("id").ok();
        }
        return;
    }
    if let Some(loading) = document().get_element_by_id("loading") {
        loading.remove();
    }
    mount_to_body(move || view! { <App feed=Feed::new(cluster) /> });
}

#[component]
fn App(feed: Feed) -> impl IntoView {
    let summary = Memo::new(move |_| {
        feed.shown(|status| match feed.of_tabs {
            true => feed.shown_faults(|faults| summary::sentence(status, faults)),
            false => summary::of_machines(status),
        })
    });
    title::follow(feed);
    let keys = KeySource::new(feed);
    Viewing::provide(feed);
    focus::keep(feed);
    let shortcuts = Shortcuts::new(feed);
    view! {
        <Bar feed summary shortcuts />
        <Notices feed />
        <main>
            <div class="aside"><Map feed /></div>
            <Nodes feed summary />
            <Write feed />
            <Keys feed source=keys />
            {feed.of_tabs.then(|| view! { <Logs feed /> })}
            <Timeline feed summary />
            {feed.of_tabs.then(|| view! { <Experiments feed /> })}
            <Load feed />
            <Events feed />
            <Moving feed />
            {feed.of_tabs.then(|| view! { <SettingsPanel feed /> })}
            <Away feed />
        </main>
        <ShortcutsDialog shortcuts />
        <ResetScreen feed />
    }
}
