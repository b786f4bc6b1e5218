//! What a step saw, as the checks look at it.

use std::time::Duration;

use serde_json::Value;

/// What one execution of a step brought; a race brings one a contestant.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<Exchange>),
    /// A process.
    Process(ProcessResult),
    /// What a WireGuard peer of the kit's own did and saw.
    Wire(WireResult),
    /// A step that leaves nothing to look at.
    Nothing,
}

/// A request and its answer, with secrets still in them: they are redacted where they are shown.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The request's headers, in order.
    pub request_headers: Vec<(String, String)>,
    /// The request's body.
    pub request_body: Option<String>,
    /// The status.
    pub status: u16,
    /// The answer's headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The answer's body as text.
    pub body: String,
    /// The answer's body as JSON, if it is JSON.
    pub json: Option<Value>,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

/// What a command of the agent, or a line in a machine's shell, did.
#[derive(Debug, Clone, Default)]
pub struct ProcessResult {
    /// The command line as a person would type it, without secrets in the environment.
    pub command: String,
    /// Whether it is a shell's line rather than a command.
    pub shell: bool,
    /// The exit code; none while it runs or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether it is still running in the background.
    pub running: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The requests it made meanwhile, `METHOD /path?query`, if the machine is observed.
    pub requests: Option<Vec<String>>,
    /// How long it took.
    pub took: Duration,
}

/// What a WireGuard peer of the kit's own did and saw.
#[derive(Debug, Clone, Default)]
pub struct WireResult {
    /// What it did, such as `Probe: ping Linux-C`.
    pub command: String,
    /// When a handshake was completed, from the beginning; none if none was.
    pub handshake: Option<Duration>,
    /// How long the first answer took that came from the machine's own address through the tunnel; none if none came.
    pub pong: Option<Duration>,
    /// Why it could not even try: then its silence says nothing about the machine's.
    pub untried: Option<String>,
    /// The same for programs: addresses, times, how many packets were refused.
    pub json: Value,
    /// What was sent and heard, a line each, without keys.
    pub seen: Vec<String>,
    /// How long it took.
    pub took: Duration,
}
