//! How one direction of a link is: the kinds that a person can choose, the numbers that each takes,
//! and the words for it.

use crate::model::LinkFault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Works,
    Cut,
    Slow,
    Lossy,
    Doubling,
    /// More than one of the last three.
    Mixed,
}

pub const KINDS: [Kind; 6] = [
    Kind::Works,
    Kind::Cut,
    Kind::Slow,
    Kind::Lossy,
    Kind::Doubling,
    Kind::Mixed,
];

impl Kind {
    pub fn of(fault: &LinkFault) -> Self {
        let late = fault.delay_ms > 0.0 || fault.jitter_ms > 0.0;
        match (late, fault.loss_pct > 0.0, fault.duplicate_pct > 0.0) {
            _ if fault.is_cut() => Self::Cut,
            (false, false, false) => Self::Works,
            (true, false, false) => Self::Slow,
            (false, true, false) => Self::Lossy,
            (false, false, true) => Self::Doubling,
            _ => Self::Mixed,
        }
    }

    /// The word people choose; also the CSS class of its line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Cut => "cut",
            Self::Slow => "slow",
            Self::Lossy => "lossy",
            Self::Doubling => "doubling",
            Self::Mixed => "mixed",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word() == word)
    }

    /// The numbers it takes.
    pub fn measures(self) -> &'static [Measure] {
        match self {
            Self::Works | Self::Cut => &[],
            Self::Slow => &[Measure::Delay, Measure::Jitter],
            Self::Lossy => &[Measure::Lost],
            Self::Doubling => &[Measure::Doubled],
            Self::Mixed => &MEASURES,
        }
    }

    /// The fault, from what was typed.
    ///
    /// # Errors
    /// A sentence that says what a number must be.
    pub fn fault(self, typed: impl Fn(Measure) -> String) -> Result<LinkFault, String> {
        if self == Self::Cut {
            return Ok(LinkFault::CUT);
        }
        let mut fault = LinkFault::default();
        for measure in self.measures() {
            *measure.place(&mut fault) = measure.number(&typed(*measure))?;
        }
        if self != Self::Works && fault == LinkFault::default() {
            let first = self.measures().first().copied();
            return Err(match first {
                Some(measure) if self != Self::Mixed => {
                    format!("{} must be more than 0.", measure.label())
                }
                _ => "One of the numbers must be more than 0.".to_owned(),
            });
        }
        Ok(fault)
    }
}

/// A number of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Delay,
    Jitter,
    Lost,
    Doubled,
}

pub const MEASURES: [Measure; 4] = [
    Measure::Delay,
    Measure::Jitter,
    Measure::Lost,
    Measure::Doubled,
];

impl Measure {
    pub fn label(self) -> &'static str {
        match self {
            Self::Delay => "Delay",
            Self::Jitter => "Jitter",
            Self::Lost => "Lost",
            Self::Doubled => "Doubled",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Delay | Self::Jitter => "ms",
            Self::Lost | Self::Doubled => "%",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Delay => "Every message is so late",
            Self::Jitter => "And later by up to so much, at random",
            Self::Lost => "Of 100 messages so many are lost",
            Self::Doubled => "Of 100 messages so many come twice",
        }
    }

    /// What stands in its field at first.
    fn usual(self) -> f64 {
        match self {
            Self::Delay => 200.0,
            Self::Jitter => 0.0,
            Self::Lost | Self::Doubled => 30.0,
        }
    }

    fn most(self) -> u32 {
        match self {
            Self::Delay | Self::Jitter => 60_000,
            Self::Lost | Self::Doubled => 100,
        }
    }

    fn place(self, fault: &mut LinkFault) -> &mut f64 {
        match self {
            Self::Delay => &mut fault.delay_ms,
            Self::Jitter => &mut fault.jitter_ms,
            Self::Lost => &mut fault.loss_pct,
            Self::Doubled => &mut fault.duplicate_pct,
        }
    }

    /// As one would type it: what it is in a fault, or the usual where that has none.
    pub fn of(self, fault: &LinkFault) -> String {
        let mut copy = *fault;
        match *self.place(&mut copy) {
            some if some > 0.0 && !fault.is_cut() => number(some),
            // Beside another number nothing means nothing.
            _ if Kind::of(fault).measures().contains(&self) => "0".to_owned(),
            _ => number(self.usual()),
        }
    }

    fn number(self, typed: &str) -> Result<f64, String> {
        let digits: String = typed.trim().replace([',', ' ', '_'], "");
        let number = digits.parse::<f64>().ok();
        let number = number.filter(|n| (0.0..=f64::from(self.most())).contains(n));
        number.ok_or_else(|| {
            format!(
                "{} must be a number from 0 to {} {}.",
                self.label(),
                self.most(),
                self.unit()
            )
        })
    }
}

/// "200", "0.5".
fn number(n: f64) -> String {
    ((n * 100.0).round() / 100.0).to_string()
}

/// "works", "cut", "200 ms late, 30 % lost".
pub fn words(fault: &LinkFault) -> String {
    match Kind::of(fault) {
        Kind::Works => "works".to_owned(),
        Kind::Cut => "cut".to_owned(),
        _ => {
            let lost = share(fault.loss_pct, "lost");
            let doubled = share(fault.duplicate_pct, "doubled");
            let late = delay(fault).map(|delay| format!("{delay} late"));
            let parts: Vec<String> = [late, lost, doubled].into_iter().flatten().collect();
            parts.join(", ")
        }
    }
}

