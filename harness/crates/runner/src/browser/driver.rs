//! The driver of a run: started when it is first needed, stopped with everything that it started.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::exchange::{ClientSettings, build};

use super::endpoint::{Endpoint, LastWords};
use super::error::BrowserError;
use super::installation::{Installation, installation};
use super::session::Browser;
use super::traffic::LongPolls;

/// Sub-tests that use the browser at the same time. More take memory and gain nothing on a few cores.
const MAX_SESSIONS: usize = 3;
const START_LIMIT: Duration = Duration::from_secs(20);
/// Bounds a command of the driver, which itself bounds how long a page may load.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// Runs the driver in a process group of its own, and ends the group once the kit has closed its end of the pipe, however
/// the kit ends: neither driver nor browser nor their folder outlives it.
const GUARD: &str = r#"folder=$1; shift
"$@" &
trap '' TERM
read -r _
kill -TERM 0
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; rm -rf -- "$folder" 2>/dev/null && break; done
kill -KILL 0"#;

/// Flags with which Chromium runs as root, without a network, and asks nobody anything.
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
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--window-size=1280,960",
];

/// The browsers of a run.
#[derive(Debug)]
pub struct Browsers {
    driver: OnceCell<Driver>,
    places: Arc<Semaphore>,
    long_polls: LongPolls,
}

/// A driver that answers.
#[derive(Debug)]
struct Driver {
    url: Url,
    client: Client,
    browser: Option<String>,
    last_words: LastWords,
    _guard: Option<Guard>,
}

/// The process that ends the driver when this end of the pipe is closed.
#[derive(Debug)]
struct Guard {
    _pipe: Option<ChildStdin>,
    _child: Child,
    _folder: TempDir,
}

impl Default for Browsers {
    fn default() -> Self {
        Self {
            driver: OnceCell::new(),
            places: Arc::new(Semaphore::new(MAX_SESSIONS)),
            long_polls: LongPolls::default(),
        }
    }
}

impl Browsers {
    /// Opens a browser with an empty profile, once there is a place for it.
    ///
    /// # Errors
    /// There is no browser, or it does not start.
    pub async fn open(&self) -> Result<Browser, BrowserError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place: Option<OwnedSemaphorePermit> = place.ok();
        let driver = self.driver.get_or_try_init(Driver::start).await?;
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
        let endpoint = Endpoint {
            url: driver.url.clone(),
            client: driver.client.clone(),
            last_words: driver.last_words.clone(),
        };
        Browser::open(endpoint, capabilities, Arc::clone(&self.long_polls), place).await
    }
}

impl Driver {
    async fn start() -> Result<Self, BrowserError> {
        let found = installation()
            .ok_or_else(|| BrowserError::Missing(super::lacking().map(|(_, why)| why).unwrap_or_default()))?;
        match found {
            Installation::Remote(url) => Ok(Self {
                url: url.clone(),
                client: client(url)?,
                browser: None,
                last_words: LastWords::default(),
                _guard: None,
            }),
            Installation::Local { driver, browser } => {
                let program = driver.display().to_string();
                let launched = match launch(&program).await {
                    // On a busy machine the driver sometimes hangs while it looks for a port.
                    Err(BrowserError::NotReady { .. }) => launch(&program).await,
                    launched => launched,
                };
                let (port, last_words, guard) = launched?;
                let url = Url::parse(&format!("http://127.0.0.1:{port}/"));
                let url = url
                    .map_err(|cause| BrowserError::Start { program, cause: std::io::Error::other(cause) })?;
                let browser = Some(browser.display().to_string());
                Ok(Self { client: client(&url)?, url, browser, last_words, _guard: Some(guard) })
            }
        }
    }
}

fn client(url: &Url) -> Result<Client, BrowserError> {
    let settings = ClientSettings::plain(url.clone(), CONNECT_LIMIT, COMMAND_LIMIT);
    build(&settings, None)
        .map_err(|error| BrowserError::Died { cause: error.to_string(), last_words: String::new() })
}

/// Starts the driver on a free port.
async fn launch(program: &str) -> Result<(u16, LastWords, Guard), BrowserError> {
    let failed = |cause| BrowserError::Start { program: program.to_owned(), cause };
    let folder = tempfile::Builder::new().prefix("qz-browser-").tempdir().map_err(failed)?;
    let mut child = Command::new("sh")
        .args(["-c", GUARD, "sh"])
        .arg(folder.path())
        .args([program, "--port=0", "--log-level=SEVERE", "--enable-chrome-logs"])
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let last_words = LastWords::default();
    let (sender, mut port) = watch::channel(None);
    last_words.follow(child.stdout.take(), Some(sender));
    last_words.follow(child.stderr.take(), None);
    let pipe = child.stdin.take();
    let guard = Guard { _pipe: pipe, _child: child, _folder: folder };
    let found = timeout(START_LIMIT, port.wait_for(Option::is_some)).await;
    let found = found.ok().and_then(Result::ok).and_then(|port| *port);
    match found {
        Some(port) => Ok((port, last_words, guard)),
        None => Err(BrowserError::NotReady {
            program: program.to_owned(),
            limit: START_LIMIT,
            last_words: last_words.said(),
        }),
    }
}
