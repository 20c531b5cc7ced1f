//! The faults there are, and how often each has taken effect.

use std::fmt;

macro_rules! faults {
    ($($fault:ident $name:literal,)*) => {
        /// What goes wrong, or is done at a bad moment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($fault,)* }

        impl Fault {
            pub const ALL: &[Fault] = &[$(Fault::$fault,)*];

            pub fn name(self) -> &'static str {
                match self { $(Fault::$fault => $name,)* }
            }
        }
    };
}

faults! {
    WorkerCrash "worker crash",
    TabCrash "tab crash, several nodes",
    BrowserCrash "whole-browser crash",
    PowerCut "power cut",
    LateNotice "death told late",
    NoNotice "death never told",
    Pause "pause, freeze",
    ZombieThawed "zombie thawed after its epoch was taken",
    ZombieFenced "zombie's write refused",
    StolenLock "stolen lock",
    Loss "message lost",
    Duplication "message duplicated",
    Reordering "message overtaken",
    Delay "message delayed",
    SymmetricPartition "message lost to a symmetric partition",
    AsymmetricPartition "message lost to an asymmetric partition",
    Corruption "message corrupted",
    ForeignVersion "message of a foreign version",
    ForeignCluster "message of a foreign cluster",
    SlowDisk "write on a slow disk",
    AbortedWrite "transaction aborted and tried again",
    WriteGivenUp "transaction given up after all tries",
    FullDisk "disk full",
    ForcedClose "database closed by force",
    LostSuffix "unsynced writes lost",
    FlippedRecord "flipped bit in a WAL record found at a start",
    FlippedSnapshot "flipped bit in a snapshot found at a start",
    MissingRecord "missing WAL record found at a start",
    Eviction "eviction of everything",
    Replaced "lost replica replaced",
    ClockJump "clock jump",
    ClockSkew "tick rate changed",
    MembershipChange "membership change",
    LeadershipTransfer "leadership transfer",
    Succession "succession",
    Salvage "tail salvaged",
    Deposed "deposed leader dead with its own tail",
    InstallInterrupted "snapshot install interrupted",
    OtherSettings "restart with other settings",
}

/// How often each fault has taken effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults([u64; Fault::ALL.len()]);

impl Default for Faults {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Faults {
    pub fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn add(&mut self, others: &Faults) {
        for (sum, many) in self.0.iter_mut().zip(others.0) {
            *sum += many;
        }
    }

    /// Those that never happened.
    pub fn missing(&self) -> Vec<Fault> {
        let all = Fault::ALL.iter().copied();
        all.filter(|fault| self.of(*fault) == 0).collect()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "{:>14}  {}", self.of(*fault), fault.name())?;
        }
        Ok(())
    }
}
