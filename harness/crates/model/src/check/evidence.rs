//! What a step observed: the input of checks.

use std::time::Duration;

use serde_json::Value;

/// What a step observed when it was executed.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// HTTP exchanges; several in a race.
    Http(Vec<Exchange>),
    Process(ProcessResult),
    Wire(WireResult),
    /// The step has no response, as with `set`.
    Nothing,
}

/// An HTTP request and its response. May contain secrets, which are redacted in output.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    /// The complete URL.
    pub url: String,
    pub request_headers: Vec<(String, String)>,
    pub request_body: Option<String>,
    pub status: u16,
    /// The response headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The response body as text.
    pub body: String,
    /// The response body as JSON, if it is valid JSON.
    pub json: Option<Value>,
    /// The time from the first byte sent to the last byte received.
    pub took: Duration,
}

/// The result of an agent command or a shell command.
#[derive(Debug, Clone, Default)]
pub struct ProcessResult {
    /// The command line as typed in a shell, without the environment and its secrets.
    pub command: String,
    /// Whether it is a shell command.
    pub shell: bool,
    /// `None` while the process runs or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether the process is still running in the background.
    pub running: bool,
    pub stdout: String,
    pub stderr: String,
    /// The requests the machine made during the step, as `METHOD /path?query`; `None` if it is not observed.
    pub requests: Option<Vec<String>>,
    pub took: Duration,
}

/// What one of the kit's WireGuard peers did and observed.
#[derive(Debug, Clone, Default)]
pub struct WireResult {
    /// Such as `Probe: ping Linux-C`.
    pub command: String,
    /// The time until a handshake completed; `None` if none did.
    pub handshake: Option<Duration>,
    /// The time until the first reply from the machine's own address through the tunnel; `None` without a reply.
    pub pong: Option<Duration>,
    /// Why the peer could not try. Without an attempt, silence says nothing about the machine.
    pub untried: Option<String>,
    /// The observations as JSON: addresses, times, the number of rejected packets.
    pub json: Value,
    /// What was sent and received, one line each, without keys.
    pub seen: Vec<String>,
    pub took: Duration,
}
