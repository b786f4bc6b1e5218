//! Redacts secrets in evidence and outcomes.

use crate::check::evidence::{Exchange, ParsedBody, ProcessResult, WireResult};
use crate::check::header::Header;
use crate::check::outcome::{Outcome, Unevaluated};

use super::Secrets;

impl Secrets {
    /// Redacts every secret in an exchange.
    pub fn conceal_exchange(&self, exchange: &Exchange) -> Exchange {
        let headers = |headers: &[Header]| {
            headers.iter().map(|header| Header::new(&header.name, self.conceal(&header.value))).collect()
        };
        Exchange {
            method: exchange.method.clone(),
            url: self.conceal(&exchange.url),
            request_headers: headers(&exchange.request_headers),
            request_body: exchange.request_body.as_deref().map(|body| self.conceal(body)),
            status: exchange.status,
            headers: headers(&exchange.headers),
            body: self.conceal(&exchange.body),
            not_json: exchange.not_json,
            took: exchange.took,
            parsed: ParsedBody::default(),
        }
    }

    /// Redacts every secret in a process's result.
    pub fn conceal_process(&self, process: &ProcessResult) -> ProcessResult {
        ProcessResult {
            command: self.conceal(&process.command),
            stdout: self.conceal(&process.stdout),
            stderr: self.conceal(&process.stderr),
            requests: process
                .requests
                .as_ref()
                .map(|requests| requests.iter().map(|request| self.conceal(request)).collect()),
            ..process.clone()
        }
    }

    /// Redacts every secret in a WireGuard peer's result.
    pub fn conceal_wire(&self, result: &WireResult) -> WireResult {
        let json = self.conceal(&result.json.to_string());
        WireResult {
            command: self.conceal(&result.command),
            not_attempted: result.not_attempted.as_deref().map(|reason| self.conceal(reason)),
            json: serde_json::from_str(&json).unwrap_or_default(),
            seen: result.seen.iter().map(|line| self.conceal(line)).collect(),
            ..result.clone()
        }
    }

    /// Redacts every secret in an outcome.
    pub fn conceal_outcome(&self, outcome: &Outcome) -> Outcome {
        Outcome {
            expected: self.conceal(&outcome.expected),
            actual: self.conceal(&outcome.actual),
            message: self.conceal(&outcome.message),
            notes: outcome.notes.iter().map(|note| self.conceal(note)).collect(),
            seen: outcome.seen.iter().map(|line| self.conceal(line)).collect(),
            unevaluated: outcome
                .unevaluated
                .as_ref()
                .map(|found| Unevaluated { reason: self.conceal(&found.reason), ..found.clone() }),
            ..outcome.clone()
        }
    }
}
