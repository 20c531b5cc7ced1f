//! The processes behind a browser. Killing a browser's driver leaves the browser running, and a
//! browser is some ten processes, so whoever wants it dead collects them first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, Signal, System};

use crate::wait::eventually;

fn table(kind: ProcessRefreshKind) -> System {
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind.without_tasks());
    system
}

fn with_commands() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().with_cmd(sysinfo::UpdateKind::Always)
}

/// All processes that descend from `root`, without it.
pub fn descendants(root: u32) -> Vec<u32> {
    family(root, |_| false)
}

/// All processes that descend from `driver`, and those which name `profile` in their arguments:
/// Chromium's crash handler leaves the family. Without the driver itself.
pub fn of_browser(driver: u32, profile: &Path) -> Vec<u32> {
    let profile = profile.to_string_lossy();
    family(driver, |process| {
        let mut arguments = process.cmd().iter();
        arguments.any(|it| it.to_string_lossy().contains(&*profile))
    })
}

/// The processes that descend from `root` or are `adopted`, less the root.
fn family(root: u32, adopted: impl Fn(&sysinfo::Process) -> bool) -> Vec<u32> {
    let system = table(with_commands());
    let root = Pid::from_u32(root);
    let mut family = BTreeSet::from([root]);
    loop {
        let before = family.len();
        for (pid, process) in system.processes() {
            let is_child = process.parent().is_some_and(|it| family.contains(&it));
            if !family.contains(pid) && (is_child || adopted(process)) {
                family.insert(*pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    family.remove(&root);
    family.into_iter().map(Pid::as_u32).collect()
}

/// Those of `pids` which render pages in Chromium, with the processor time each has used so far.
pub fn renderers(pids: &[u32]) -> BTreeMap<u32, Duration> {
    let system = table(with_commands().with_cpu());
    let is_renderer = |process: &sysinfo::Process| {
        let mut arguments = process.cmd().iter();
        // Chromium writes its arguments into one string where it renames its processes.
        arguments.any(|it| it.to_string_lossy().contains("--type=renderer"))
    };
    let known = pids
        .iter()
        .filter_map(|pid| Some((*pid, system.process(Pid::from_u32(*pid))?)));
    known
        .filter(|(_, process)| is_renderer(process))
        .map(|(pid, process)| (pid, Duration::from_millis(process.accumulated_cpu_time())))
        .collect()
}

/// Resident memory of a process in bytes; 0 if it is gone.
pub fn memory_bytes(pid: u32) -> u64 {
    let pid = Pid::from_u32(pid);
    let system = table(ProcessRefreshKind::nothing().with_memory());
    system.process(pid).map_or(0, |process| process.memory())
}

/// A dead process which nobody has waited for yet is not alive.
pub fn is_alive(pid: u32) -> bool {
    let pid = Pid::from_u32(pid);
    let system = table(ProcessRefreshKind::nothing());
    let dead = [ProcessStatus::Zombie, ProcessStatus::Dead];
    system
        .process(pid)
        .is_some_and(|it| !dead.contains(&it.status()))
}

/// Sends SIGKILL to one, without waiting for its end. Returns the time just before.
pub fn kill_now(pid: u32) -> Result<SystemTime> {
    ensure!(pid > 1, "refusing to kill {pid}");
    let system = table(ProcessRefreshKind::nothing());
    let process = system.process(Pid::from_u32(pid));
    let process = process.with_context(|| format!("no process {pid}"))?;
    let at = SystemTime::now();
    process.kill_with(Signal::Kill).context("no SIGKILL here")?;
    Ok(at)
}

/// Sends SIGKILL to each, which nothing can catch or flush on, and waits until none is alive.
pub async fn kill(pids: &[u32]) -> Result<()> {
    ensure!(
        !pids.contains(&0) && !pids.contains(&1),
        "refusing to kill {pids:?}"
    );
    let system = table(ProcessRefreshKind::nothing());
    for pid in pids {
        if let Some(process) = system.process(Pid::from_u32(*pid)) {
            process.kill_with(Signal::Kill);
        }
    }
    eventually(
        "the killed processes to be gone",
        Duration::from_secs(10),
        async || {
            let left: Vec<u32> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
            if !left.is_empty() {
                bail!("{left:?} are still alive");
            }
            Ok(())
        },
    )
    .await
}
