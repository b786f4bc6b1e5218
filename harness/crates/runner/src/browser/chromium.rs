//! A Chromium that runs, with the driver's session that controls it.

use reqwest::Method;
use serde_json::{Value, json};

use super::driver::Driver;
use super::endpoint::{Endpoint, first_line};
use super::error::BrowserError;
use super::profile::{Profile, Profiles};

/// Flags with which Chromium runs as root, without a network, and asks nobody anything. The popups below its address bar are
/// pages of their own in each window, two of them, and take half a second of CPU time.
const FLAGS: [&str; 17] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=Translate,MediaRouter,OptimizationHints,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,\
     WebUIOmniboxPopup",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--window-size=1280,960",
];

/// One Chromium, which is ended on drop.
#[derive(Debug)]
pub(super) struct Chromium {
    endpoint: Endpoint,
    pub(super) session: String,
    /// None for a driver elsewhere, whose Chromium listens on another host.
    pub(super) profiles: Option<Profiles>,
    has_ended: bool,
}

impl Chromium {
    pub(super) async fn start(driver: &Driver) -> Result<Self, BrowserError> {
        let mut options =
            json!({ "args": FLAGS, "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false } });
        if let (Some(browser), Some(options)) = (&driver.browser, options.as_object_mut()) {
            options.insert("binary".to_owned(), Value::String(browser.clone()));
        }
        let capabilities = json!({
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "performance": "ALL", "browser": "ALL" },
            "goog:chromeOptions": options,
        });
        let endpoint = driver.endpoint.clone();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = match endpoint.send(Method::POST, "session", Some(&body)).await {
            Err(BrowserError::Refused { error, message }) => {
                return Err(endpoint.died(&format!("{error}: {}", first_line(&message))));
            }
            opened => opened?,
        };
        let text = |pointer: &str| opened.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let session = text("/sessionId").to_owned();
        let mut chromium = Self { endpoint, session, profiles: None, has_ended: false };
        if driver.browser.is_some() {
            let address = text("/capabilities/goog:chromeOptions/debuggerAddress");
            let profiles = Profiles::connect(&chromium.endpoint.client, address).await;
            chromium.profiles = Some(profiles.map_err(|cause| chromium.endpoint.died(&cause))?);
        }
        Ok(chromium)
    }

    /// Creates a profile with one empty window. Returns none where the whole of Chromium is for one sub-test.
    pub(super) async fn create_profile(&mut self) -> Result<Option<Profile>, BrowserError> {
        let Some(profiles) = &mut self.profiles else { return Ok(None) };
        profiles.create().await.map(Some).map_err(|cause| self.endpoint.died(&cause))
    }

    /// Closes the windows of the profile, and removes all that it keeps.
    pub(super) async fn remove_profile(&mut self, profile: Profile) -> Result<(), BrowserError> {
        let Some(profiles) = &mut self.profiles else { return Ok(()) };
        profiles.remove(profile).await.map_err(|cause| self.endpoint.died(&cause))
    }

    pub(super) async fn command(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, BrowserError> {
        self.endpoint.send(method, &format!("session/{}/{path}", self.session), body).await
    }

    #[cfg(test)]
    pub(super) fn session_url(&self) -> reqwest::Url {
        self.endpoint.url.join(&self.session_path()).unwrap_or_else(|_| self.endpoint.url.clone())
    }

    pub(super) async fn end(mut self) {
        self.has_ended = true;
        let _ = self.endpoint.send(Method::DELETE, &self.session_path(), None).await;
    }

    fn session_path(&self) -> String {
        format!("session/{}", self.session)
    }
}

impl Drop for Chromium {
    /// A sub-test that was interrupted does not wait for the end; the driver ends with the run in any case.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let (endpoint, path) = (self.endpoint.clone(), self.session_path());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = endpoint.send(Method::DELETE, &path, None).await;
            });
        }
    }
}
