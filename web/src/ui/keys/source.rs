//! The one that reads keys for the page, beside the feed: the table draws what it has, and asks
//! nobody.
//!
//! It follows the replica that was chosen: at most two requests a second and never two at once; fewer
//! while the cluster works hard. What it read is kept for the timeline. To compare replicas it looks
//! at what they told of themselves, at the same pace. Equal digests say that nothing differs; only
//! one that stands elsewhere is asked for its rows, once for each place it stands at, and only while
//! the table is seen and shows the present.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::compare::{self, Compared, Held, Stand, Stands, Versions};
use crate::model::{ApiError, Call, Consistency, NodeStatus, State, Status};
use crate::ui::feed::Feed;
use crate::ui::figures;
use crate::ui::replica::Choice;
use crate::ui::timeline::readings::{Pair, ROWS_MAX, Source};

const EVERY: Duration = Duration::from_millis(500);
/// While the cluster works hard, on the screen and elsewhere.
const EVERY_BUSY: Duration = Duration::from_secs(1);
const EVERY_UNSEEN: Duration = Duration::from_secs(5);
/// After a failure, whether or not the replica moves.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Bytes of a value in the table.
const VALUE_SHOWN: usize = 240;

/// What is asked for. A change of it is a reason to ask again.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub prefix: String,
    node: Option<u64>,
    consistency: Consistency,
    /// Whose rows they are: the replica that was chosen, or the leader; 0 while there is none.
    replica: u64,
    /// That replica's applied index and digest.
    version: (u64, String),
    /// Why there is no use in asking now.
    pub obstacle: Option<String>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub rows: Vec<Arc<Pair>>,
    pub more: bool,
    pub error: Option<ApiError>,
}

/// What has become due.
#[derive(Clone, Copy, Default)]
struct Due {
    /// The rows of the chosen replica.
    read: bool,
    /// A look at the others.
    look: bool,
}

/// What is remembered for comparing.
#[derive(Default)]
struct Memory {
    prefix: String,
    /// The newest rows of the replica that was chosen.
    shown: Option<Arc<Held>>,
    /// Rows by the digest that they go with, of those that replicas have now.
    known: BTreeMap<String, Arc<Held>>,
    before: Versions,
}

/// The keys as they were read. Cheap to copy.
#[derive(Clone, Copy)]
pub struct KeySource {
    feed: Feed,
    pub prefix: RwSignal<String>,
    pub choice: Choice,
    /// Whether replicas are to be compared.
    pub compares: RwSignal<bool>,
    pub ask: Memo<Ask>,
    pub shown: RwSignal<Rows>,
    pub compared: RwSignal<Compared>,
    /// Whether anybody sees what it reads.
    pub seen: RwSignal<bool>,
    /// `None` while nothing is under way; else what has become due meanwhile.
    under_way: StoredValue<Option<Due>>,
    memory: StoredValue<Memory>,
}

impl KeySource {
    pub fn new(feed: Feed) -> Self {
        let (prefix, choice) = (RwSignal::new(String::new()), Choice::new());
        let seen = RwSignal::new(true);
        let source = Self {
            feed,
            prefix,
            choice,
            compares: RwSignal::new(false),
            ask: Memo::new(move |_| asked(feed, prefix, choice)),
            shown: RwSignal::new(Rows::default()),
            compared: RwSignal::new(Compared::default()),
            seen,
            under_way: StoredValue::new(None),
            memory: StoredValue::new(Memory::default()),
        };
        Effect::new(move |_| {
            source.ask.track();
            feed.outdate_keys();
            source.make_due(Due {
                read: true,
                look: true,
            });
        });
        // Who is compared, and how far they are; `None` while nobody looks at that.
        let replicas = Memo::new(move |_| {
            (source.compares.get() && seen.get() && feed.past.with(Option::is_none)).then(|| {
                let of = |n: &NodeStatus| (n.id, n.state, n.member, n.applied, n.digest.clone());
                let nodes = |s: &Status| s.nodes.iter().map(of).collect::<Vec<_>>();
                feed.status.with(nodes)
            })
        });
        Effect::new(move |_| match replicas.with(Option::is_some) {
            true => source.make_due(Due {
                read: false,
                look: true,
            }),
            false => source.compared.set(Compared::default()),
        });
        source
    }

