//! The page's settings, read from the URL. Nothing in here needs a browser: it is fuzzed natively,
//! by `tests/fuzz`.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use tabraft::node::Limits;

/// When a disk write counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// When the browser has flushed it.
    #[default]
    Strict,
    /// When the browser has handed it to the operating system: a power cut may take it back.
    Relaxed,
}

/// What this tab hosts from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosting {
    /// Every member if nobody hosts any, else none.
    #[default]
    Auto,
    None,
    /// These, taken over from whoever hosts them.
    Nodes(Vec<u64>),
}

/// Who revives a replica that died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revive {
    /// A survivor, in clusters of two.
    #[default]
    Auto,
    All,
    Manual,
}

/// What the cluster is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    #[default]
    Tabs,
    /// Processes of etcd, at `endpoints`.
    Etcd,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub engine: Engine,
    /// Where etcd listens for clients: without a slash at the end.
    pub endpoints: Vec<String>,
    pub cluster: String,
    /// Size of a cluster that does not exist yet.
    pub nodes: u64,
    pub host: Hosting,
    pub durability: Durability,
    pub tick_ms: u32,
    pub limits: Limits,
    pub salvage: bool,
    pub succession: bool,
    pub revive: Revive,
    /// A replica that slept for so many ticks is closed and opened again from its disk.
    pub reopen_ticks: u64,
    /// The experiment that the page shows at first.
    pub experiment: Option<String>,
    /// Whether the page draws anything; if not, it is a client and a host alone.
    pub views: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: Engine::Tabs,
            endpoints: Vec::new(),
            cluster: "demo".into(),
            nodes: 3,
            host: Hosting::Auto,
            durability: Durability::Strict,
            tick_ms: 50,
            limits: Limits::default(),
            salvage: true,
            succession: true,
            revive: Revive::Auto,
            reopen_ticks: 1_200,
            experiment: None,
            views: true,
        }
    }
}

/// Replicas a cluster may begin with.
pub const NODES_MAX: u64 = 9;
const CLUSTER_NAME_MAX: usize = 64;

/// What a setting may be.
pub type Bounds = RangeInclusive<u64>;

pub const SNAPSHOT_ENTRIES: Bounds = 1..=100_000_000;
pub const SNAPSHOT_BYTES: Bounds = 1 << 10..=1 << 30;
pub const CATCHUP_ENTRIES: Bounds = 0..=100_000_000;
/// At most half a day, at the longest tick.
pub const PAUSE_TICKS: Bounds = 2..=43_200;

impl Settings {
    /// Settings from the parameters of a URL. Each bad one is named in a sentence, and its default
    /// is used.
    pub fn from_parameters(
        parameters: impl IntoIterator<Item = (String, String)>,
    ) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut notices = Vec::new();
        for (name, value) in parameters {
            if let Err(wanted) = settings.set(&name, &value) {
                notices.push(bad_parameter(&name, &value, &wanted));
            }
        }
        if settings.engine == Engine::Etcd {
            settings.cluster = "etcd".into();
        }
        (settings, notices)
    }

    /// All that an address can say of a cluster, but what one tab hosts and shows.
    pub fn values(&self) -> [(&'static str, String); 13] {
        let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
        let limits = &self.limits;
        let durability = match self.durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        let revive = match self.revive {
            Revive::Auto => "auto",
            Revive::All => "all",
            Revive::Manual => "manual",
        };
        [
            ("cluster", self.cluster.clone()),
            ("nodes", self.nodes.to_string()),
            ("durability", durability.to_owned()),
            ("tick_ms", self.tick_ms.to_string()),
            ("snapshot_entries", limits.snapshot_entries.to_string()),
            ("snapshot_bytes", limits.snapshot_bytes.to_string()),
            ("catchup_entries", limits.catchup_entries.to_string()),
            ("salvage", switch(self.salvage)),
            ("succession", switch(self.succession)),
            ("revive", revive.to_owned()),
            ("sit_out_ticks", limits.sit_out_ticks.to_string()),
            ("step_down_ticks", limits.step_down_ticks.to_string()),
            ("reopen_ticks", self.reopen_ticks.to_string()),
        ]
    }

    /// Those of [`Settings::values`] that are not the default.
    pub fn unusual(&self) -> Vec<(&'static str, String)> {
        let usual = Self::default().values();
        let pairs = self.values().into_iter().zip(usual);
        let differ = pairs.filter(|(value, usual)| value != usual);
        differ.map(|(value, _)| value).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "engine" => {
                self.engine = choice(value, &[("tabs", Engine::Tabs), ("etcd", Engine::Etcd)])?;
            }
            "endpoints" => self.endpoints = endpoints(value)?,
            "cluster" => self.cluster = cluster_name(value)?,
            "nodes" => self.nodes = number(value, &(1..=NODES_MAX))?,
            "host" => self.host = hosting(value)?,
            "experiment" => self.experiment = Some(cluster_name(value)?),
            "view" => self.views = choice(value, &[("all", true), ("none", false)])?,
            "durability" => {
                self.durability = choice(
                    value,
                    &[
                        ("strict", Durability::Strict),
                        ("relaxed", Durability::Relaxed),
                    ],
                )?;
            }
            "tick_ms" => self.tick_ms = number(value, &(10..=1_000))? as u32,
            "snapshot_entries" => {
                self.limits.snapshot_entries = number(value, &SNAPSHOT_ENTRIES)?;
            }
            "snapshot_bytes" => self.limits.snapshot_bytes = number(value, &SNAPSHOT_BYTES)?,
            "catchup_entries" => self.limits.catchup_entries = number(value, &CATCHUP_ENTRIES)?,
            "sit_out_ticks" => self.limits.sit_out_ticks = number(value, &PAUSE_TICKS)?,
            "step_down_ticks" => self.limits.step_down_ticks = number(value, &PAUSE_TICKS)?,
            "reopen_ticks" => self.reopen_ticks = number(value, &PAUSE_TICKS)?,
            "salvage" => self.salvage = choice(value, &SWITCH)?,
            "succession" => self.succession = choice(value, &SWITCH)?,
            "revive" => {
                self.revive = choice(
                    value,
                    &[
                        ("auto", Revive::Auto),
                        ("all", Revive::All),
                        ("manual", Revive::Manual),
                    ],
                )?;
            }
            _ => return Err("no parameter of that name".into()),
        }
        Ok(())
    }
}

