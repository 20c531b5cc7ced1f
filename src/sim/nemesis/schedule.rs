//! The strikes of a run, drawn from a seed before it begins.

use fastrand::Rng;

use super::{Damaged, Notice, Strike, Timed, Trap, Who};
use crate::node::Limits;
use crate::sim::network::Weather;
use crate::wire::{MemberChange, NodeId};

/// What the strikes of a run are to be like.
#[derive(Clone, Debug)]
pub struct Taste {
    /// How long there are to be strikes, in virtual milliseconds.
    pub torment_ms: u64,
    /// Whose membership changes, for no reason; nobody's if there are none.
    pub churned: Vec<NodeId>,
    /// Whether disks are lost for good.
    pub losses: bool,
}

/// One thing that may go wrong, with all that belongs to it.
type Episode = fn(&mut Drawn, &Taste);

/// Episodes, and how often each comes compared with the others.
const EPISODES: &[(u64, Episode)] = &[
    (5, crash),
    (2, crash_tab),
    (1, crash_browser),
    (2, cut_power),
    (3, pause),
    (2, steal),
    (2, freeze_and_take_over),
    (3, part),
    (2, cut),
    (3, storm),
    (1, slow_disk),
    (2, abort),
    (1, fill),
    (1, close_disk),
    (2, jump_clock),
    (1, skew),
    (2, transfer),
    (2, lag),
    (3, depose),
    (1, limit),
    (2, churn),
    (3, lose),
];

/// The strikes so far.
struct Drawn {
    rng: Rng,
    now: u64,
    strikes: Vec<Timed>,
}

/// The strikes of a run, in order of their time. A run has only some kinds of episodes, so that
/// others have room to do harm together.
pub fn draw(seed: u64, taste: &Taste) -> Vec<Timed> {
    let mut drawn = Drawn {
        rng: Rng::with_seed(seed ^ 0x6e65_6d65),
        now: 0,
        strikes: Vec::new(),
    };
    let mut kinds: Vec<(u64, Episode)> = Vec::new();
    let chance = drawn.rng.u32(20..=90);
    for episode in EPISODES {
        if drawn.rng.u32(0..100) < chance {
            kinds.push(*episode);
        }
    }
    let all: u64 = kinds.iter().map(|(weight, _)| weight).sum();
    let pace = [150, 400, 1_200][drawn.below(3) as usize];
    while drawn.now < taste.torment_ms && all > 0 {
        let mut place = drawn.below(all);
        for (weight, episode) in &kinds {
            if place < *weight {
                episode(&mut drawn, taste);
                break;
            }
            place -= weight;
        }
        drawn.now += drawn.rng.u64(10..2 * pace);
    }
    if taste.losses {
        for at_ms in (200..taste.torment_ms).step_by(400) {
            drawn.strikes.push(Timed {
                at_ms,
                strike: Strike::Operate,
            });
        }
    }
    let mut strikes = drawn.strikes;
    strikes.retain(|timed| timed.at_ms < taste.torment_ms);
    strikes.sort_by_key(|timed| timed.at_ms);
    strikes
}

impl Drawn {
    fn below(&mut self, end: u64) -> u64 {
        self.rng.u64(0..end)
    }

    fn add(&mut self, in_ms: u64, strike: Strike) {
        let at_ms = self.now + in_ms;
        self.strikes.push(Timed { at_ms, strike });
    }

    fn who(&mut self) -> Who {
        match self.below(3) {
            0 => Who::Leader,
            _ => Who::Nth(self.below(60)),
        }
    }

    /// Not the leader, who will be another when the second strike of an episode falls.
    fn nth(&mut self) -> Who {
        Who::Nth(self.below(60))
    }

    fn notice(&mut self) -> Notice {
        match self.below(5) {
            0 => Notice::Late,
            1 => Notice::Never,
            _ => Notice::Soon,
        }
    }

    /// A short time mostly, and sometimes a long one.
    fn while_ms(&mut self) -> u64 {
        let most = [100, 700, 4_000][self.below(3) as usize];
        self.rng.u64(1..=most)
    }
}

