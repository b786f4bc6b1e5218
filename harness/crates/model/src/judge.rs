//! Judges the steps of a sub-test by their evidence alone, so that a recording is judged exactly as the run was.

use crate::bindings::{Bindings, Loss, LossCause};
use crate::check::evidence::Evidence;
use crate::check::outcome::{CheckVerdict, Outcome};
use crate::check::snapshot::{SnapshotMode, SnapshotSettings};
use crate::check::{CheckContext, evaluate};
use crate::keep;
use crate::omission::{is_ours, omission};
use crate::plan::PlannedSubtest;
use crate::requirement::Registry;
use crate::scenario::model::{Check, Row, Span, Step, VariableUse};
use crate::scenario::template::{Binding, fill_template};
use crate::verdict::{Fault, SubtestVerdict};

/// Begins the message of a check that is not judged because its step is left out on this target.
const NOT_JUDGED: &str = "not judged: ";

/// A step that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NotExecuted {
    pub message: String,
    pub fault: Fault,
    /// The variable without a value, if that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether it was not attempted because an earlier step could not be carried out.
    #[serde(default, rename = "left_out", skip_serializing_if = "std::ops::Not::not")]
    pub was_skipped: bool,
    /// Whether the step is left out on this target, see [`omission`].
    #[serde(default, rename = "omitted", skip_serializing_if = "std::ops::Not::not")]
    pub is_omitted: bool,
}

impl NotExecuted {
    /// A step that is left out on this target, with the reason.
    pub fn omitted(reason: String) -> Self {
        Self { message: reason, fault: Fault::Kit, missing: None, was_skipped: false, is_omitted: true }
    }
}

/// The result of a step.
pub type StepResult = Result<Evidence, NotExecuted>;

/// Judges the steps of one sub-test.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    pub planned: &'a PlannedSubtest,
    /// Supplies the levels of statements.
    pub registry: &'a Registry,
    /// Whether fields that are missing from a snapshot fail it.
    pub strict: bool,
}

impl Judge<'_> {
    /// Evaluates the step's checks.
    pub fn judge(
        &self,
        step: &Step,
        result: &StepResult,
        bindings: &Bindings,
        mode: SnapshotMode,
    ) -> Vec<Outcome> {
        let run_prefix = match bindings.built_in("run") {
            Some(Binding::Value(serde_json::Value::String(prefix))) => prefix.as_str(),
            _ => "",
        };
        let context = CheckContext {
            variables: bindings,
            registry: self.registry,
            judges_ours: self.planned.judges_ours,
            snapshots: SnapshotSettings {
                folder: &self.planned.scenario.snapshots,
                mode,
                strict: self.strict,
                run_prefix,
            },
        };
        match result {
            Ok(evidence) => {
                let judge = |check| match omitted_value(step, check, bindings) {
                    Some(reason) => self.unjudged(check, CheckVerdict::Skip, &reason),
                    None => evaluate(check, evidence, &context),
                };
                step.checks.iter().map(judge).collect()
            }
            // A recording may claim this of any step.
            Err(not_executed) if not_executed.is_omitted && self.omission(step).is_none() => {
                let message = "left out, although the target can be judged by it";
                step.checks.iter().map(|check| self.unjudged(check, CheckVerdict::Error, message)).collect()
            }
            Err(not_executed) => {
                let (verdict, message) = not_run(not_executed, bindings);
                let mut outcomes: Vec<Outcome> =
                    step.checks.iter().map(|check| self.unjudged(check, verdict, &message)).collect();
                if outcomes.is_empty() && !not_executed.was_skipped && verdict != CheckVerdict::Skip {
                    // Otherwise a failing step without checks would go unnoticed.
                    outcomes.push(outcome(Vec::new(), verdict, &message, step.span.clone()));
                }
                outcomes.iter_mut().for_each(|outcome| outcome.is_blocked = not_executed.was_skipped);
                outcomes
            }
        }
    }

    /// Returns why the step is left out on this target, or `None` if it is carried out.
    pub fn omission(&self, step: &Step) -> Option<String> {
        omission(step, self.planned, self.registry)
    }

    /// Applies waivers to an outcome. Only failures can be waived, not checks that could not be judged.
    pub fn waived(&self, outcome: Outcome) -> Outcome {
        let scenario = &self.planned.scenario;
        let waiver = match outcome.verdict {
            // Computed only here, as finding the line scans the file.
            CheckVerdict::Fail => {
                let at = scenario.source.line(&outcome.span);
                self.planned.waivers.letting_through(scenario, &outcome.statements, at)
            }
            _ => None,
        };
        if waiver.is_some() { Outcome { verdict: CheckVerdict::Waived, ..outcome } } else { outcome }
    }

    fn unjudged(&self, check: &Check, verdict: CheckVerdict, message: &str) -> Outcome {
        let is_judged = self.planned.judges_ours || !is_ours(check, self.registry);
        let verdict = if is_judged { verdict } else { CheckVerdict::Skip };
        outcome(check.verifies.clone(), verdict, message, check.span.clone())
    }
}

