//! Bugs planted on purpose, one at a time, to see that the checks catch each of them: `make
//! sim-mutants`. Only with the feature `planted`; without it [`is`] is always false, and nothing is
//! left of what hangs on it.

/// What an implementation of Raft gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A leader counts its own entries among the durable ones before they are.
    AcknowledgesBeforeComplete,
    /// A follower's answers go out before what they promise is durable.
    AnswersBeforeDurable,
    /// A heartbeat is answered before the term it came in is durable.
    TermNotDurable,
    VoteNotPersisted,
    /// A leader answers linearizable reads without asking a quorum.
    LeaseRead,
    /// Reads are answered as soon as they are confirmed, whatever is applied.
    ReadBeforeApply,
    /// A damaged last record is cut off, as if it were a torn write.
    DamagedTailCut,
    /// Old records go a transaction before the snapshot that replaces them comes.
    CompactsBeforeDurable,
    /// A snapshot has the membership of the one before.
    SnapshotWithoutMembership,
    SnapshotWithoutSessions,
    /// A snapshot of its own takes the place of a newer one that is being installed.
    OlderSnapshotWins,
    /// After a restart what the snapshot has is applied again.
    AppliesTwice,
    /// Retries are taken for new writes.
    NoDeduplication,
    /// The log of any dead replica is taken for a leader's.
    SalvagesFollower,
    /// A replica that has forgotten everything votes.
    ForgottenVotes,
    /// A membership comes into force before it is durable that it is committed.
    MembershipBeforeDurable,
    /// The first entry of the records it stands for is missing in a folded one.
    FoldForgets,
    /// A host goes on without having raised the epoch.
    EpochNotRaised,
    /// A transaction does not look whose the disk is.
    EpochNotChecked,
}

impl Bug {
    pub const ALL: &[Bug] = &[
        Bug::AcknowledgesBeforeComplete,
        Bug::AnswersBeforeDurable,
        Bug::TermNotDurable,
        Bug::VoteNotPersisted,
        Bug::LeaseRead,
        Bug::ReadBeforeApply,
        Bug::DamagedTailCut,
        Bug::CompactsBeforeDurable,
        Bug::SnapshotWithoutMembership,
        Bug::SnapshotWithoutSessions,
        Bug::OlderSnapshotWins,
        Bug::AppliesTwice,
        Bug::NoDeduplication,
        Bug::SalvagesFollower,
        Bug::ForgottenVotes,
        Bug::MembershipBeforeDurable,
        Bug::FoldForgets,
        Bug::EpochNotRaised,
        Bug::EpochNotChecked,
    ];
}

#[cfg(not(feature = "planted"))]
mod planting {
    use super::Bug;

    pub const fn is(_: Bug) -> bool {
        false
    }

    pub fn late<T>(_: u64, body: T) -> T {
        body
    }
}

#[cfg(feature = "planted")]
mod planting {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::Bug;

    type Body = Option<(u64, Vec<u8>)>;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static HELD_BACK: RefCell<BTreeMap<u64, Body>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Plants a bug in this thread, in place of the one before.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
        HELD_BACK.take();
    }

    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// The snapshot of a replica's batch before this one, in place of this one's.
    pub fn late(id: u64, body: Body) -> Body {
        if !is(Bug::CompactsBeforeDurable) {
            return body;
        }
        HELD_BACK
            .with_borrow_mut(|held| held.insert(id, body))
            .flatten()
    }
}

pub use planting::*;
