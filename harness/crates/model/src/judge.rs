//! Judges the steps of a sub-test by what they saw and by nothing else, so that a recording is judged exactly
//! as the run was.

use crate::bindings::{Bindings, Loss};
use crate::check::evidence::Evidence;
use crate::check::outcome::{CheckVerdict, Outcome};
use crate::check::snapshot::{Mode, Snapshots};
use crate::check::{Context, evaluate};
use crate::keep;
use crate::plan::PlannedSubtest;
use crate::requirement::{Level, Registry};
use crate::scenario::model::{Check, Row, Span, Step};
use crate::scenario::template::{Binding, fill_template};
use crate::source::diagnostic::line;
use crate::verdict::{Fault, SubtestVerdict};

/// A step that was not done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Undone {
    /// Why.
    pub message: String,
    /// Who is to blame.
    pub fault: Fault,
    /// The variable that had no value, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether nobody tried, since an earlier step could not be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// What came of a step.
pub type Done = Result<Evidence, Undone>;

/// What the steps of one sub-test are judged with.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The sub-test.
    pub planned: &'a PlannedSubtest,
    /// The levels of statements.
    pub registry: &'a Registry,
    /// Whether fields that a snapshot lacks fail it.
    pub strict: bool,
}

impl Judge<'_> {
    /// What the step's checks find.
    pub fn judge(&self, step: &Step, done: &Done, bindings: &Bindings, mode: Mode) -> Vec<Outcome> {
        let run_prefix = match bindings.built_in("run") {
            Some(Binding::Value(serde_json::Value::String(prefix))) => prefix.as_str(),
            _ => "",
        };
        let context = Context {
            variables: bindings,
            registry: self.registry,
            judges_ours: self.planned.judges_ours,
            snapshots: Snapshots {
                folder: &self.planned.scenario.snapshots,
                mode,
                strict: self.strict,
                run_prefix,
            },
        };
        match done {
            Ok(evidence) => step.checks.iter().map(|check| evaluate(check, evidence, &context)).collect(),
            Err(undone) => {
                let (verdict, message) = not_run(undone, bindings);
                let mut outcomes: Vec<Outcome> =
                    step.checks.iter().map(|check| self.unjudged(check, verdict, &message)).collect();
                if outcomes.is_empty() && !undone.left_out {
                    // Without this a step that prepares the next ones could fail in silence.
                    outcomes.push(outcome(Vec::new(), verdict, &message, step.span.clone()));
                }
                outcomes
            }
        }
    }

    /// The outcome as waivers leave it. What could not be judged is never waived.
    pub fn waived(&self, outcome: Outcome) -> Outcome {
        let scenario = &self.planned.scenario;
        let waiver = match outcome.verdict {
            // Only then: to find the line costs reading the file from its beginning.
            CheckVerdict::Fail => {
                let at = line(&scenario.source, &outcome.span);
                self.planned.waivers.letting_through(scenario, &outcome.statements, at)
            }
            _ => None,
        };
        if waiver.is_some() { Outcome { verdict: CheckVerdict::Waived, ..outcome } } else { outcome }
    }

    fn unjudged(&self, check: &Check, verdict: CheckVerdict, message: &str) -> Outcome {
        let is_ours = check
            .verifies
            .iter()
            .all(|id| self.registry.get(id).is_some_and(|statement| statement.level == Level::Ours));
        let verdict = if is_ours && !self.planned.judges_ours { CheckVerdict::Skip } else { verdict };
        outcome(check.verifies.clone(), verdict, message, check.span.clone())
    }
}

/// The rows that a step is done for; one without variables if it has none.
pub fn rows(step: &Step) -> Vec<Row> {
    if step.rows.is_empty() { vec![Row::new()] } else { step.rows.clone() }
}

/// The step's name with its variables filled in.
pub fn name(step: &Step, bindings: &Bindings) -> String {
    let filled = fill_template(&step.name, bindings.scope()).ok().flatten();
    filled.unwrap_or_else(|| step.name.text.clone())
}

/// Keeps what the step says of what it saw, or remembers why there is nothing to keep.
pub fn keep_values(step: &Step, done: &Done, bindings: &mut Bindings) {
    for keep in &step.keep {
        let lost = match done {
            Ok(evidence) => match keep::extract(&keep.from, evidence) {
                Ok(value) => {
                    bindings.keep(&keep.name, Binding::Value(value));
                    continue;
                }
                Err(reason) => Loss { reason, unknown: false },
            },
            Err(undone) => {
                let (verdict, reason) = not_run(undone, bindings);
                Loss { reason, unknown: verdict == CheckVerdict::Error }
            }
        };
        bindings.lose(&keep.name, lost);
    }
}

/// What has been found so far; it outlives a walk that is cut short.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The first failed check.
    pub failure: Option<String>,
    /// The first failed check that a waiver lets through.
    pub waived: Option<String>,
    /// The first thing that could not be judged, and whose fault it was.
    pub error: Option<(Fault, String)>,
    /// The step that is being done.
    pub step: String,
}

impl Tally {
    /// Takes what a step's checks found, secrets concealed.
    pub fn note(&mut self, done: &Done, outcomes: &[Outcome]) {
        let first = |verdict| {
            let found = outcomes.iter().find(|outcome| outcome.verdict == verdict);
            found.map(|outcome| format!("{}: {}", self.step, outcome.message))
        };
        let (failure, error) = (first(CheckVerdict::Fail), first(CheckVerdict::Error));
        let waived = first(CheckVerdict::Waived);
        if self.waived.is_none() {
            self.waived = waived;
        }
        if self.failure.is_none() {
            self.failure = failure;
        }
        if self.error.is_none() {
            let fault = match done {
                Err(Undone { missing: Some(_), .. }) => Fault::Environment,
                Err(undone) => undone.fault,
                // A check that could not be judged although its step was done is the kit's own fault.
                Ok(_) => Fault::Kit,
            };
            self.error = error.map(|reason| (fault, reason));
        }
    }

    /// How a sub-test ends whose steps were all done, or were cut short after these.
    pub fn verdict(self) -> (SubtestVerdict, Option<Fault>, Option<String>) {
        match (self.failure, self.error) {
            (Some(failure), _) => (SubtestVerdict::Fail, None, Some(failure)),
            (None, Some((fault, reason))) => (SubtestVerdict::Error, Some(fault), Some(reason)),
            (None, None) if self.waived.is_some() => (SubtestVerdict::Waived, None, self.waived),
            (None, None) => (SubtestVerdict::Pass, None, None),
        }
    }
}

/// What becomes of the checks of a step that could not be done. A variable that the target's answer did not
/// bring fails them; a target that did not answer leaves them unjudged.
fn not_run(undone: &Undone, bindings: &Bindings) -> (CheckVerdict, String) {
    let Some(name) = &undone.missing else {
        return (CheckVerdict::Error, undone.message.clone());
    };
    match bindings.loss(name) {
        Some(loss) => {
            let verdict = if loss.unknown { CheckVerdict::Error } else { CheckVerdict::Fail };
            (verdict, format!("not run: `${{{name}}}` was not kept: {}", loss.reason))
        }
        None => (CheckVerdict::Fail, format!("not run: {}", undone.message)),
    }
}

fn outcome(statements: Vec<String>, verdict: CheckVerdict, message: &str, span: Span) -> Outcome {
    Outcome {
        statements,
        verdict,
        expected: "the step is done".to_owned(),
        actual: "it could not be".to_owned(),
        message: message.to_owned(),
        span,
        notes: Vec::new(),
        seen: Vec::new(),
    }
}
