//! A step with a check that does not hold: what it did, what came, and what the reference answers to the same.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::StepRecord;
use harness_model::check::evidence::{Exchange, ProcessResult, WireResult};
use harness_model::scenario::model::Source;
use harness_model::source::diagnostic::line;

/// What is kept of a text, in bytes: an answer may have megabytes.
const LONGEST: usize = 64 * 1024;
/// Of a race, so many answers tell it all.
const MOST_EXCHANGES: usize = 8;

/// A step with a check that does not hold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FailedStep {
    /// Its name.
    pub name: String,
    /// `FILE:LINE` of the step.
    pub location: String,
    /// For which of the step's rows it was done, from 0.
    #[serde(default)]
    pub row: usize,
    /// What it exchanged; of a race the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeResult>,
    /// How many exchanges more there were at the same moment.
    #[serde(default)]
    pub more_exchanges: usize,
    /// The process that it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessRun>,
    /// What its WireGuard peer did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<WireRun>,
    /// A line that repeats it in a shell, secrets as variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// Its checks, as indexes into the sub-test's `checks`.
    pub checks: Vec<usize>,
    /// The same step on the embedded reference, if it was replayed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceStep>,
}

/// A request and its answer, secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeResult {
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
    /// The answer's headers.
    pub headers: Vec<(String, String)>,
    /// The answer's body; a long one is cut, with a last line that says so.
    pub body: String,
    /// From the first byte sent to the last received, in milliseconds.
    pub duration_ms: u64,
}

/// What a command of the agent, or a line in a machine's shell, did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessRun {
    /// The command line.
    pub command: String,
    /// The exit code; none while it runs or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether it is still running in the background.
    pub running: bool,
    /// Standard output; a long one is cut, with a last line that says so.
    pub stdout: String,
    /// Standard error, cut like that too.
    pub stderr: String,
    /// The requests that it made meanwhile, if the machine is observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What a WireGuard peer of the kit's own did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireRun {
    /// What it did.
    pub command: String,
    /// What was sent and heard, a line each, without keys.
    pub seen: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// The same step on the embedded reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceStep {
    /// Why it could not be done there; then nothing else is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether every check of the step holds there.
    #[serde(default)]
    pub holds: bool,
    /// What it exchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeResult>,
    /// The process that it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessRun>,
    /// What its WireGuard peer did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<WireRun>,
}

impl FailedStep {
    /// The step as results have it.
    pub fn of(step: &StepRecord, source: &Source) -> Self {
        Self {
            name: step.name.clone(),
            location: format!("{}:{}", source.path.display(), line(source, &step.span)),
            row: step.row,
            exchanges: ExchangeResult::first(&step.exchanges),
            more_exchanges: step.exchanges.len().saturating_sub(MOST_EXCHANGES),
            process: step.process.as_ref().map(ProcessRun::of),
            wire: step.wire.as_ref().map(WireRun::of),
            repeat: step.repeat.clone(),
            checks: step.checks.clone().collect(),
            reference: None,
        }
    }
}

impl ExchangeResult {
    /// The first few of a step's exchanges.
    pub fn first(exchanges: &[Exchange]) -> Vec<Self> {
        exchanges.iter().take(MOST_EXCHANGES).map(Self::of).collect()
    }

    fn of(exchange: &Exchange) -> Self {
        Self {
            method: exchange.method.clone(),
            url: exchange.url.clone(),
            request_headers: exchange.request_headers.clone(),
            request_body: exchange.request_body.as_deref().map(cut),
            status: exchange.status,
            headers: exchange.headers.clone(),
            body: cut(&exchange.body),
            duration_ms: milliseconds(exchange.took),
        }
    }
}

impl ProcessRun {
    /// The process as results have it.
    pub fn of(process: &ProcessResult) -> Self {
        Self {
            command: process.command.clone(),
            exit: process.exit,
            running: process.running,
            stdout: cut(&process.stdout),
            stderr: cut(&process.stderr),
            requests: process.requests.clone().unwrap_or_default(),
            duration_ms: milliseconds(process.took),
        }
    }
}

impl WireRun {
    /// What the peer did, as results have it.
    pub fn of(wire: &WireResult) -> Self {
        Self {
            command: wire.command.clone(),
            seen: wire.untried.iter().chain(&wire.seen).cloned().collect(),
            duration_ms: milliseconds(wire.took),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}\n… {} bytes more", text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_letters_and_says_so() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(LONGEST);
        let shown = cut(&format!("x{long}"));
        assert!(
            shown.starts_with("xä") && shown.ends_with(&format!("… {} bytes more", LONGEST + 2)),
            "{}",
            &shown[shown.len() - 40..]
        );
    }
}