/// Returns the rows that a step is executed for: a single empty one if it has none.
pub fn rows(step: &Step) -> Vec<Row> {
    if step.rows.is_empty() { vec![Row::new()] } else { step.rows.clone() }
}

/// Returns the step's name with its variables filled in.
pub fn name(step: &Step, bindings: &Bindings) -> String {
    let filled = fill_template(&step.name, bindings.scope()).ok().flatten();
    filled.unwrap_or_else(|| step.name.text.clone())
}

/// Keeps the step's values, or records why they are missing.
pub fn keep_values(step: &Step, result: &StepResult, bindings: &mut Bindings) {
    match result {
        Ok(evidence) => {
            for keep in &step.keep {
                match keep::extract(&keep.from, evidence) {
                    Ok(value) => bindings.keep(&keep.name, Binding::Value(value)),
                    Err(error) => {
                        let reason = error.to_string();
                        bindings.lose(&keep.name, Loss { reason, cause: LossCause::Target });
                    }
                }
            }
        }
        Err(not_executed) => {
            let (verdict, reason) = not_run(not_executed, bindings);
            let cause = match verdict {
                CheckVerdict::Error => LossCause::Unknown,
                CheckVerdict::Skip => LossCause::Omitted,
                CheckVerdict::Pass | CheckVerdict::Fail | CheckVerdict::Waived => LossCause::Target,
            };
            for name in step.assigned() {
                bindings.lose(name, Loss { reason: reason.clone(), cause });
            }
        }
    }
}

/// Returns why a check cannot be judged, if it refers to a value that a step left out on this target would have kept.
fn omitted_value(step: &Step, check: &Check, bindings: &Bindings) -> Option<String> {
    let in_check =
        |used: &&VariableUse| check.span.start <= used.span.start && used.span.end <= check.span.end;
    let lost = step.uses.checks.iter().filter(in_check).filter_map(|used| bindings.loss(&used.name));
    lost.filter(|loss| loss.cause == LossCause::Omitted).map(|loss| loss.reason.clone()).next()
}

/// The findings of a sub-test so far. It survives the interruption of the sub-test.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The first failed check.
    pub failure: Option<String>,
    /// The first failed check that a waiver accepts.
    pub waived: Option<String>,
    /// The first check that could not be judged, and where the fault lies.
    pub error: Option<(Fault, String)>,
    /// Whether a check was judged.
    pub has_judged: bool,
    /// Why a check is not judged on this target.
    pub not_judged: Option<String>,
    /// The name of the current step.
    pub step: String,
}

/// How a sub-test ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtestEnd {
    pub verdict: SubtestVerdict,
    /// Where the fault for an error lies.
    pub fault: Option<Fault>,
    /// The reason for any verdict but a pass.
    pub reason: Option<String>,
}

