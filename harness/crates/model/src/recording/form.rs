//! The serialised form of a step's evidence.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange, ProcessResult, WireResult};
use crate::judge::{Done, Undone};

/// The evidence of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Saw {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<RecordedExchange>),
    Process(RecordedProcess),
    /// The result of the kit's own WireGuard peer.
    Wire(RecordedWire),
    /// The step has no evidence.
    Nothing,
    /// The step was not carried out.
    Undone(Undone),
}

/// A request and its response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// `GET`, `POST`, …
    pub method: String,
    pub url: String,
    /// In order.
    pub request_headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Whether the body's bytes were not JSON although the text is, because they were not UTF-8.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_json: bool,
    /// From the first byte sent to the last received.
    pub took_ns: u64,
}

/// The result of a command of the agent, or of a `shell` step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedProcess {
    pub command: String,
    /// Whether it is the line of a `shell` step.
    pub shell: bool,
    /// The exit code; null while it runs, or if a signal ended it.
    pub exit: Option<i32>,
    pub running: bool,
    pub stdout: String,
    pub stderr: String,
    /// Its requests, if the machine is observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<String>>,
    pub took_ns: u64,
}

/// The result of the kit's own WireGuard peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedWire {
    pub command: String,
    /// When the handshake was completed, from the beginning.
    pub handshake_ns: Option<u64>,
    /// The round-trip time of the first answered ping.
    pub pong_ns: Option<u64>,
    /// Why nothing was attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untried: Option<String>,
    /// The result for JSON pointers.
    pub json: Value,
    /// The transcript.
    pub seen: Vec<String>,
    pub took_ns: u64,
}

impl Saw {
    /// Converts to the form that checks evaluate.
    pub fn done(&self) -> Done {
        Ok(match self {
            Self::Http(exchanges) => Evidence::Http(exchanges.iter().map(Exchange::from).collect()),
            Self::Process(process) => Evidence::Process(process.into()),
            Self::Wire(wire) => Evidence::Wire(wire.into()),
            Self::Nothing => Evidence::Nothing,
            Self::Undone(undone) => return Err(undone.clone()),
        })
    }

    /// Converts to the serialised form.
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
