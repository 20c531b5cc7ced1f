//! The browsers there are, and where each and its driver is found.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::webkit;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Chromium,
    Firefox,
    /// WebKitGTK's own small browser. Its profile does not outlive it.
    WebKit,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Chromium => "chromium",
            Kind::Firefox => "firefox",
            Kind::WebKit => "webkit",
        }
    }

    /// Why it cannot be tested here, if it cannot. WebKit is left out then, and no other.
    pub fn left_out(self) -> Option<String> {
        let found = self.driver().and(self.binary()).and(webkit::server());
        match self {
            Kind::WebKit => found.err().map(|error| format!("{error:#}")),
            Kind::Chromium | Kind::Firefox => None,
        }
    }

    pub(crate) fn binary(self) -> Result<PathBuf> {
        match self {
            Kind::Chromium => program(
                "CHROMIUM",
                &[
                    "chromium",
                    "chromium-browser",
                    "google-chrome",
                    "google-chrome-stable",
                ],
            ),
            Kind::Firefox => program("FIREFOX", &["firefox-esr", "firefox"]),
            Kind::WebKit => webkit::mini_browser(),
        }
    }

    pub(crate) fn driver(self) -> Result<PathBuf> {
        match self {
            Kind::Chromium => program("CHROMEDRIVER", &["chromedriver"]),
            Kind::Firefox => program("GECKODRIVER", &["geckodriver"]),
            Kind::WebKit => program("WEBKITDRIVER", &["WebKitWebDriver"]),
        }
    }
}

/// The path in the environment variable, or the first of `names` on PATH.
pub(crate) fn program(variable: &str, names: &[&str]) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|it| it.is_file())
    });
    found.with_context(|| format!("no {} on PATH: run `make setup`", names.join(" or ")))
}