impl SubtestEnd {
    /// Returns the end of a sub-test without a verdict on the target.
    pub fn error(fault: Fault, reason: String) -> Self {
        Self { verdict: SubtestVerdict::Error, fault: Some(fault), reason: Some(reason) }
    }
}

impl Tally {
    /// Adds the outcomes of a step, secrets concealed.
    pub fn note(&mut self, result: &StepResult, outcomes: &[Outcome]) {
        let first = |verdict| {
            let found = outcomes.iter().find(|outcome| outcome.verdict == verdict);
            found.map(|outcome| format!("{}: {}", self.step, outcome.message))
        };
        let (failure, error) = (first(CheckVerdict::Fail), first(CheckVerdict::Error));
        let waived = first(CheckVerdict::Waived);
        self.has_judged |= outcomes.iter().any(|outcome| outcome.verdict != CheckVerdict::Skip);
        if self.not_judged.is_none() {
            let mut skipped = outcomes.iter().filter(|outcome| outcome.verdict == CheckVerdict::Skip);
            self.not_judged =
                skipped.find_map(|outcome| Some(outcome.message.strip_prefix(NOT_JUDGED)?.to_owned()));
        }
        if self.waived.is_none() {
            self.waived = waived;
        }
        if self.failure.is_none() {
            self.failure = failure;
        }
        if self.error.is_none() {
            let fault = match result {
                Err(NotExecuted { missing: Some(_), .. }) => Fault::Environment,
                Err(not_executed) => not_executed.fault,
                // The step was carried out, so a check that could not be judged is the kit's fault.
                Ok(_) => Fault::Kit,
            };
            self.error = error.map(|reason| (fault, reason));
        }
    }

    /// Returns how a sub-test ends after these findings.
    pub fn end(self) -> SubtestEnd {
        match (self.failure, self.error) {
            (Some(failure), _) => {
                SubtestEnd { verdict: SubtestVerdict::Fail, fault: None, reason: Some(failure) }
            }
            (None, Some((fault, reason))) => SubtestEnd::error(fault, reason),
            (None, None) if self.waived.is_some() => {
                SubtestEnd { verdict: SubtestVerdict::Waived, fault: None, reason: self.waived }
            }
            // Nothing that passed, nothing that failed: the target lacks what all checks need.
            (None, None) if !self.has_judged && self.not_judged.is_some() => {
                SubtestEnd { verdict: SubtestVerdict::Skip, fault: None, reason: self.not_judged }
            }
            (None, None) => SubtestEnd { verdict: SubtestVerdict::Pass, fault: None, reason: None },
        }
    }
}

/// Returns the verdict and reason for the checks of a step that was not carried out. If a variable is missing because of
/// the target's response they fail; if the target did not respond they are unjudged; if the step that would have kept it is
/// left out on this target, so are they.
fn not_run(not_executed: &NotExecuted, bindings: &Bindings) -> (CheckVerdict, String) {
    if not_executed.is_omitted {
        return (CheckVerdict::Skip, format!("{NOT_JUDGED}{}", not_executed.message));
    }
    let Some(name) = &not_executed.missing else {
        return (CheckVerdict::Error, not_executed.message.clone());
    };
    match bindings.loss(name) {
        Some(loss) => {
            let verdict = match loss.cause {
                LossCause::Target => CheckVerdict::Fail,
                LossCause::Unknown => CheckVerdict::Error,
                LossCause::Omitted => return (CheckVerdict::Skip, loss.reason.clone()),
            };
            (verdict, format!("not run: `${{{name}}}` was not kept: {}", loss.reason))
        }
        None => (CheckVerdict::Fail, format!("not run: {}", not_executed.message)),
    }
}

fn outcome(statements: Vec<String>, verdict: CheckVerdict, message: &str, span: Span) -> Outcome {
    Outcome {
        statements,
        verdict,
        expected: "the step is carried out".to_owned(),
        actual: "it was not".to_owned(),
        message: message.to_owned(),
        span,
        notes: Vec::new(),
        seen: Vec::new(),
        is_blocked: false,
    }
}
