//! axe-core, which finds what keeps people from using a page: injected into a tab, and asked.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::tab::Tab;

/// A rule of axe-core that the page breaks.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    pub id: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: Option<String>,
    pub help: String,
    /// Each element that breaks it, with what is wrong there.
    pub places: Vec<String>,
}

impl Violation {
    pub fn is_serious(&self) -> bool {
        matches!(self.impact.as_deref(), Some("serious" | "critical"))
    }
}

/// Where `web/setup.sh test` puts it; `AXE` is another place.
fn path() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("AXE") {
        return Ok(path.into());
    }
    let share = match std::env::var_os("XDG_DATA_HOME") {
        Some(share) => PathBuf::from(share),
        None => {
            let home = std::env::var_os("HOME").context("no HOME")?;
            PathBuf::from(home).join(".local/share")
        }
    };
    Ok(share.join("tabraft/axe-core/node_modules/axe-core/axe.min.js"))
}

impl Tab {
    /// Gives the page axe-core, until it is loaded anew.
    pub async fn bring_axe(&self) -> Result<()> {
        let path = path()?;
        let source = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "axe-core is not at {}: `web/setup.sh test` brings it",
                path.display()
            )
        })?;
        let driver = self.browser.driver_at(&self.window).await?;
        driver
            .execute(source, vec![])
            .await
            .context("giving axe-core to the page")?;
        Ok(())
    }

    /// What axe-core finds on the page as it is now.
    pub async fn violations(&self) -> Result<Vec<Violation>> {
        let look = "const { violations } = await axe.run(document, { resultTypes: ['violations'] });\
                    return violations.map(({ id, impact, help, nodes }) => ({\
                        id, impact, help,\
                        places: nodes.map((it) => `${it.target.join(' ')}: ${it.failureSummary}`),\
                    }))";
        self.eval(look, Value::Null).await
    }
}
