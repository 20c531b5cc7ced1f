//! A run as a file: what a page has seen, to be looked at again.
//!
//! A frame of kind 5 around [`Image`] in postcard's encoding. Statuses and sets of faulty links
//! that several samples share are there once, and samples name them by their places. The shapes of
//! [`crate::model`] that are in it are part of the format: who changes one of them raises the
//! version of the kind in `src/frame.rs`, which a test here reminds of, and keeps the older shape
//! beside this file so that older runs are read.
//!
//! Whatever a file holds, what comes out of [`Run::decode`] is within the bounds that the page
//! keeps for its own history, in the order of time, and finite.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tabraft::frame::{self, FrameError, Kind, VERSION_OFFSET};

use super::history::{History, SAMPLES_MAX, Sample};
use super::marks::{MARKS_MAX, Mark};
use super::rates::{RATES_MAX, Rate};
use super::readings::image::Image as ReadingsImage;
use crate::model::{Event, FaultyLink, NodeStatus};
use crate::ui::feed::EVENTS_MAX;

/// Nodes in a sample, members or not.
const NODES_MAX: usize = 64;
const LINKS_MAX: usize = NODES_MAX * NODES_MAX;
/// Bytes of any text, and entries of any list in a status.
const TEXT_MAX: usize = 4_096;
const LIST_MAX: usize = 256;
/// The last moment that a clock of JavaScript knows, in milliseconds of the Unix epoch.
const LAST_MS: f64 = 8.64e15;

/// What the page has seen, and of what.
#[derive(Debug)]
pub struct Run {
    pub about: About,
    pub history: History,
    /// Oldest first.
    pub events: Vec<Arc<Event>>,
}

/// What a run is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The build that saved it.
    pub build: String,
    pub cluster: String,
    /// When it was saved, in milliseconds of the Unix epoch.
    pub saved_ms: f64,
    /// The settings in force when it was saved that were not the usual ones: names and values, as
    /// in the page's address.
    pub settings: Vec<(String, String)>,
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
struct Image<Node = NodeStatus> {
    about: About,
    nodes: Vec<Node>,
    links: Vec<Vec<FaultyLink>>,
    samples: Vec<SampleImage>,
    rates: Vec<Rate>,
    marks: Vec<Mark>,
    readings: ReadingsImage,
    events: Vec<Event>,
}

/// A [`Sample`]; `nodes` and `links` are places in the lists of the image.
#[derive(Serialize, Deserialize)]
struct SampleImage {
    at_ms: f64,
    until_ms: f64,
    quorum: u64,
    leader: u64,
    term: u64,
    nodes: Vec<u32>,
    links: u32,
}

/// Each shared thing once, by where it is in memory.
pub(super) struct Once<T: ?Sized> {
    places: HashMap<*const T, u32>,
}

impl<T: ?Sized> Once<T> {
    pub(super) fn new() -> Self {
        Self {
            places: HashMap::new(),
        }
    }

    pub(super) fn place(&mut self, thing: &Arc<T>, put: impl FnOnce(&T)) -> u32 {
        let next = self.places.len() as u32;
        *self.places.entry(Arc::as_ptr(thing)).or_insert_with(|| {
            put(thing);
            next
        })
    }
}

/// Saves what a page has seen.
pub fn encode<'a>(
    about: About,
    history: &History,
    events: impl Iterator<Item = &'a Event>,
) -> Vec<u8> {
    let (mut nodes, mut links) = (Vec::new(), Vec::new());
    let (mut known, mut faulty) = (Once::new(), Once::new());
    let samples = history.samples.iter().map(|sample| SampleImage {
        at_ms: sample.at_ms,
        until_ms: sample.until_ms,
        quorum: sample.quorum,
        leader: sample.leader,
        term: sample.term,
        nodes: sample
            .nodes
            .iter()
            .take(NODES_MAX)
            .map(|node| known.place(node, |it| nodes.push(clipped(it))))
            .collect(),
        links: faulty.place(&sample.faults, |it| {
            let sound = it.iter().filter(|it| is_fault(it));
            links.push(sound.take(LINKS_MAX).copied().collect());
        }),
    });
    let samples = samples.collect();
    // Other tabs may have told anything.
    let events = events.filter(|it| is_event(it));
    let marks = history.marks.iter().filter(|it| is_text(&it.text));
    let readings = ReadingsImage::of(&history.readings, about.saved_ms);
    let image = Image {
        about,
        nodes,
        links,
        samples,
        rates: history.rates.iter().copied().collect(),
        marks: marks.cloned().collect(),
        readings,
        events: events.take(EVENTS_MAX).cloned().collect(),
    };
    frame::encode(Kind::Run, &image)
}

/// Leaves as much of a text as there is room for.
pub(super) fn clip(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_MAX));
}

/// As much of a status as there is room for.
fn clipped(node: &NodeStatus) -> NodeStatus {
    let mut node = node.clone();
    clip(&mut node.digest);
    clip(&mut node.problem);
    clip(&mut node.tab);
    node.voters.truncate(LIST_MAX);
    node.learners.truncate(LIST_MAX);
    node.terms.truncate(LIST_MAX);
    node.progress.truncate(LIST_MAX);
    node
}

