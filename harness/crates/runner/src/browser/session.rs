//! A browser with a profile of its own: the commands of WebDriver that the kit uses.

use std::time::{Duration, Instant};

use base64::Engine as _;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::chromium::Chromium;
use super::endpoint::first_line;
use super::error::BrowserError;
use super::idle::Idle;
use super::obstacle::Obstacle;
use super::profile::Profile;
use super::traffic::{LongPolls, Seen, Traffic};
use super::tree::{self, Element};

/// What WebDriver calls a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What changes when the document does.
const STATE: &str = "document.readyState + document.documentElement.outerHTML.length";
/// How often a page is loaded again that the network of this host did not let load.
const MAX_RELOADS: usize = 5;
/// The pause between two looks at a page.
const PAUSE: Duration = Duration::from_millis(30);
/// Requests that take longer than this do not keep a page from being quiet: they may wait for news.
const LONG_POLL: Duration = Duration::from_millis(1500);

/// A browser in which a user of one sub-test works, with a profile that nobody has used before.
#[derive(Debug)]
pub struct Browser {
    chromium: Chromium,
    /// None where the whole browser is the sub-test's.
    profile: Option<Profile>,
    pub(super) traffic: Traffic,
    page_load: Option<Duration>,
    /// Whether another sub-test may use Chromium after this one.
    is_sound: bool,
    idle: Idle,
    place: Option<OwnedSemaphorePermit>,
}

impl Browser {
    /// Opens a new window of a new profile.
    pub(super) async fn open(
        mut chromium: Chromium,
        idle: Idle,
        long_polls: LongPolls,
    ) -> Result<Self, BrowserError> {
        let profile = chromium.create_profile().await?;
        let traffic = Traffic::new(long_polls);
        let mut browser =
            Self { chromium, profile, traffic, page_load: None, is_sound: true, idle, place: None };
        if let Some(profile) = &browser.profile {
            let window = json!({ "handle": profile.window });
            browser.post("window", window).await?;
            // The driver may remember something of the window before.
            browser.begin().await?;
            browser.traffic.forget();
        }
        Ok(browser)
    }

    /// Which Chromium it is.
    #[cfg(test)]
    pub(super) fn chromium(&self) -> String {
        self.chromium.session.clone()
    }

    #[cfg(test)]
    pub(super) fn session_url(&self) -> Url {
        self.chromium.session_url()
    }

    /// Sends a command to Chromium itself.
    #[cfg(test)]
    pub(super) async fn devtools(&mut self, command: &'static str, parameters: Value) -> bool {
        let Some(profiles) = &mut self.chromium.profiles else { return false };
        profiles.command(command, parameters).await.is_ok()
    }

