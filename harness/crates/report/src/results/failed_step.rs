//! A failed step: its exchanges or process, and the reference's response to the same.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::StepRecord;
use harness_model::check::evidence::{Exchange, PageResult, ProcessResult, WireResult};
use harness_model::check::header::Header;
use harness_model::check::page::outline;
use harness_model::source::{Location, Source};

/// Bytes kept of a body or an output, which may have megabytes.
const MAX_TEXT_LEN: usize = 64 * 1024;
/// Exchanges kept of a race.
const MAX_EXCHANGES: usize = 8;

/// A step with a failed check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FailedStep {
    pub name: String,
    /// The first line of the step, as `FILE:LINE`.
    pub location: Location,
    /// The row of the step it ran for, from 0.
    #[serde(default)]
    pub row: usize,
    /// Its HTTP exchanges; of a race the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeResult>,
    /// How many further exchanges of a race were omitted.
    #[serde(default)]
    pub more_exchanges: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<WireRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageRun>,
    /// A shell line that repeats it, with secrets as variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// The indexes of its checks in the sub-test's `checks`.
    pub checks: Vec<usize>,
    /// The same step on the embedded reference, if it was replayed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceStep>,
}

/// A request and its response, with secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeResult {
    pub method: String,
    pub url: String,
    pub request_headers: Vec<Header>,
    pub request_body: Option<String>,
    pub status: u16,
    /// The response headers.
    pub headers: Vec<Header>,
    /// The response body; a long one is truncated, with a last line that says so.
    pub body: String,
    /// Milliseconds from the first byte sent to the last one received.
    pub duration_ms: u64,
}

/// An agent command or a shell line on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessRun {
    pub command: String,
    /// The exit code; null while it runs or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether it still runs in the background.
    pub running: bool,
    /// Standard output; a long one is truncated, with a last line that says so.
    pub stdout: String,
    /// Standard error, truncated likewise.
    pub stderr: String,
    /// The requests it made, if the machine is observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// The duration in milliseconds.
    pub duration_ms: u64,
}

/// A command of the kit's own WireGuard peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireRun {
    pub command: String,
    /// The packets sent and received, one line each, without keys.
    pub seen: Vec<String>,
    /// The duration in milliseconds.
    pub duration_ms: u64,
}

/// What the kit's browser did and saw in the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageRun {
    /// What was done.
    pub command: String,
    /// The accessible tree, the requests and the console, one line each.
    pub seen: Vec<String>,
    /// A picture of the page (PNG, Base64), taken after secrets on it were replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The duration in milliseconds.
    pub duration_ms: u64,
}

/// The same step on the embedded reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceStep {
    /// Why it could not run there; then the other fields are empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether every check of the step passed there.
    #[serde(default)]
    pub holds: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<WireRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageRun>,
}

impl FailedStep {
    pub fn of(step: &StepRecord, source: &Source) -> Self {
        Self {
            name: step.name.clone(),
            location: source.location(&step.span),
            row: step.row,
            exchanges: ExchangeResult::first(&step.exchanges),
            more_exchanges: step.exchanges.len().saturating_sub(MAX_EXCHANGES),
            process: step.process.as_ref().map(ProcessRun::of),
            wire: step.wire.as_ref().map(WireRun::of),
            page: step.page.as_deref().map(PageRun::of),
            repeat: step.repeat.clone(),
            checks: step.checks.clone().collect(),
            reference: None,
        }
    }
}

impl ExchangeResult {
    /// Converts the first `MAX_EXCHANGES` exchanges of a step.
    pub fn first(exchanges: &[Exchange]) -> Vec<Self> {
        exchanges.iter().take(MAX_EXCHANGES).map(Self::of).collect()
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
    pub fn of(wire: &WireResult) -> Self {
        Self {
            command: wire.command.clone(),
            seen: wire.not_attempted.iter().chain(&wire.seen).cloned().collect(),
            duration_ms: milliseconds(wire.took),
        }
    }
}

impl PageRun {
    pub fn of(page: &PageResult) -> Self {
        Self {
            command: page.command.clone(),
            seen: outline(page),
            picture: page.picture.clone(),
            duration_ms: milliseconds(page.took),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT_LEN {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT_LEN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}\n… {} bytes more", text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_truncated_at_a_char_boundary() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(MAX_TEXT_LEN);
        let shown = cut(&format!("x{long}"));
        assert!(
            shown.starts_with("xä") && shown.ends_with(&format!("… {} bytes more", MAX_TEXT_LEN + 2)),
            "{}",
            &shown[shown.len() - 40..]
        );
    }
}
