//! What a step saw, as it is written down.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange, ProcessResult, WireResult};
use crate::judge::{Done, Undone};

/// What a step saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Saw {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<RecordedExchange>),
    /// A process.
    Process(RecordedProcess),
    /// What a WireGuard peer of the kit's own did and saw.
    Wire(RecordedWire),
    /// Nothing: the step leaves nothing to look at.
    Nothing,
    /// The step was not done.
    Undone(Undone),
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The request's headers, in order.
    pub request_headers: Vec<(String, String)>,
    /// The request's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// The status.
    pub status: u16,
    /// The answer's headers.
    pub headers: Vec<(String, String)>,
    /// The answer's body.
    pub body: String,
    /// That the bytes of the answer were no JSON although the text is (they were no UTF-8).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_json: bool,
    /// From the first byte sent to the last received, in nanoseconds.
    pub took_ns: u64,
}

/// What a command of the agent, or a line in a machine's shell, did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedProcess {
    /// The command line.
    pub command: String,
    /// Whether it is a shell's line rather than a command.
    pub shell: bool,
    /// The exit code; none while it runs or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether it is still running.
    pub running: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The requests it made, if the machine is observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<String>>,
    /// How long it took, in nanoseconds.
    pub took_ns: u64,
}

/// What a WireGuard peer of the kit's own did and saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedWire {
    /// What it did.
    pub command: String,
    /// When a handshake was completed, in nanoseconds from the beginning.
    pub handshake_ns: Option<u64>,
    /// When the first ping was answered, in nanoseconds.
    pub pong_ns: Option<u64>,
    /// Why it could not even try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untried: Option<String>,
    /// The same for programs.
    pub json: Value,
    /// What was sent and heard, a line each.
    pub seen: Vec<String>,
    /// How long it took, in nanoseconds.
    pub took_ns: u64,
}

impl Saw {
    /// As the checks look at it.
    pub fn done(&self) -> Done {
        Ok(match self {
            Self::Http(exchanges) => Evidence::Http(exchanges.iter().map(Exchange::from).collect()),
            Self::Process(process) => Evidence::Process(process.into()),
            Self::Wire(wire) => Evidence::Wire(wire.into()),
            Self::Nothing => Evidence::Nothing,
            Self::Undone(undone) => return Err(undone.clone()),
        })
    }

    /// As it is written down.
    pub(super) fn of(done: &Done) -> Self {
        match done {
            Ok(Evidence::Http(exchanges)) => {
                Self::Http(exchanges.iter().map(RecordedExchange::from).collect())
            }
            Ok(Evidence::Process(process)) => Self::Process(process.into()),
            Ok(Evidence::Wire(wire)) => Self::Wire(wire.into()),
            Ok(Evidence::Nothing) => Self::Nothing,
            Err(undone) => Self::Undone(undone.clone()),
        }
    }
}

impl From<&Exchange> for RecordedExchange {
    fn from(exchange: &Exchange) -> Self {
        let reads_as_json = || serde_json::from_str::<Value>(&exchange.body).is_ok();
        Self {
            method: exchange.method.clone(),
            url: exchange.url.clone(),
            request_headers: exchange.request_headers.clone(),
            request_body: exchange.request_body.clone(),
            status: exchange.status,
            headers: exchange.headers.clone(),
            body: exchange.body.clone(),
            not_json: exchange.json.is_none() && reads_as_json(),
            took_ns: nanoseconds(exchange.took),
        }
    }
}

impl From<&RecordedExchange> for Exchange {
    fn from(recorded: &RecordedExchange) -> Self {
        let json = (!recorded.not_json).then(|| serde_json::from_str(&recorded.body).ok()).flatten();
        Self {
            method: recorded.method.clone(),
            url: recorded.url.clone(),
            request_headers: recorded.request_headers.clone(),
            request_body: recorded.request_body.clone(),
            status: recorded.status,
            headers: recorded.headers.clone(),
            body: recorded.body.clone(),
            json,
            took: Duration::from_nanos(recorded.took_ns),
        }
    }
}

impl From<&ProcessResult> for RecordedProcess {
    fn from(process: &ProcessResult) -> Self {
        Self {
            command: process.command.clone(),
            shell: process.shell,
            exit: process.exit,
            running: process.running,
            stdout: process.stdout.clone(),
            stderr: process.stderr.clone(),
            requests: process.requests.clone(),
            took_ns: nanoseconds(process.took),
        }
    }
}

impl From<&RecordedProcess> for ProcessResult {
    fn from(recorded: &RecordedProcess) -> Self {
        Self {
            command: recorded.command.clone(),
            shell: recorded.shell,
            exit: recorded.exit,
            running: recorded.running,
            stdout: recorded.stdout.clone(),
            stderr: recorded.stderr.clone(),
            requests: recorded.requests.clone(),
            took: Duration::from_nanos(recorded.took_ns),
        }
    }
}

impl From<&WireResult> for RecordedWire {
    fn from(wire: &WireResult) -> Self {
        Self {
            command: wire.command.clone(),
            handshake_ns: wire.handshake.map(nanoseconds),
            pong_ns: wire.pong.map(nanoseconds),
            untried: wire.untried.clone(),
            json: wire.json.clone(),
            seen: wire.seen.clone(),
            took_ns: nanoseconds(wire.took),
        }
    }
}

impl From<&RecordedWire> for WireResult {
    fn from(recorded: &RecordedWire) -> Self {
        Self {
            command: recorded.command.clone(),
            handshake: recorded.handshake_ns.map(Duration::from_nanos),
            pong: recorded.pong_ns.map(Duration::from_nanos),
            untried: recorded.untried.clone(),
            json: recorded.json.clone(),
            seen: recorded.seen.clone(),
            took: Duration::from_nanos(recorded.took_ns),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
