use tabraft::frame;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::axis::{Span, Zoom};
use super::super::history::tests::led;
use super::super::picture::{self, Picture};
use super::super::readings::tests::rows;
use super::super::readings::{ROWS_MAX, Source, Then, words::words};
use super::*;
use crate::model::LinkFault;
use crate::ui::pace::Tally;

fn about() -> About {
    About {
        build: "b".to_owned(),
        cluster: "demo".to_owned(),
        saved_ms: 9_000.0,
        settings: vec![("tick_ms".to_owned(), "100".to_owned())],
    }
}

fn event(at_ms: f64, text: &str) -> Event {
    Event {
        seq: 1,
        at_ms,
        node: 2,
        kind: "host".to_owned(),
        text: text.to_owned(),
        term: 3,
    }
}

/// A leader, a crash, another leader, a cut link, and some writes.
fn history() -> History {
    let mut history = History::default();
    history.record(1_000.0, &led(1, 2), &[]);
    history.record(2_000.0, &led(1, 2), &[]);
    history.record(3_000.0, &led(2, 3), &[]);
    let cut = FaultyLink {
        from: 1,
        to: 2,
        fault: LinkFault::CUT,
    };
    history.record(4_000.0, &led(2, 3), &[cut]);
    let tally = Tally {
        writes: 7,
        median_ms: 2.0,
        slowest_ms: 9.0,
    };
    history.rates.add(2_000.0, 500.0, tally);
    history.marks.hear(&event(2_500.0, "Node 1 was crashed."));
    let readings = &mut history.readings;
    readings.add(
        1_500.0,
        Source::default(),
        rows(&[("a", "1"), ("b", "1")]),
        false,
    );
    readings.outdate(2_000.0);
    readings.add(
        2_500.0,
        Source::default(),
        rows(&[("a", "2"), ("b", "1")]),
        true,
    );
    history
}

fn saved() -> Vec<u8> {
    encode(
        about(),
        &history(),
        [event(2_500.0, "Node 1 was crashed.")].iter(),
    )
}

/// Draws all of it, as the page would.
fn draw(run: &Run) {
    let (from, to) = run.span_ms();
    for zoom in Zoom::ALL {
        for at in [from, (from + to) / 2.0, to] {
            drop(Picture::of(
                &run.history,
                zoom,
                to,
                Some(at),
                Span::default(),
            ));
            drop(picture::words(&run.history, at));
            drop(words(run.history.readings.at(at), at, ""));
        }
    }
}

#[test]
fn what_was_saved_is_what_is_opened() {
    let run = Run::decode(&saved()).expect("a run");
    let before = history();
    assert_eq!(run.about, about());
    assert_eq!(run.history.samples, before.samples);
    assert!(run.history.rates.iter().eq(before.rates.iter()));
    assert!(run.history.marks.iter().eq(before.marks.iter()));
    assert_eq!(
        run.events,
        [Arc::new(event(2_500.0, "Node 1 was crashed."))]
    );
    assert_eq!(run.span_ms(), (1_000.0, 4_000.0));
    for at in [1_000.0, 1_500.0, 2_000.0] {
        assert_eq!(run.history.readings.at(at), before.readings.at(at), "{at}");
    }
    // The newest held until it was saved.
    let newest = |history: &History, at| match history.readings.at(at) {
        Then::Was(it) => Some((it.rows.clone(), it.more)),
        _ => None,
    };
    let kept = newest(&run.history, about().saved_ms);
    assert_eq!(kept, Some((rows(&[("a", "2"), ("b", "1")]), true)));
    assert_eq!(newest(&run.history, about().saved_ms + 1.0), None);
    let picture = |history| Picture::of(history, Zoom::All, 4_000.0, None, Span::default());
    assert_eq!(picture(&run.history), picture(&before));
    draw(&run);
}

#[test]
fn what_samples_share_is_there_once() {
    let mut history = History::default();
    for i in 0..1_000 {
        let mut status = led(1, 2);
        status.nodes[0].commit = i;
        history.record(1_000.0 * i as f64, &status, &[]);
    }
    let bytes = encode(about(), &history, [].iter()).len();
    let image: Image =
        frame::decode(Kind::Run, &encode(about(), &history, [].iter())).expect("one");
    assert_eq!((image.links.len(), image.samples.len()), (1, 1_000));
    assert_eq!(image.nodes.len(), 1_000 + led(1, 2).nodes.len() - 1);
    assert!(bytes < 200_000, "{bytes} bytes");
}