impl Run {
    /// # Errors
    /// What is wrong with the frame; `Contents` where what is in it cannot be a run.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let image = match bytes.get(VERSION_OFFSET) {
            Some(&run_2::VERSION) => frame::decode::<Image<run_2::Node>>(Kind::Run, bytes)?.into(),
            _ => frame::decode::<Image>(Kind::Run, bytes)?,
        };
        image.run().ok_or(FrameError::Contents)
    }

    /// When it begins and ends, in milliseconds of the Unix epoch.
    pub fn span_ms(&self) -> (f64, f64) {
        let samples = &self.history.samples;
        let first = samples.front().map_or(0.0, |it| it.at_ms);
        (first, samples.back().map_or(first, |it| it.until_ms))
    }
}

impl Image {
    /// `None` if it cannot be a run. A page keeps no run without a sample.
    fn run(self) -> Option<Run> {
        let bounded = (1..=SAMPLES_MAX).contains(&self.samples.len())
            && self.rates.len() <= RATES_MAX
            && self.marks.len() <= MARKS_MAX
            && self.events.len() <= EVENTS_MAX
            && self.links.iter().all(|it| it.len() <= LINKS_MAX);
        let sound = bounded
            && is_about(&self.about)
            && self.nodes.iter().all(is_status)
            && self.links.iter().flatten().all(is_fault)
            && in_order(self.samples.iter().map(|it| (it.at_ms, it.until_ms)))
            && in_order(self.rates.iter().map(|it| (it.from_ms, it.to_ms)))
            && self.rates.iter().all(is_rate)
            && in_order(self.marks.iter().map(|it| (it.at_ms, it.at_ms)))
            && self.marks.iter().all(|it| is_text(&it.text))
            && self.events.iter().all(is_event);
        if !sound {
            return None;
        }
        let nodes: Vec<_> = self.nodes.into_iter().map(Arc::new).collect();
        let links: Vec<Arc<[FaultyLink]>> = self.links.into_iter().map(Arc::from).collect();
        let samples = self.samples.into_iter().map(|it| it.sample(&nodes, &links));
        Some(Run {
            about: self.about,
            history: History {
                samples: samples.collect::<Option<_>>()?,
                rates: self.rates.into_iter().collect(),
                marks: self.marks.into_iter().collect(),
                readings: self.readings.readings()?,
            },
            events: self.events.into_iter().zip(1..).map(numbered).collect(),
        })
    }
}

/// A file may have two of the same number.
fn numbered((event, seq): (Event, u64)) -> Arc<Event> {
    Arc::new(Event { seq, ..event })
}

impl SampleImage {
    fn sample(self, nodes: &[Arc<NodeStatus>], links: &[Arc<[FaultyLink]>]) -> Option<Sample> {
        if self.nodes.len() > NODES_MAX {
            return None;
        }
        let found = self.nodes.iter().map(|at| nodes.get(*at as usize).cloned());
        let found: Vec<_> = found.collect::<Option<_>>()?;
        let ascending = found.windows(2).all(|pair| pair[0].id < pair[1].id);
        ascending.then_some(())?;
        Some(Sample {
            at_ms: self.at_ms,
            until_ms: self.until_ms,
            quorum: self.quorum,
            leader: self.leader,
            term: self.term,
            nodes: found,
            faults: links.get(self.links as usize)?.clone(),
        })
    }
}

pub(super) fn is_moment(at_ms: f64) -> bool {
    (0.0..=LAST_MS).contains(&at_ms)
}

/// Whether stretches of time are that, one after the other.
pub(super) fn in_order(mut stretches: impl Iterator<Item = (f64, f64)>) -> bool {
    let mut last = 0.0;
    stretches.all(|(from, to)| {
        let follows = is_moment(from) && is_moment(to) && last <= from && from <= to;
        last = to;
        follows
    })
}

pub(super) fn is_text(text: &str) -> bool {
    text.len() <= TEXT_MAX
}

fn is_about(about: &About) -> bool {
    let settings = &about.settings;
    is_text(&about.build)
        && is_text(&about.cluster)
        && is_moment(about.saved_ms)
        && settings.len() <= LIST_MAX
        && settings
            .iter()
            .all(|(name, value)| is_text(name) && is_text(value))
}

fn is_status(node: &NodeStatus) -> bool {
    is_text(&node.digest)
        && is_text(&node.problem)
        && is_text(&node.tab)
        && node.voters.len().max(node.learners.len()) <= LIST_MAX
        && node.terms.len().max(node.progress.len()) <= LIST_MAX
}

fn is_fault(link: &FaultyLink) -> bool {
    let fault = &link.fault;
    let percent = |it: f64| (0.0..=100.0).contains(&it);
    let ms = |it: f64| (0.0..=LAST_MS).contains(&it);
    percent(fault.loss_pct)
        && percent(fault.duplicate_pct)
        && ms(fault.delay_ms)
        && ms(fault.jitter_ms)
}

fn is_rate(rate: &Rate) -> bool {
    is_moment(rate.median_ms) && is_moment(rate.slowest_ms)
}

fn is_event(event: &Event) -> bool {
    is_moment(event.at_ms) && is_text(&event.kind) && is_text(&event.text)
}

#[path = "run_2.rs"]
mod run_2;

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