fn crash(drawn: &mut Drawn, _: &Taste) {
    let (who, survives, notice) = (drawn.who(), drawn.rng.bool(), drawn.notice());
    let strike = Strike::Crash {
        who,
        survives,
        notice,
    };
    drawn.add(0, strike);
    let back = drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn crash_tab(drawn: &mut Drawn, _: &Taste) {
    let (who, fates, notice) = (drawn.who(), drawn.rng.u64(..), drawn.notice());
    let strike = Strike::CrashTab { who, fates, notice };
    drawn.add(0, strike);
    let back = drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn crash_browser(drawn: &mut Drawn, _: &Taste) {
    let fates = drawn.rng.u64(..);
    drawn.add(0, Strike::CrashBrowser { fates });
    let back = drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn cut_power(drawn: &mut Drawn, _: &Taste) {
    let fates = drawn.rng.u64(..);
    drawn.add(0, Strike::CutPower { fates });
    let back = drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn pause(drawn: &mut Drawn, _: &Taste) {
    let who = drawn.nth();
    drawn.add(0, Strike::Pause(who));
    if drawn.below(4) == 0 {
        drawn.add(1, Strike::StopClock(who));
    }
    let back = drawn.while_ms();
    drawn.add(back, Strike::Resume(who));
}

fn steal(drawn: &mut Drawn, _: &Taste) {
    let (who, survives) = (drawn.who(), drawn.rng.bool());
    drawn.add(0, Strike::TakeOver { who, survives });
}

fn freeze_and_take_over(drawn: &mut Drawn, _: &Taste) {
    let (who, survives) = (drawn.nth(), drawn.rng.bool());
    drawn.add(0, Strike::Pause(who));
    let taken = drawn.while_ms();
    drawn.add(taken, Strike::TakeOver { who, survives });
    let thawed = taken + drawn.while_ms();
    drawn.add(thawed, Strike::ThawAll);
}

fn part(drawn: &mut Drawn, _: &Taste) {
    let strike = match drawn.below(2) {
        0 => Strike::Isolate(drawn.who()),
        _ => Strike::Split(drawn.rng.u64(..)),
    };
    drawn.add(0, strike);
    let healed = drawn.while_ms();
    drawn.add(healed, Strike::Heal);
}

fn cut(drawn: &mut Drawn, _: &Taste) {
    for _ in 0..=drawn.below(2) {
        let (from, to) = (drawn.who(), drawn.who());
        drawn.add(0, Strike::Cut(from, to));
    }
    let healed = drawn.while_ms();
    drawn.add(healed, Strike::Heal);
}

fn storm(drawn: &mut Drawn, _: &Taste) {
    let kinds = [Weather::STORM, Weather::NOISE, Weather::FOG];
    let weather = kinds[drawn.below(3) as usize].clone();
    drawn.add(0, Strike::Weather(weather));
    let over = drawn.while_ms();
    drawn.add(over, Strike::Weather(Weather::FAIR));
}

fn slow_disk(drawn: &mut Drawn, _: &Taste) {
    let who = drawn.who();
    drawn.add(0, Strike::SlowDisk(who));
    let healed = 500 + drawn.while_ms();
    drawn.add(healed, Strike::Heal);
}

fn abort(drawn: &mut Drawn, _: &Taste) {
    let (who, times) = (drawn.who(), drawn.rng.u32(1..=5));
    drawn.add(0, Strike::Abort { who, times });
    let back = 300 + drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn fill(drawn: &mut Drawn, _: &Taste) {
    let who = drawn.who();
    drawn.add(0, Strike::Fill(who));
    let freed = drawn.while_ms();
    drawn.add(freed, Strike::Free);
    drawn.add(freed + 1, Strike::StartAll);
}

fn close_disk(drawn: &mut Drawn, _: &Taste) {
    let (who, survives) = (drawn.who(), drawn.rng.bool());
    drawn.add(0, Strike::CloseDisk { who, survives });
    let back = drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

fn jump_clock(drawn: &mut Drawn, _: &Taste) {
    let (who, ticks) = (drawn.who(), drawn.rng.u64(1..100));
    drawn.add(0, Strike::JumpClock { who, ticks });
}

fn skew(drawn: &mut Drawn, _: &Taste) {
    let (who, pace_pct) = (drawn.nth(), drawn.rng.u64(40..=250));
    drawn.add(0, Strike::Skew { who, pace_pct });
}

fn transfer(drawn: &mut Drawn, _: &Taste) {
    let strike = match drawn.below(3) {
        0 => Strike::Campaign(drawn.nth()),
        _ => Strike::Transfer,
    };
    drawn.add(0, strike);
}

/// One falls so far behind that it needs a snapshot, and may not survive getting it.
fn lag(drawn: &mut Drawn, _: &Taste) {
    let who = drawn.nth();
    drawn.add(0, Strike::Isolate(who));
    for _ in 0..drawn.below(3) {
        drawn.add(900, Strike::Snapshot(Who::Leader));
    }
    let trap = match drawn.below(3) {
        0 => Trap::Transfer,
        1 => Trap::Install { survives: false },
        _ => Trap::Install { survives: true },
    };
    drawn.add(900, Strike::Trap(trap));
    drawn.add(1_000, Strike::Heal);
    let back = 1_100 + drawn.while_ms();
    drawn.add(back, Strike::StartAll);
}

/// A leader is cut off with entries that only it has; another one leads. The first dies as soon as
/// it hears of that, the second a little later, with entries that nobody knows yet to be committed.
/// Whoever is left may take the first for the one to succeed.
fn depose(drawn: &mut Drawn, _: &Taste) {
    let notice = Notice::Late;
    drawn.add(1, Strike::Trap(Trap::Deposed { notice }));
    if drawn.rng.bool() {
        drawn.add(1, Strike::Weather(Weather::FOG));
    }
    let mut dies = drawn.rng.u64(600..2_000);
    if drawn.rng.bool() {
        drawn.add(0, Strike::Mute(Who::Leader));
    } else {
        drawn.add(0, Strike::Isolate(Who::Leader));
        drawn.add(dies, Strike::Heal);
        dies += drawn.rng.u64(20..300);
    }
    let strike = Strike::Crash {
        who: Who::Leader,
        survives: true,
        notice: Notice::Never,
    };
    drawn.add(dies, strike);
    drawn.add(dies + 1, Strike::Heal);
    let back = dies + drawn.rng.u64(500..5_000);
    drawn.add(back, Strike::StartAll);
    drawn.add(back, Strike::Weather(Weather::FAIR));
}

fn limit(drawn: &mut Drawn, _: &Taste) {
    let limits = limits(&mut drawn.rng);
    drawn.add(0, Strike::Limit(limits));
    let who = drawn.who();
    let strike = Strike::Crash {
        who,
        survives: true,
        notice: Notice::Soon,
    };
    drawn.add(1, strike);
    drawn.add(2, Strike::StartAll);
}

/// Limits that make everything happen often.
pub fn limits(rng: &mut Rng) -> Limits {
    Limits {
        snapshot_entries: rng.u64(3..45),
        snapshot_bytes: 1 << 20,
        catchup_entries: rng.u64(0..20),
        step_down_ticks: rng.u64(7..40),
        fold_records: rng.u64(1..10),
        apply_per_turn: rng.u64(1..20),
        ..Limits::default()
    }
}

fn churn(drawn: &mut Drawn, taste: &Taste) {
    if taste.churned.is_empty() {
        return;
    }
    let mut changes = Vec::new();
    // One change, or two by joint consensus.
    for _ in 0..=drawn.below(2) {
        let id = taste.churned[drawn.below(taste.churned.len() as u64) as usize];
        changes.push(match drawn.below(4) {
            0 => MemberChange::AddLearner(id),
            1 => MemberChange::Remove(id),
            _ => MemberChange::AddVoter(id),
        });
    }
    drawn.add(0, Strike::Change(changes));
}

/// A disk is damaged or gone. Who has it finds out when it is started next.
fn lose(drawn: &mut Drawn, taste: &Taste) {
    let who = drawn.nth();
    let (which, bit) = (drawn.rng.u64(..), drawn.rng.u64(..));
    let strike = match drawn.below(4) {
        // Without the newest snapshot the one before it does.
        0 | 1 => Strike::Damage(who, Damaged::Snapshot(which, bit)),
        _ if !taste.losses => return,
        2 if bit % 2 == 0 => Strike::Damage(who, Damaged::Missing(which)),
        2 => Strike::Evict(who),
        _ => Strike::Damage(who, Damaged::Record(which, bit)),
    };
    drawn.add(0, strike);
    let crash = Strike::Crash {
        who,
        survives: which % 2 == 0,
        notice: Notice::Soon,
    };
    let dies = drawn.rng.u64(1..100);
    drawn.add(dies, crash);
    drawn.add(dies + 50, Strike::StartAll);
}
