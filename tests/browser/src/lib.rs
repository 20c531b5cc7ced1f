//! What the browser tests stand on. A case in `cases/` drives real browsers through these parts:
//!
//! - [`server`]: serves the release build under a sub-path; what must survive a killed browser
//!   (acknowledged writes, console output) is posted to it.
//! - [`build`]: other builds to serve.
//! - [`browser`]: one browser with a profile of its own, its driver, and all the ways to kill it.
//! - `kind`: which browsers there are and where; `webkit`: what WebKit wants besides.
//! - [`processes`]: the processes behind a browser, and which of them hosts a tab.
//! - [`tab`]: one tab and its `window.tabraft`.
//! - [`page`]: what a person sees and presses.
//! - [`screen`]: how large a screen a tab is on, and whether it is dark.
//! - [`etcd`]: three of its processes.
//! - [`axe`]: what keeps people from using the page.
//! - [`storage`]: the origin's databases, read past tabraft.
//! - [`load`]: writes that go on while things are being killed, and the proof that none is lost.
//! - [`operations`]: reads and writes that go on, and their history for the judge.
//! - [`status`]: the shape of `tabraft.status()`, and what must be true of it.
//! - [`case`]: what a case is given, and what is kept when it fails.
//! - [`chance`]: chance from a seed.
//! - [`runner`]: picks the cases, runs them, prints how it went.
//! - [`wait`]: all waiting is for a condition, with a deadline.

pub mod axe;
pub mod browser;
pub mod build;
pub mod case;
pub mod chance;
pub mod etcd;
mod kind;
pub mod load;
pub mod operations;
pub mod page;
pub mod processes;
pub mod runner;
pub mod screen;
pub mod server;
pub mod status;
pub mod storage;
pub mod tab;
pub mod trace;
pub mod wait;
mod webkit;
