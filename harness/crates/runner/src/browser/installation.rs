//! Finds the browser on this host.

use std::path::PathBuf;
use std::sync::OnceLock;

use harness_model::scenario::model::Capability;
use reqwest::Url;

use crate::program_path::find_in_path;

const BROWSERS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const DRIVER: &str = "chromedriver";

const INSTALL: &str = "a browser: install chromium and chromedriver (Debian: apt-get install chromium chromium-driver), or use --webdriver URL";

static WEBDRIVER: OnceLock<Url> = OnceLock::new();

/// The address of a driver.
pub type DriverUrl = Url;

/// What drives the browser.
#[derive(Debug, Clone)]
pub(super) enum Installation {
    /// Programs on this host.
    Local { driver: PathBuf, browser: PathBuf },
    /// A driver that somebody else has started.
    Remote(Url),
}

/// Uses the driver at this URL instead of one on this host; called before any run.
pub fn use_webdriver(url: Url) {
    let _ = WEBDRIVER.set(url);
}

/// Returns why dashboards cannot be judged on this host, if they cannot.
pub fn lacking() -> Option<(Capability, String)> {
    installation().is_none().then(|| (Capability::Dashboard, INSTALL.to_owned()))
}

/// Returns what was found, the first time that it is asked.
pub(super) fn installation() -> Option<&'static Installation> {
    static FOUND: OnceLock<Option<Installation>> = OnceLock::new();
    FOUND.get_or_init(find).as_ref()
}

fn find() -> Option<Installation> {
    if let Some(url) = WEBDRIVER.get() {
        return Some(Installation::Remote(url.clone()));
    }
    let browser = BROWSERS.iter().find_map(find_in_path)?;
    Some(Installation::Local { driver: find_in_path(DRIVER)?, browser })
}
