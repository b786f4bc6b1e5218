//! The driver of a run: started when it is first needed, stopped with everything that it started.

use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Url};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::exchange::{ClientSettings, build};

use super::endpoint::{Endpoint, LastWords};
use super::error::BrowserError;
use super::installation::{Installation, installation};

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

/// A driver that answers.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) endpoint: Endpoint,
    /// The browser's program; none for a driver that somebody else has started.
    pub(super) browser: Option<String>,
    _guard: Option<Guard>,
}

/// The process that ends the driver when this end of the pipe is closed.
#[derive(Debug)]
struct Guard {
    _pipe: Option<ChildStdin>,
    _child: Child,
    _folder: TempDir,
}

impl Driver {
    pub(super) async fn start() -> Result<Self, BrowserError> {
        let found = installation()
            .ok_or_else(|| BrowserError::Missing(super::lacking().map(|(_, why)| why).unwrap_or_default()))?;
        match found {
            Installation::Remote(url) => {
                let (client, last_words) = (client(url)?, LastWords::default());
                let endpoint = Endpoint { url: url.clone(), client, last_words };
                Ok(Self { endpoint, browser: None, _guard: None })
            }
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
                let endpoint = Endpoint { client: client(&url)?, url, last_words };
                Ok(Self { endpoint, browser, _guard: Some(guard) })
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