    fn make_due(self, due: Due) {
        match self.under_way.get_value() {
            None => self.begin(due),
            Some(before) => self.under_way.set_value(Some(Due {
                read: before.read || due.read,
                look: before.look || due.look,
            })),
        }
    }

    fn is_comparing(self) -> bool {
        let live = self.feed.past.with_untracked(Option::is_none);
        live && self.compares.get_untracked() && self.seen.get_untracked()
    }

    /// Does what is due, and after a pause what has become due meanwhile.
    fn begin(self, due: Due) {
        let ask = self.ask.get_untracked();
        if ask.obstacle.is_some() && !self.is_comparing() {
            return self.under_way.set_value(None);
        }
        self.under_way.set_value(Some(Due::default()));
        spawn_local(async move {
            let mut failed = due.read && ask.obstacle.is_none() && self.read(&ask).await;
            let mut open = false;
            if due.look && self.is_comparing() {
                let looked = self.look(&ask, !due.read).await;
                failed |= looked.is_err();
                open = looked.unwrap_or(true);
            }
            let after = match (failed, self.feed.busy.get_untracked()) {
                (true, _) => AFTER_FAILURE,
                (_, false) => EVERY,
                (_, true) if self.seen.get_untracked() => EVERY_BUSY,
                (_, true) => EVERY_UNSEEN,
            };
            let next = move || {
                let meanwhile = self.under_way.get_value().unwrap_or_default();
                let due = Due {
                    read: meanwhile.read || failed,
                    look: meanwhile.look || meanwhile.read || failed || open,
                };
                match due.read || due.look {
                    true => self.begin(due),
                    false => self.under_way.set_value(None),
                }
            };
            set_timeout(next, after);
        });
    }

    /// Asks, shows and keeps what is answered; whether that failed.
    async fn read(self, ask: &Ask) -> bool {
        let call = Call {
            node: ask.node,
            consistency: ask.consistency,
            ..Call::default()
        };
        let cluster = self.feed.cluster();
        let found = cluster.scan(&ask.prefix, ROWS_MAX as u32 + 1, call).await;
        let failed = found.is_err();
        let next = match found {
            Ok(pairs) => {
                let held = Arc::new(Held::of(&pairs));
                self.memory.update_value(|memory| {
                    memory.attend_to(&ask.prefix);
                    memory.shown = Some(held);
                });
                Rows {
                    rows: pairs.iter().take(ROWS_MAX).map(pair).collect(),
                    more: pairs.len() > ROWS_MAX,
                    error: None,
                }
            }
            // The rows stay, greyed: they were true once.
            Err(error) => {
                self.memory.update_value(|memory| memory.shown = None);
                Rows {
                    error: Some(error),
                    ..self.shown.get_untracked()
                }
            }
        };
        if !failed {
            let source = Source {
                prefix: ask.prefix.clone(),
                node: ask.node,
                stale: ask.consistency == Consistency::Stale,
            };
            self.feed.record_keys(source, &next.rows, next.more);
            // There was news meanwhile, which may not be in it.
            if self.under_way.get_value().is_some_and(|it| it.read) {
                self.feed.outdate_keys();
            }
        }
        if self.shown.with_untracked(|s| *s != next) {
            self.shown.set(next);
        }
        failed
    }

