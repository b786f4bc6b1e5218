//! Redacts secrets in evidence and outcomes, and learns them from evidence.

mod learning;

use crate::check::evidence::{
    Exchange, PageNode, PageRequest, PageResult, ParsedBody, ProcessResult, WireResult,
};
use crate::check::header::Header;
use crate::check::outcome::{Outcome, Unevaluated};

use crate::secret::Secrets;
use crate::text::foreign::shown;

/// Bytes kept of a body, an output or a value, which may have megabytes.
const MAX_TEXT_LEN: usize = 64 * 1024;
/// Bytes kept of a message or a URL.
const MAX_LINE_LEN: usize = 8 * 1024;

impl Secrets {
    /// Redacts every secret in an exchange.
    pub fn conceal_exchange(&self, exchange: &Exchange) -> Exchange {
        let headers = |headers: &[Header]| headers.iter().map(|header| self.conceal_header(header)).collect();
        Exchange {
            method: self.conceal(&exchange.method),
            url: self.conceal_long(&exchange.url, MAX_LINE_LEN),
            request_headers: headers(&exchange.request_headers),
            request_body: exchange.request_body.as_deref().map(|body| self.conceal_long(body, MAX_TEXT_LEN)),
            status: exchange.status,
            headers: headers(&exchange.headers),
            arrived: exchange.arrived.clone(),
            body: self.conceal_long(&exchange.body, MAX_TEXT_LEN),
            not_json: exchange.not_json,
            took: exchange.took,
            parsed: ParsedBody::default(),
        }
    }

    /// Redacts every secret in a process's result.
    pub fn conceal_process(&self, process: &ProcessResult) -> ProcessResult {
        ProcessResult {
            command: self.conceal(&process.command),
            stdout: self.conceal_long(&process.stdout, MAX_TEXT_LEN),
            stderr: self.conceal_long(&process.stderr, MAX_TEXT_LEN),
            requests: process
                .requests
                .as_ref()
                .map(|requests| requests.iter().map(|request| self.conceal(request)).collect()),
            ended_by_kit: process.ended_by_kit.as_deref().map(|reason| self.conceal(reason)),
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

    /// Redacts every secret in what the browser saw.
    pub fn conceal_page(&self, page: &PageResult) -> PageResult {
        let node = |node: &PageNode| PageNode {
            name: self.conceal(&node.name),
            value: node.value.as_deref().map(|value| self.conceal(value)),
            ..node.clone()
        };
        let request = |request: &PageRequest| PageRequest {
            url: self.conceal_long(&request.url, MAX_LINE_LEN),
            body: request.body.as_deref().map(|body| self.conceal_long(body, MAX_TEXT_LEN)),
            ..request.clone()
        };
        PageResult {
            command: self.conceal(&page.command),
            problem: page.problem.as_deref().map(|problem| self.conceal(problem)),
            path: self.conceal(&page.path),
            title: self.conceal(&page.title),
            nodes: page.nodes.iter().map(node).collect(),
            requests: page.requests.iter().map(request).collect(),
            storage: page.storage.iter().map(|(name, value)| (name.clone(), self.conceal(value))).collect(),
            console: page.console.iter().map(|line| self.conceal(line)).collect(),
            ..page.clone()
        }
    }

    /// Redacts the secrets in a header, whose value is one as a whole if its name says so.
    pub fn conceal_header(&self, header: &Header) -> Header {
        let Header { name, value } = header;
        Header::new(shown(name), self.conceal_value(name, value))
    }

    /// Redacts every secret in an outcome.
    pub fn conceal_outcome(&self, outcome: Outcome) -> Outcome {
        let expected = self.conceal_long(&outcome.expected, MAX_TEXT_LEN);
        let unevaluated = |found: Unevaluated| Unevaluated { reason: self.conceal(&found.reason), ..found };
        Outcome {
            // Of a check that holds both are the same.
            message: match outcome.message == outcome.expected && expected.len() <= MAX_LINE_LEN {
                true => expected.clone(),
                false => self.conceal_long(&outcome.message, MAX_LINE_LEN),
            },
            expected,
            actual: self.conceal_long(&outcome.actual, MAX_TEXT_LEN),
            notes: outcome.notes.iter().map(|note| self.conceal_long(note, MAX_LINE_LEN)).collect(),
            seen: outcome.seen.iter().map(|line| self.conceal(line)).collect(),
            unevaluated: outcome.unevaluated.map(unevaluated),
            ..outcome
        }
    }
}