const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];

fn bad_parameter(name: &str, value: &str, wanted: &str) -> String {
    if wanted == "no parameter of that name" {
        return format!(
            "The address has a parameter “{name}” that tabraft does not know. It was ignored."
        );
    }
    // Somebody may have put a password there, which need not be read by others.
    if name == "endpoints" {
        return format!("The address names endpoints that are none. They must be {wanted}.");
    }
    format!("The address says {name}={value}. It must be {wanted}. The default was used.")
}

/// # Errors
/// What a cluster's name must be.
pub fn cluster_name(value: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if value.is_empty() || value.len() > CLUSTER_NAME_MAX || !value.chars().all(plain) {
        return Err(format!(
            "1 to {CLUSTER_NAME_MAX} letters, digits, dots, dashes or underscores"
        ));
    }
    Ok(value.into())
}

fn number(value: &str, bounds: &Bounds) -> Result<u64, String> {
    value
        .parse()
        .ok()
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| whole_number(bounds))
}

pub fn whole_number(bounds: &Bounds) -> String {
    format!("a whole number from {} to {}", bounds.start(), bounds.end())
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == value);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        names.join(" or ")
    })
}

/// etcd's endpoints, as in a URL: with commas between them.
///
/// # Errors
/// What they must be.
pub fn endpoints(value: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for endpoint in value.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let endpoint = endpoint.trim_end_matches('/');
        let host = ["http://", "https://"]
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        // No path, and no name or password: an address is passed on.
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if !host.is_some_and(|host| !host.is_empty() && host.chars().all(plain)) {
            return Err(ENDPOINTS_WANTED.into());
        }
        if !found.iter().any(|it| it == endpoint) {
            found.push(endpoint.to_owned());
        }
    }
    if found.is_empty() || found.len() > ENDPOINTS_MAX {
        return Err(ENDPOINTS_WANTED.into());
    }
    Ok(found)
}

const ENDPOINTS_MAX: usize = 16;
const ENDPOINTS_WANTED: &str = "1 to 16 addresses such as http://127.0.0.1:2379, with commas \
    between them and without a path, a name or a password";

fn hosting(value: &str) -> Result<Hosting, String> {
    match value {
        "auto" => return Ok(Hosting::Auto),
        "none" => return Ok(Hosting::None),
        _ => {}
    }
    let wanted = || "auto, none, or ids of nodes such as 2 or 1,3".to_owned();
    let mut nodes = Vec::new();
    for id in value.split(',') {
        let id = number(id, &(1..=u64::MAX >> 12)).map_err(|_| wanted())?;
        if !nodes.contains(&id) {
            nodes.push(id);
        }
    }
    Ok(Hosting::Nodes(nodes))
}