    /// Looks at how the others stand, and asks those for their rows of whom these are not known.
    /// `settled`: the rows that are shown were read a while ago, and nothing was applied there since.
    /// Returns whether there is reason to look again soon, though nobody tells of news.
    ///
    /// # Errors
    /// The first of those that were met when replicas were asked; the others' rows are shown.
    async fn look(self, ask: &Ask, settled: bool) -> Result<bool, ApiError> {
        if document().hidden() {
            return Ok(true);
        }
        let nodes = self.feed.status.with_untracked(|s| s.nodes.clone());
        let stands = self.memory.try_update_value(|memory| {
            memory.attend_to(&ask.prefix);
            if ask.obstacle.is_some() {
                memory.shown = None;
            }
            let stands = Stands::of(&nodes, ask.replica, Some(&memory.before))?;
            memory.before = stands.versions(&nodes);
            let told = |digest: &String| nodes.iter().any(|n| n.digest == *digest);
            memory.known.retain(|digest, _| told(digest));
            if let (true, Some(shown)) = (settled, &memory.shown) {
                memory.known.insert(ask.version.1.clone(), shown.clone());
            }
            Some(stands)
        });
        let Some(Some(stands)) = stands else {
            self.compared.set(Compared::default());
            return Ok(true);
        };
        self.show(&stands, settled);

        // Who stands at the same place has the same: one of them is asked.
        let unread: BTreeMap<_, _> = self.memory.with_value(|memory| {
            let unread = stands.others.iter().filter(|it| {
                let is_known = it.digest.is_empty() || memory.known.contains_key(&it.digest);
                it.stand.differs() && !it.paused && !is_known
            });
            unread.map(|it| (it.digest.clone(), it.id)).collect()
        });
        let mut problem = None;
        if !unread.is_empty() {
            let cluster = self.feed.cluster();
            let answers = unread.into_iter().map(async |(digest, id)| {
                let call = Call {
                    node: Some(id),
                    consistency: Consistency::Stale,
                    ..Call::default()
                };
                let found = cluster.scan(&ask.prefix, ROWS_MAX as u32 + 1, call).await;
                (digest, id, found)
            });
            for (digest, id, found) in join_all(answers).await {
                match found {
                    Ok(pairs) if self.stands_at(id, &digest) => {
                        self.memory.update_value(|memory| {
                            memory.known.insert(digest, Arc::new(Held::of(&pairs)));
                        });
                    }
                    // It went on meanwhile, and told so: there will be another look.
                    Ok(_) => {}
                    Err(error) => problem = problem.or(Some(error)),
                }
            }
            self.show(&stands, settled);
        }
        if let Some(error) = problem {
            return Err(error);
        }
        let moving = stands.others.iter().any(|it| it.stand == Stand::Moving);
        Ok(moving || !settled)
    }

    fn stands_at(self, id: u64, digest: &str) -> bool {
        let here = |s: &Status| s.nodes.iter().any(|n| n.id == id && n.digest == digest);
        self.feed.status.with_untracked(here)
    }

    fn show(self, stands: &Stands, settled: bool) {
        let next = self.memory.with_value(|memory| {
            compare::compare(stands, memory.shown.as_deref(), &memory.known, settled)
        });
        if self.compared.with_untracked(|shown| *shown != next) {
            self.compared.set(next);
        }
    }
}

impl Memory {
    /// Rows of another prefix say nothing of this one.
    fn attend_to(&mut self, prefix: &str) {
        if self.prefix != prefix {
            prefix.clone_into(&mut self.prefix);
            self.known.clear();
            self.shown = None;
        }
    }
}

fn asked(feed: Feed, prefix: RwSignal<String>, choice: Choice) -> Ask {
    let (node, consistency) = (choice.node.get(), choice.consistency.get());
    feed.status.with(|status| {
        let id = match node {
            Some(id) => id,
            // Any member of an etcd finds its leader, even one that does not answer this page.
            None if !feed.of_tabs => {
                let running = status.nodes.iter().filter(|n| n.state == State::Running);
                let furthest = running.max_by_key(|n| n.applied);
                furthest.map_or(status.leader, |n| n.id)
            }
            None => status.leader,
        };
        let replica = status.nodes.iter().find(|n| n.id == id);
        let obstacle = match replica {
            None => Some("Waits for a leader.".to_owned()),
            Some(n) if n.state != State::Running && node.is_none() => {
                Some("Waits for a leader.".to_owned())
            }
            Some(n) if n.state != State::Running => Some(format!("Node {id} is not running.")),
            Some(_) if consistency == Consistency::Linearizable && status.leader == 0 => {
                Some("Waits for a leader.".to_owned())
            }
            Some(_) => None,
        };
        let version = replica
            .map(|n| (n.applied, n.digest.clone()))
            .unwrap_or_default();
        Ask {
            prefix: prefix.get(),
            node,
            consistency,
            replica: id,
            version,
            obstacle,
        }
    })
}

/// A row as it is shown.
pub fn pair((key, value): &(Bytes, Bytes)) -> Arc<Pair> {
    Arc::new(Pair {
        key: figures::readable(key),
        value: cell(&figures::readable(value), VALUE_SHOWN),
    })
}

/// A text, or its beginning and how long it is.
pub fn cell(text: &str, max: usize) -> String {
    match figures::head(text, max) {
        (head, true) => format!("{head}… ({})", figures::bytes(text.len() as u64)),
        (all, false) => all.to_owned(),
    }
}
