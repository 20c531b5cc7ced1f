//! Readings as they are saved: what several of them share is there once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Pair, READINGS_MAX, ROWS_MAX, Reading, Readings, Source};
use crate::ui::timeline::run::{Once, clip, in_order, is_moment, is_text};

#[derive(Default, Serialize, Deserialize)]
pub struct Image {
    sources: Vec<Source>,
    pairs: Vec<Pair>,
    pub readings: Vec<ReadingImage>,
    pub forgotten_ms: f64,
}

/// A [`Reading`]; `source` and `rows` are places in the lists of the image.
#[derive(Serialize, Deserialize)]
pub struct ReadingImage {
    pub from_ms: f64,
    pub to_ms: f64,
    pub source: u32,
    pub rows: Vec<u32>,
    more: bool,
}

impl Image {
    /// Of what was kept until `now_ms`.
    pub fn of(all: &Readings, now_ms: f64) -> Self {
        let (mut sources, mut pairs) = (Vec::new(), Vec::new());
        let (mut asked, mut known) = (Once::new(), Once::new());
        let last = all.readings.len().saturating_sub(1);
        let readings = all.readings.iter().enumerate().map(|(i, it)| ReadingImage {
            from_ms: it.from_ms,
            // The newest may hold until now; what is saved has an end.
            to_ms: match i == last && all.holds {
                true => it.to_ms.max(now_ms),
                false => it.to_ms,
            },
            source: asked.place(&it.source, |it| {
                let mut source = it.clone();
                clip(&mut source.prefix);
                sources.push(source);
            }),
            rows: it
                .rows
                .iter()
                .map(|row| {
                    known.place(row, |it| {
                        let mut pair = it.clone();
                        clip(&mut pair.key);
                        clip(&mut pair.value);
                        pairs.push(pair);
                    })
                })
                .collect(),
            more: it.more,
        });
        Self {
            readings: readings.collect(),
            sources,
            pairs,
            forgotten_ms: all.forgotten_ms,
        }
    }

    /// `None` where they cannot be readings.
    pub fn readings(self) -> Option<Readings> {
        let times = self.readings.iter().map(|it| (it.from_ms, it.to_ms));
        let sound = self.readings.len() <= READINGS_MAX
            && self.pairs.len() <= READINGS_MAX * ROWS_MAX
            && in_order(times)
            && is_moment(self.forgotten_ms)
            && self.sources.iter().all(|it| is_text(&it.prefix))
            && self
                .pairs
                .iter()
                .all(|it| is_text(&it.key) && is_text(&it.value));
        if !sound {
            return None;
        }
        let sources: Vec<_> = self.sources.into_iter().map(Arc::new).collect();
        let pairs: Vec<_> = self.pairs.into_iter().map(Arc::new).collect();
        let reading = |it: ReadingImage| {
            let rows = it.rows.iter().map(|at| pairs.get(*at as usize).cloned());
            (it.rows.len() <= ROWS_MAX).then_some(())?;
            Some(Reading {
                from_ms: it.from_ms,
                to_ms: it.to_ms,
                source: sources.get(it.source as usize)?.clone(),
                rows: rows.collect::<Option<_>>()?,
                more: it.more,
            })
        };
        Some(Readings {
            readings: self
                .readings
                .into_iter()
                .map(reading)
                .collect::<Option<_>>()?,
            holds: false,
            forgotten_ms: self.forgotten_ms,
            bytes: pairs.iter().map(|it| it.bytes()).sum(),
        })
    }
}
