use std::collections::BTreeSet;

use crate::requirement::StatementId;
use crate::source::Span;

use super::matcher::Matcher;
use super::template::Template;

/// A check of a step.
#[derive(Debug, Clone)]
pub struct Check {
    /// The statements it judges; never empty.
    pub verifies: Vec<StatementId>,
    pub quantity: Quantity,
    /// The check passes if all expectations of at least one alternative are met.
    pub alternatives: Vec<Vec<Expectation>>,
    /// The names of the variables that its expectations use.
    pub variables: BTreeSet<String>,
    pub span: Span,
}

/// A condition on a variable.
#[derive(Debug, Clone)]
pub struct Condition {
    pub variable: String,
    pub matcher: Matcher,
}

/// How many responses of a race must satisfy a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Each,
    Exactly(u32),
    AtLeast(u32),
    AtMost(u32),
}

/// A condition of a check.
#[derive(Debug, Clone)]
pub struct Expectation {
    pub subject: Subject,
    pub span: Span,
}

/// The observed property of an expectation, with the expected value.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The HTTP status, one of these.
    Status(Vec<u16>),
    /// A value in the JSON response or in JSON on standard output, at a JSON pointer or `rows/…`.
    Json(String, Matcher),
    /// The code or the message of a refusal.
    Refusal(RefusalPart, Matcher),
    Header(String, Matcher),
    Body(Matcher),
    Exit(ExitCode),
    Text(Stream, Matcher),
    Running(bool),
    /// Whether the process that an earlier step left running on the machine has ended by itself.
    Ended(bool),
    /// Requests that the observed machine made during this step, as `METHOD /path?query`.
    Requests(Vec<Template>),
    Handshake(bool),
    /// Whether the machine's own address answered a ping through the tunnel.
    Pong(bool),
    /// The text of a page.
    Page(Matcher),
    /// A row of a list on a page, by its values under these labels.
    Row(Vec<(String, Matcher)>),
    /// No such row.
    NoRow(Vec<(String, Matcher)>),
    /// Whether everything that the step says could be done on the page.
    Done(bool),
    Snapshot(String),
}

/// A part of a refusal, which a target may have at a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalPart {
    Code,
    Message,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitCode {
    OneOf(Vec<i32>),
    /// Any code other than 0.
    Failure,
}

/// An output stream of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
    /// Standard output followed by standard error.
    Output,
}
