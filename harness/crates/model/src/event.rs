//! What a run tells while it goes on. Reports are made from these alone.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::evidence::{Exchange, ProcessResult, WireResult};
use crate::check::outcome::Outcome;
use crate::plan::Plan;
use crate::recording::Recording;
use crate::scenario::model::{Scenario, Span};

pub use crate::target::TargetDescription;
pub use crate::verdict::{End, Fault, SubtestVerdict};

/// One thing that happened. `subtest` is a run of the plan ([`Plan::planned`]): where sub-tests are repeated each
/// repetition has its own.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins.
    Started {
        /// What will run.
        plan: Arc<Plan>,
        /// What it runs against.
        target: TargetDescription,
        /// When.
        at: SystemTime,
    },
    /// A sub-test begins.
    SubtestStarted {
        /// Which.
        subtest: usize,
    },
    /// A step ended, its checks judged.
    StepFinished {
        /// Which sub-test.
        subtest: usize,
        /// The step's name, variables filled in and secrets redacted.
        name: String,
        /// Where the step stands in the scenario.
        span: Span,
        /// What it exchanged, secrets redacted.
        exchanges: Vec<Exchange>,
        /// The process it ran, secrets redacted.
        process: Option<ProcessResult>,
        /// What its WireGuard peer did and saw, secrets redacted.
        wire: Option<Box<WireResult>>,
        /// A line that repeats it in a shell, secrets as variables.
        repeat: Option<String>,
        /// What its checks found, secrets redacted.
        outcomes: Vec<Outcome>,
        /// The same as evidence, if the run was asked for it.
        recording: Option<Box<Recording>>,
    },
    /// Something of the target's could not be cleaned up.
    CleanupFailed {
        /// Which sub-test.
        subtest: usize,
        /// What, and why.
        message: String,
    },
    /// A sub-test ended.
    SubtestFinished {
        /// Which.
        subtest: usize,
        /// How.
        verdict: SubtestVerdict,
        /// Why, unless it passed.
        reason: Option<String>,
        /// Who is to blame for an error.
        fault: Option<Fault>,
        /// How long it took.
        took: Duration,
    },
    /// What became of the target as a whole; once, right before the end.
    Settled {
        /// The run's id, which the names of what it made on a shared target begin with.
        run_id: String,
        /// Reads that were repeated because their connection failed.
        retries: u64,
        /// What is left on the target and belongs to no sub-test.
        leftovers: Vec<String>,
    },
    /// The run ended.
    Finished {
        /// How long it took.
        took: Duration,
        /// Whether it went through.
        end: End,
    },
}

/// What listens to events.
pub trait Listener: Send {
    /// Takes one event.
    fn hear(&mut self, event: &Event);
}

/// A scenario of the plan, for listeners.
pub fn scenario(plan: &Plan, subtest: usize) -> Option<&Arc<Scenario>> {
    plan.planned(subtest).map(|planned| &planned.scenario)
}
