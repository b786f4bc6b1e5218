//! The events of a run, from which alone reports are built.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::evidence::{Exchange, PageResult, ProcessResult, WireResult};
use crate::check::outcome::Outcome;
use crate::plan::Plan;
use crate::recording::Recording;
use crate::scenario::model::{Scenario, Span};
use crate::{nanoseconds, rfc3339};

pub use crate::target::TargetDescription;
pub use crate::verdict::{Fault, RunEnd, SubtestVerdict};

/// An event of a run. `subtest` is an index into the plan's runs ([`Plan::planned`]): each repetition of a sub-test has
/// its own.
#[derive(Debug, Clone)]
pub enum Event {
    Started {
        plan: Arc<Plan>,
        target: TargetDescription,
        at: SystemTime,
    },
    SubtestStarted(SubtestStarted),
    /// A step has ended and its checks have been judged.
    StepFinished {
        subtest: usize,
        /// The step's name, variables filled in and secrets redacted.
        name: String,
        /// The step's location in the scenario.
        span: Span,
        /// Its HTTP exchanges, secrets redacted. A run may leave them out, and the next three, if all checks hold.
        exchanges: Vec<Exchange>,
        /// The process that it ran, secrets redacted.
        process: Option<ProcessResult>,
        /// The result of its WireGuard peer, secrets redacted.
        wire: Option<Box<WireResult>>,
        /// What the browser saw, secrets redacted.
        page: Option<Box<PageResult>>,
        /// A shell command that repeats it, secrets as variables.
        repeat: Option<String>,
        /// The outcomes of its checks, secrets redacted.
        outcomes: Vec<Outcome>,
        /// The step as evidence, if the run records evidence.
        recording: Option<Box<Recording>>,
    },
    CleanupFailed(CleanupFailed),
    SubtestFinished(SubtestFinished),
    Settled(Settled),
    Finished(Finished),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtestStarted {
    pub subtest: usize,
    pub id: String,
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
}

/// Something on the target could not be cleaned up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanupFailed {
    pub subtest: usize,
    /// What is left, and why.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtestFinished {
    pub subtest: usize,
    pub verdict: SubtestVerdict,
    /// The reason for any verdict but a pass.
    pub reason: Option<String>,
    /// Where the fault for an error lies.
    pub fault: Option<Fault>,
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
    /// After a failure or an error, what its hosts have logged outside its steps, secrets redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<HostLog>,
}

/// The log of a host that a sub-test had to itself, such as a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostLog {
    pub host: String,
    /// The last lines.
    pub text: String,
}

/// The state of the target after the run; sent once, right before `Finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The run's id, which is the prefix of its names on a shared target.
    pub run_id: String,
    /// The number of requests that were retried because their connection failed.
    pub retries: u64,
    /// What is left on the target, apart from what the sub-tests report.
    pub leftovers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
    pub end: RunEnd,
}

/// Receives the events of a run.
pub trait Listener: Send {
    fn on_event(&mut self, event: &Event);
}

/// Forwards events to several listeners.
pub struct Listeners<'a>(pub Vec<&'a mut dyn Listener>);

impl Listener for Listeners<'_> {
    fn on_event(&mut self, event: &Event) {
        self.0.iter_mut().for_each(|listener| listener.on_event(event));
    }
}

/// Returns the scenario of a sub-test.
pub fn scenario(plan: &Plan, subtest: usize) -> Option<&Arc<Scenario>> {
    plan.planned(subtest).map(|planned| &planned.scenario)
}