#[test]
fn whatever_is_kept_can_be_opened() {
    let mut history = history();
    let mut odd = led(1, 2);
    odd.nodes[0].problem = "ä".repeat(TEXT_MAX);
    odd.nodes[0].terms = vec![(1, 1); 2 * LIST_MAX];
    history.record(9_000.0, &odd, &[]);
    let long = "ä".repeat(TEXT_MAX);
    let source = Source {
        prefix: long.clone(),
        ..Source::default()
    };
    history
        .readings
        .add(9_000.0, source, rows(&[(&long, &long)]), false);
    let events = [
        event(f64::NAN, "never"),
        event(1.0, &"x".repeat(2 * TEXT_MAX)),
        event(2.0, "so"),
    ];
    let run = Run::decode(&encode(about(), &history, events.iter())).expect("a run");
    assert_eq!(run.events, [Arc::new(event(2.0, "so"))]);
}

/// With a checksum that holds.
fn refused(change: impl FnOnce(&mut Image)) -> bool {
    let mut image: Image = frame::decode(Kind::Run, &saved()).expect("an image");
    change(&mut image);
    let bytes = frame::encode(Kind::Run, &image);
    Run::decode(&bytes).err() == Some(FrameError::Contents)
}

#[test]
fn what_cannot_be_a_run_is_refused() {
    assert!(!refused(|_| {}));
    assert!(refused(|it| it.samples.clear()));
    assert!(refused(|it| it.samples.swap(0, 1)));
    assert!(refused(|it| it.samples[0].at_ms = f64::NAN));
    assert!(refused(|it| it.samples[0].until_ms = 1e300));
    assert!(refused(|it| it.samples[1].nodes[0] = 99));
    assert!(refused(|it| it.samples[1].nodes.swap(0, 1)));
    assert!(refused(|it| it.samples[1].links = 99));
    assert!(refused(|it| it.rates[0].to_ms = 0.0));
    assert!(refused(|it| it.rates[0].median_ms = -1.0));
    assert!(refused(|it| it.marks[0].at_ms = f64::INFINITY));
    assert!(refused(|it| it.links[1][0].fault.loss_pct = f64::NAN));
    assert!(refused(|it| it.readings.readings.swap(0, 1)));
    assert!(refused(|it| it.readings.readings[0].from_ms = f64::NAN));
    assert!(refused(|it| it.readings.readings[1].to_ms = 0.0));
    assert!(refused(|it| it.readings.readings[0].source = 99));
    assert!(refused(|it| it.readings.readings[1].rows[0] = 99));
    assert!(refused(
        |it| it.readings.readings[0].rows = vec![0; ROWS_MAX + 1]
    ));
    assert!(refused(|it| it.readings.forgotten_ms = -1.0));
    assert!(refused(|it| it.about.cluster = "x".repeat(TEXT_MAX + 1)));
    assert!(refused(|it| {
        let mark = it.marks[0].clone();
        it.marks = vec![mark; MARKS_MAX + 1];
    }));
}

#[test]
fn damage_is_refused_and_nothing_panics() {
    let whole = saved();
    for cut in 0..whole.len() {
        assert!(Run::decode(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let payload = frame::open(Kind::Run, &whole).expect("a frame").to_vec();
    for at in 0..payload.len() {
        for bit in [0x01, 0x10, 0x80] {
            let mut bytes = payload.clone();
            bytes[at] ^= bit;
            // Without the checksum's help.
            let sealed = frame::seal::<()>(Kind::Run, |mut it| {
                it.extend_from_slice(&bytes);
                Ok(it)
            });
            if let Ok(run) = Run::decode(&sealed.expect("sealed")) {
                draw(&run);
            }
        }
    }
}

/// The shapes in the file are those of version 3: one that changes is another version.
#[test]
fn the_format_is_that_of_its_version() {
    let bytes = saved();
    assert_eq!(Kind::Run.version(), 3);
    let checksum = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    assert_eq!((bytes.len(), checksum), (475, 2_634_313_176));
}

/// Saved by a build that wrote version 2, of the same history.
#[test]
fn an_older_run_is_opened() {
    let old = include_bytes!("run_2.tbrf");
    assert_eq!(old[frame::VERSION_OFFSET], run_2::VERSION);
    let run = Run::decode(old).expect("a run");
    assert_eq!(run.about, about());
    assert_eq!(run.history.samples, history().samples);
    draw(&run);
}