/// The same, where there is room for a word or two.
pub fn short(fault: &LinkFault) -> String {
    match (Kind::of(fault), delay(fault)) {
        (Kind::Works, _) => String::new(),
        (Kind::Slow, Some(delay)) => delay,
        (Kind::Mixed, _) => "mixed".to_owned(),
        _ => words(fault),
    }
}

/// After "The link": "works", "is cut", "delays messages by 200 ms, loses 30 %".
pub fn deed(fault: &LinkFault) -> String {
    let doubles = || format!("doubles {} %", number(fault.duplicate_pct));
    let loses = || format!("loses {} %", number(fault.loss_pct));
    match Kind::of(fault) {
        Kind::Works => "works".to_owned(),
        Kind::Cut => "is cut".to_owned(),
        Kind::Lossy => format!("{} of its messages", loses()),
        Kind::Doubling => format!("{} of its messages", doubles()),
        Kind::Slow | Kind::Mixed => {
            let delays = delay(fault).map(|delay| format!("delays messages by {delay}"));
            let loses = (fault.loss_pct > 0.0).then(loses);
            let doubles = (fault.duplicate_pct > 0.0).then(doubles);
            let deeds: Vec<String> = [delays, loses, doubles].into_iter().flatten().collect();
            deeds.join(", ")
        }
    }
}

fn delay(fault: &LinkFault) -> Option<String> {
    let (least, most) = (fault.delay_ms, fault.delay_ms + fault.jitter_ms);
    match most > 0.0 {
        false => None,
        true if fault.jitter_ms > 0.0 => Some(format!("{} to {} ms", number(least), number(most))),
        true => Some(format!("{} ms", number(most))),
    }
}

fn share(percent: f64, what: &str) -> Option<String> {
    (percent > 0.0).then(|| format!("{} % {what}", number(percent)))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn fault(loss: f64, doubled: f64, delay: f64, jitter: f64) -> LinkFault {
        LinkFault {
            loss_pct: loss,
            duplicate_pct: doubled,
            delay_ms: delay,
            jitter_ms: jitter,
        }
    }

    #[test]
    fn every_fault_has_words() {
        let all = [
            (LinkFault::default(), "works", "", "works"),
            (LinkFault::CUT, "cut", "cut", "is cut"),
            (
                fault(0.0, 0.0, 200.0, 0.0),
                "200 ms late",
                "200 ms",
                "delays messages by 200 ms",
            ),
            (
                fault(0.0, 0.0, 200.0, 50.0),
                "200 to 250 ms late",
                "200 to 250 ms",
                "delays messages by 200 to 250 ms",
            ),
            (
                fault(0.5, 0.0, 0.0, 0.0),
                "0.5 % lost",
                "0.5 % lost",
                "loses 0.5 % of its messages",
            ),
            (
                fault(0.0, 30.0, 0.0, 0.0),
                "30 % doubled",
                "30 % doubled",
                "doubles 30 % of its messages",
            ),
            (
                fault(30.0, 10.0, 5.0, 0.0),
                "5 ms late, 30 % lost, 10 % doubled",
                "mixed",
                "delays messages by 5 ms, loses 30 %, doubles 10 %",
            ),
        ];
        for (fault, long, brief, does) in all {
            let said = (words(&fault), short(&fault), deed(&fault));
            assert_eq!(said, (long.into(), brief.into(), does.into()));
        }
    }

    #[test]
    fn what_is_shown_can_be_typed_again() {
        for wanted in [
            LinkFault::default(),
            LinkFault::CUT,
            fault(0.0, 0.0, 200.0, 0.0),
            fault(0.0, 0.0, 0.0, 20.0),
            fault(12.5, 0.0, 0.0, 0.0),
            fault(0.0, 40.0, 0.0, 0.0),
            fault(30.0, 0.0, 1_000.0, 0.0),
        ] {
            let kind = Kind::of(&wanted);
            assert_eq!(Kind::named(kind.word()), Some(kind));
            assert_eq!(kind.fault(|measure| measure.of(&wanted)), Ok(wanted));
        }
        // A link that works offers what is usual.
        let usual = Kind::Slow.fault(|measure| measure.of(&LinkFault::default()));
        assert_eq!(usual, Ok(fault(0.0, 0.0, 200.0, 0.0)));
    }

    #[test]
    fn a_bad_number_is_told() {
        let typed = |text: &'static str| move |_| text.to_owned();
        for (kind, text, wanted) in [
            (
                Kind::Slow,
                "soon",
                "Delay must be a number from 0 to 60000 ms.",
            ),
            (Kind::Lossy, "101", "Lost must be a number from 0 to 100 %."),
            (Kind::Slow, "0", "Delay must be more than 0."),
            (Kind::Mixed, "0", "One of the numbers must be more than 0."),
        ] {
            assert_eq!(kind.fault(typed(text)), Err(wanted.to_owned()));
        }
        assert_eq!(
            Kind::Doubling.fault(typed("NaN")).map_err(|e| e.len() > 9),
            Err(true)
        );
        assert_eq!(Kind::Lossy.fault(typed("100")), Ok(LinkFault::CUT));
    }
}
