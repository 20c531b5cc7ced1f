//! Builds for a case to serve: copies of the release build with the collector in them and a number
//! of their own, as `web/finish.sh` gives it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::case::{dist, workspace};
use crate::server::{COLLECTOR, with_collector};

pub struct Build {
    pub folder: PathBuf,
    /// As its pages and its service worker say it.
    pub number: String,
}

impl Build {
    /// The release build, as a visitor gets it, in a new folder.
    pub fn first(folder: &Path) -> Result<Self> {
        copy(&dist(), folder)?;
        let page = fs::read(folder.join("index.html"))?;
        fs::write(
            folder.join("index.html"),
            with_collector(&page, "collector.js")?,
        )?;
        fs::write(folder.join("collector.js"), COLLECTOR)?;
        let loader = fs::read_to_string(folder.join("worker_loader.js"))?;
        fs::write(
            folder.join("worker_loader.js"),
            format!("{COLLECTOR}\n{loader}"),
        )?;
        Self::finished(folder)
    }

    /// Another one: its program's files have other names, and its page and its workers say that
    /// they are of `edition`.
    pub fn another(&self, folder: &Path, edition: &str) -> Result<Self> {
        copy(&self.folder, folder)?;
        let page = fs::read_to_string(folder.join("index.html"))?;
        let program = between(&page, "href=\"./app-", ".js\"")?;
        let renamed = format!("{program}{edition}");
        for end in [".js", "_bg.wasm"] {
            let from = folder.join(format!("app-{program}{end}"));
            fs::rename(from, folder.join(format!("app-{renamed}{end}")))?;
        }
        fs::write(
            folder.join("index.html"),
            page.replace(&format!("app-{program}"), &format!("app-{renamed}")),
        )?;
        for (name, says) in [
            (
                format!("app-{renamed}.js"),
                format!("window.edition = {edition:?};"),
            ),
            (
                "worker_loader.js".into(),
                format!("console.info(\"edition\", {edition:?});"),
            ),
        ] {
            let script = fs::read_to_string(folder.join(&name))?;
            fs::write(folder.join(&name), format!("{script}\n{says}\n"))?;
        }
        Self::finished(folder)
    }

    /// A build for development: no number in its page, and nothing in its `sw.js`.
    pub fn for_development(&self, folder: &Path) -> Result<PathBuf> {
        copy(&self.folder, folder)?;
        let page = fs::read_to_string(folder.join("index.html"))?;
        fs::write(folder.join("index.html"), numberless(&page)?)?;
        fs::copy(workspace().join("www/sw.js"), folder.join("sw.js"))?;
        Ok(folder.to_owned())
    }

    fn finished(folder: &Path) -> Result<Self> {
        let script = workspace().join("web/finish.sh");
        let finished = Command::new("sh").arg(script).arg(folder).status()?;
        ensure!(finished.success(), "web/finish.sh: {finished}");
        let page = fs::read_to_string(folder.join("index.html"))?;
        let number = between(&page, NUMBER, "\"")?.to_owned();
        ensure!(!number.is_empty(), "the build got no number");
        Ok(Self {
            folder: folder.to_owned(),
            number,
        })
    }
}

const NUMBER: &str = "<meta name=\"build\" content=\"";

/// The page without its build's number, as in development.
pub fn numberless(page: &str) -> Result<String> {
    let number = between(page, NUMBER, "\"")?;
    Ok(page.replace(&format!("{NUMBER}{number}"), NUMBER))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let found = text
        .split_once(before)
        .and_then(|(_, it)| it.split_once(after));
    let (found, _) = found.with_context(|| format!("nothing between {before:?} and {after:?}"))?;
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