    #[cfg(test)]
    pub(super) fn context(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| profile.context.as_str())
    }

    #[cfg(test)]
    pub(super) async fn windows(&mut self) -> Vec<Value> {
        let windows = self.command(Method::GET, "window/handles", None).await.unwrap_or_default();
        windows.as_array().cloned().unwrap_or_default()
    }

    /// Takes over the place, which is free again once the profile has been removed.
    pub(super) fn keep(&mut self, place: Option<OwnedSemaphorePermit>) {
        self.place = place;
    }

    /// Loads a page. A page that does not load in time is no error here: what there is of it is looked at.
    ///
    /// # Errors
    /// The browser has died, the address is none, or an earlier act of the step was cut short by the network of this host.
    pub async fn open_page(
        &mut self,
        url: &Url,
        limit: Duration,
    ) -> Result<Result<(), Obstacle>, BrowserError> {
        self.load("url", json!({ "url": url.as_str() }), limit).await
    }

    /// # Errors
    /// The browser has died, or an earlier act of the step was cut short by the network of this host.
    pub async fn reload(&mut self, limit: Duration) -> Result<Result<(), Obstacle>, BrowserError> {
        self.load("refresh", json!({}), limit).await
    }

    /// # Errors
    /// The browser has died, or an earlier act of the step was cut short by the network of this host.
    pub async fn back(&mut self, limit: Duration) -> Result<Result<(), Obstacle>, BrowserError> {
        self.load("back", json!({}), limit).await
    }

    /// Returns the address of the page.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn location(&mut self) -> Result<String, BrowserError> {
        Ok(self.evaluate("location.href").await?.as_str().unwrap_or_default().to_owned())
    }

    /// Reads the accessible tree.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn tree(&mut self) -> Result<Vec<Element>, BrowserError> {
        let tree = self.cdp("Accessibility.getFullAXTree", json!({})).await?;
        Ok(tree::read(&tree))
    }

    /// Waits until the page has loaded, its requests are answered and its document stays as it is, at most for `limit`.
    /// Returns the tree.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn quiet(&mut self, limit: Duration) -> Result<Vec<Element>, BrowserError> {
        let deadline = Instant::now() + limit;
        let mut before = Value::Null;
        loop {
            let state = match self.evaluate(STATE).await {
                Ok(state) => state,
                // What the page asks must be answered before anything else.
                Err(error) if error.is_question() => return Ok(Vec::new()),
                // Between two pages there is no document.
                Err(error) if error.is_of_page() => Value::Null,
                Err(error) => return Err(error),
            };
            self.listen().await?;
            let is_still = state == before && state.is_string() && !self.traffic.is_busy(LONG_POLL);
            if is_still || Instant::now() >= deadline {
                return match self.tree().await {
                    Err(error) if error.is_of_page() => Ok(Vec::new()),
                    tree => tree,
                };
            }
            // A document that is still loading is not compared.
            before = if state.as_str().is_some_and(|state| state.starts_with("complete")) {
                state
            } else {
                Value::Null
            };
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes over what the page has requested and printed since the last time.
    pub(super) async fn listen(&mut self) -> Result<(), BrowserError> {
        let log = self.post("se/log", json!({ "type": "performance" })).await;
        match log {
            Ok(log) => self.traffic.hear(&log),
            Err(error) if error.is_of_page() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes over what the page has printed since the last time.
    pub(super) async fn listen_to_console(&mut self) -> Result<(), BrowserError> {
        match self.post("se/log", json!({ "type": "browser" })).await {
            Ok(log) => self.traffic.hear_console(&log),
            Err(error) if error.is_of_page() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Returns the text of the question that the page asks (`alert`, `confirm`), if it asks one.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn question(&mut self) -> Result<Option<String>, BrowserError> {
        match self.command(Method::GET, "alert/text", None).await {
            Ok(text) => Ok(text.as_str().map(str::to_owned)),
            Err(error) if error.is_of_page() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Answers the question with yes.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn accept(&mut self) -> Result<(), BrowserError> {
        of_page(self.post("alert/accept", json!({})).await.map(drop)).map(drop)
    }

    /// Clicks an element as a user does: it is scrolled to, and must not be covered.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn click(&mut self, element: &Element) -> Result<Result<(), Obstacle>, BrowserError> {
        let id = match self.reference(element).await? {
            Ok(id) => id,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        of_page(self.post(&format!("element/{id}/click"), json!({})).await.map(drop))
    }

    /// Replaces what a text field contains, by typing.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn type_into(
        &mut self,
        element: &Element,
        text: &str,
    ) -> Result<Result<(), Obstacle>, BrowserError> {
        let id = match self.reference(element).await? {
            Ok(id) => id,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        if let Err(obstacle) = of_page(self.post(&format!("element/{id}/clear"), json!({})).await.map(drop))?
        {
            return Ok(Err(obstacle));
        }
        of_page(self.post(&format!("element/{id}/value"), json!({ "text": text })).await.map(drop))
    }

    /// Calls a function with the element as `this`.
    ///
    /// # Errors
    /// The browser has died, or the element is gone.
    pub(super) async fn call(
        &mut self,
        element: &Element,
        function: &str,
        arguments: &[&str],
    ) -> Result<Value, BrowserError> {
        let found = self.cdp("DOM.resolveNode", json!({ "backendNodeId": element.backend })).await?;
        let object = found.pointer("/object/objectId").cloned().unwrap_or_default();
        let arguments: Vec<Value> = arguments.iter().map(|text| json!({ "value": text })).collect();
        let call = json!({
            "objectId": object,
            "functionDeclaration": function,
            "arguments": arguments,
            "returnByValue": true,
        });
        Ok(returned(&self.cdp("Runtime.callFunctionOn", call).await?))
    }

    /// Evaluates an expression in the page.
    ///
    /// # Errors
    /// The browser has died, or the page refuses.
    pub async fn evaluate(&mut self, expression: &str) -> Result<Value, BrowserError> {
        let call = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        Ok(returned(&self.cdp("Runtime.evaluate", call).await?))
    }

    /// Like [`Browser::evaluate`]; null where the page refuses, as on an error page of the browser's own.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn evaluate_or_null(&mut self, expression: &str) -> Result<Value, BrowserError> {
        match self.evaluate(expression).await {
            Err(error) if error.is_of_page() => Ok(Value::Null),
            other => other,
        }
    }

    /// Takes note of paths whose requests wait for news.
    pub fn expect_long_polls(&mut self, paths: &[String]) {
        self.traffic.expect_long_polls(paths);
    }

    /// Forgets what the page has requested and printed, as a step begins.
    ///
    /// # Errors
    /// The browser has died.
    pub async fn begin(&mut self) -> Result<(), BrowserError> {
        self.listen().await?;
        self.listen_to_console().await?;
        self.traffic.begin();
        Ok(())
    }

    /// Returns what the page has requested and printed since the step began.
    ///
    /// # Errors
    /// The browser has died, or the page was not answered because the network of this host changed.
    pub async fn seen(&mut self) -> Result<Seen, BrowserError> {
        self.listen().await?;
        self.listen_to_console().await?;
        if self.traffic.is_cut_short() {
            return Err(BrowserError::NetworkChanged);
        }
        Ok(self.traffic.seen())
    }

    /// Whether the page awaits a response.
    pub fn is_busy(&self) -> bool {
        self.traffic.is_busy(LONG_POLL)
    }

    /// Takes a picture of what is visible (PNG).
    pub(super) async fn screenshot(&mut self) -> Result<Option<Vec<u8>>, BrowserError> {
        match self.command(Method::GET, "screenshot", None).await {
            Ok(picture) => {
                let text = picture.as_str().unwrap_or_default();
                Ok(base64::engine::general_purpose::STANDARD.decode(text).ok())
            }
            Err(error) if error.is_of_page() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the profile, and leaves Chromium to another sub-test. Where it cannot be removed, Chromium is ended.
    pub async fn close(self) {
        let Self { mut chromium, profile, is_sound, idle, place, .. } = self;
        let is_clean = match profile {
            Some(profile) if is_sound => chromium.remove_profile(profile).await.is_ok(),
            _ => false,
        };
        if is_clean {
            idle.put(chromium);
        } else {
            chromium.end().await;
        }
        drop(place);
    }

    /// Returns WebDriver's reference to an element of the tree.
    async fn reference(&mut self, element: &Element) -> Result<Result<String, Obstacle>, BrowserError> {
        let mark = "function () { globalThis[Symbol.for('harness')] = this; }";
        if let Err(error) = self.call(element, mark, &[]).await {
            return of_page::<String>(Err(error));
        }
        let script = "const found = globalThis[Symbol.for('harness')]; delete globalThis[Symbol.for('harness')]; return found;";
        let found = of_page(self.post("execute/sync", json!({ "script": script, "args": [] })).await)?;
        Ok(found.and_then(|found| {
            let id = found.get(ELEMENT).and_then(Value::as_str);
            id.map(str::to_owned).ok_or(Obstacle::Gone)
        }))
    }

    /// Loads a page by this command, and reloads it if the network of this host changed meanwhile.
    async fn load(
        &mut self,
        command: &str,
        body: Value,
        limit: Duration,
    ) -> Result<Result<(), Obstacle>, BrowserError> {
        self.limit_loading(limit).await?;
        self.listen().await?;
        // Of an earlier act of the step, which a page that is loaded again does not repeat.
        if self.traffic.is_cut_short() {
            return Err(BrowserError::NetworkChanged);
        }
        let mut loaded = of_page(self.post(command, body).await.map(drop))?;
        for _ in 0..MAX_RELOADS {
            self.listen().await?;
            if !self.traffic.take_cut_short() {
                return Ok(loaded);
            }
            loaded = of_page(self.post("refresh", json!({})).await.map(drop))?;
        }
        // If the last attempt was cut short as well, so is the step.
        Ok(loaded)
    }

    async fn limit_loading(&mut self, limit: Duration) -> Result<(), BrowserError> {
        if self.page_load == Some(limit) {
            return Ok(());
        }
        let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.post("timeouts", json!({ "pageLoad": milliseconds, "script": milliseconds })).await?;
        self.page_load = Some(limit);
        Ok(())
    }

    pub(super) async fn cdp(&mut self, command: &str, parameters: Value) -> Result<Value, BrowserError> {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    pub(super) async fn post(&mut self, path: &str, body: Value) -> Result<Value, BrowserError> {
        self.command(Method::POST, path, Some(&body)).await
    }

    async fn command(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, BrowserError> {
        let answer = self.chromium.command(method, path, body).await;
        self.is_sound &= !matches!(answer, Err(BrowserError::Died { .. }));
        answer
    }
}

/// Tells what is the page's doing from a browser that has died.
fn of_page<T>(result: Result<T, BrowserError>) -> Result<Result<T, Obstacle>, BrowserError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        // A question that the page asks has done no harm: the click was made.
        Err(BrowserError::Refused { error, message }) => {
            Ok(Err(Obstacle::Refused { error, message: first_line(&message).to_owned() }))
        }
        Err(error) => Err(error),
    }
}

fn returned(answer: &Value) -> Value {
    answer.pointer("/result/value").cloned().unwrap_or_default()
}
