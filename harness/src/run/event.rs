//! The events of a run, from which alone reports are built.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::evidence::{Exchange, ProcessResult, WireResult};
use crate::check::outcome::Outcome;
use crate::plan::Plan;
use crate::run::recording::Recording;
use crate::scenario::model::{Scenario, Span};

pub use crate::step::Fault;
pub use crate::target::TargetDescription;

/// An event of a run. `subtest` is an index into the plan's runs ([`Plan::planned`]): each repetition of a sub-test has
/// its own.
#[derive(Debug, Clone)]
pub enum Event {
    Started {
        plan: Arc<Plan>,
        target: TargetDescription,
        at: SystemTime,
    },
    SubtestStarted {
        subtest: usize,
    },
    /// A step has ended and its checks have been judged.
    StepFinished {
        subtest: usize,
        /// The step's name, variables filled in and secrets redacted.
        name: String,
        /// The step's location in the scenario.
        span: Span,
        /// Its HTTP exchanges, secrets redacted.
        exchanges: Vec<Exchange>,
        /// The process that it ran, secrets redacted.
        process: Option<ProcessResult>,
        /// The result of its WireGuard peer, secrets redacted.
        wire: Option<Box<WireResult>>,
        /// A shell command that repeats it, secrets as variables.
        repeat: Option<String>,
        /// The outcomes of its checks, secrets redacted.
        outcomes: Vec<Outcome>,
        /// The step as evidence, if the run records evidence.
        recording: Option<Box<Recording>>,
    },
    /// Something on the target could not be cleaned up.
    CleanupFailed {
        subtest: usize,
        /// What is left, and why.
        message: String,
    },
    SubtestFinished {
        subtest: usize,
        verdict: SubtestVerdict,
        /// The reason for any verdict but a pass.
        reason: Option<String>,
        /// Where the fault for an error lies.
        fault: Option<Fault>,
        took: Duration,
    },
    /// The state of the target after the run; sent once, right before `Finished`.
    Settled {
        /// The run's id, which is the prefix of its names on a shared target.
        run_id: String,
        /// The number of requests that were retried because their connection failed.
        retries: u64,
        /// What is left on the target, apart from the sub-tests' own reports.
        leftovers: Vec<String>,
    },
    Finished {
        took: Duration,
        end: End,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The whole plan was executed.
    Complete,
    /// A user pressed Ctrl-C.
    Interrupted,
    /// The process was asked to terminate.
    Cancelled,
}

/// A sub-test's verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubtestVerdict {
    /// All checks passed.
    Pass,
    /// The target failed a check.
    Fail,
    /// It needs a capability that the target does not declare.
    Skip,
    /// The environment or the kit failed, so there is no verdict on the target.
    Error,
    /// It failed, and a waiver accepts the failure.
    Waived,
}

/// Receives the events of a run.
pub trait Listener: Send {
    fn hear(&mut self, event: &Event);
}

/// Returns the scenario of a sub-test.
pub fn scenario(plan: &Plan, subtest: usize) -> Option<&Arc<Scenario>> {
    plan.planned(subtest).map(|planned| &planned.scenario)
}
