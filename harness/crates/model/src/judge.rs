//! Judges the steps of a sub-test by their evidence alone, so that a recording is judged exactly as the run was.

use crate::bindings::{Bindings, Loss, LossCause};
use crate::check::evidence::Evidence;
use crate::check::outcome::{CheckVerdict, Outcome, Unevaluated, UnevaluatedCause};
use crate::check::snapshot::{SnapshotMode, SnapshotSettings};
use crate::check::{Applicability, CheckContext, applicability, evaluate};
use crate::keep;
use crate::omission::{is_ours, omission};
use crate::plan::PlannedSubtest;
use crate::requirement::Registry;
use crate::scenario::model::{Action, Check, Extraction, Row, Span, StatementId, Step};
use crate::scenario::template::{Binding, Variables, fill_template};
use crate::secret::Secrets;
use crate::verdict::{Fault, SubtestVerdict};

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
    /// Whether the step is left out on this target, see [`Judge::restraint`].
    #[serde(default, rename = "omitted", skip_serializing_if = "std::ops::Not::not")]
    pub is_omitted: bool,
    /// Whether it is left out because a condition (`when`) is not met.
    #[serde(default, rename = "inapplicable", skip_serializing_if = "std::ops::Not::not")]
    pub is_inapplicable: bool,
}

impl NotExecuted {
    /// A step that is left out on this target, with the reason.
    pub fn omitted(reason: String) -> Self {
        Self {
            message: reason,
            fault: Fault::Kit,
            missing: None,
            was_skipped: false,
            is_omitted: true,
            is_inapplicable: false,
        }
    }

    /// A step whose condition is not met, with the reason.
    pub fn inapplicable(reason: String) -> Self {
        Self { is_inapplicable: true, ..Self::omitted(reason) }
    }

    /// A step that needs a variable without a value.
    pub fn missing(variable: String) -> Self {
        let message = format!("`${{{variable}}}` has no value");
        Self { missing: Some(variable), is_omitted: false, ..Self::omitted(message) }
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
    /// Judges the checks of a step. Messages contain none of the secrets.
    pub fn judge(
        &self,
        step: &Step,
        result: &StepResult,
        bindings: &Bindings,
        mode: SnapshotMode,
        secrets: &Secrets,
    ) -> Vec<Outcome> {
        let run_prefix = match bindings.built_in("run") {
            Some(Binding::Value(serde_json::Value::String(prefix))) => prefix.as_str(),
            _ => "",
        };
        let context = CheckContext {
            variables: bindings,
            registry: self.registry,
            judges_ours: self.planned.judges_ours,
            refusal: &self.planned.refusal,
            snapshots: SnapshotSettings {
                folder: &self.planned.scenario.snapshots,
                mode,
                strict: self.strict,
                run_prefix,
            },
            secrets,
        };
        match result {
            Ok(evidence) => {
                let judged = step.checks.iter().map(|check| {
                    let outcome = evaluate(check, evidence, &context);
                    self.excused(check, outcome, bindings)
                });
                judged.collect()
            }
            Err(not_executed) => {
                let unevaluated = unevaluated(not_executed, bindings);
                let mut outcomes: Vec<Outcome> =
                    step.checks.iter().map(|check| self.unjudged(check, &unevaluated)).collect();
                let verdict = verdict(unevaluated.cause);
                if outcomes.is_empty() && !not_executed.was_skipped && verdict != CheckVerdict::Skip {
                    // Otherwise a failing step without checks would go unnoticed.
                    outcomes.push(outcome(Vec::new(), verdict, unevaluated, step.span.clone()));
                }
                outcomes
            }
        }
    }

    /// Returns why the step is not to be carried out: the target cannot be judged by it, a condition (`when`) is not
    /// met, or the value that a condition needs is unknown. `bindings` are those before the step.
    pub fn restraint(&self, step: &Step, bindings: &Bindings) -> Option<NotExecuted> {
        if let Some(reason) = omission(step, self.planned, self.registry) {
            return Some(NotExecuted::omitted(reason));
        }
        match applicability(step, bindings) {
            Applicability::Applies => None,
            Applicability::DoesNotApply(reason) => Some(NotExecuted::inapplicable(reason)),
            Applicability::Unknown { variable } => Some(NotExecuted::missing(variable)),
        }
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

    /// Returns the outcome, unless the check was not met only because it needs a value of a step that was not carried
    /// out.
    fn excused(&self, check: &Check, outcome: Outcome, bindings: &Bindings) -> Outcome {
        if !matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Error) {
            return outcome;
        }
        let without_value = check.variables.iter().filter(|name| bindings.get(name).is_none());
        let mut lost = without_value.filter_map(|name| Some((name, bindings.loss(name)?)));
        match lost.find(|(_, loss)| loss.cause != LossCause::Target) {
            Some((name, loss)) => self.unjudged(check, &consequence(name, loss)),
            None => outcome,
        }
    }

    fn unjudged(&self, check: &Check, unevaluated: &Unevaluated) -> Outcome {
        let is_judged = self.planned.judges_ours || !is_ours(check, self.registry);
        let verdict = if is_judged { verdict(unevaluated.cause) } else { CheckVerdict::Skip };
        outcome(check.verifies.clone(), verdict, unevaluated.clone(), check.span.clone())
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
    if let (Action::Set(values), Err(not_executed)) = (&step.action, result) {
        let loss = loss(not_executed, bindings);
        values.iter().for_each(|(name, _)| bindings.lose(name, loss.clone()));
    }
    for keep in &step.keep {
        let lost = match result {
            Ok(evidence) => match keep::extract(&keep.from, evidence) {
                Ok(value) => {
                    bindings.keep(&keep.name, Binding::Value(value));
                    continue;
                }
                Err(error) => match &keep.fallback {
                    Some(value) => {
                        bindings.keep(&keep.name, Binding::Value(value.clone()));
                        continue;
                    }
                    None => Loss { reason: error.to_string(), cause: cause_of_absence(&keep.from) },
                },
            },
            Err(not_executed) => loss(not_executed, bindings),
        };
        bindings.lose(&keep.name, lost);
    }
}

/// What it says about the target that a response lacks a value. No document promises any header.
fn cause_of_absence(from: &Extraction) -> LossCause {
    match from {
        Extraction::Header(_) => LossCause::Omitted,
        _ => LossCause::Target,
    }
}

/// The findings of a sub-test so far. It survives the interruption of the sub-test.
#[derive(Debug, Clone, Default)]
pub struct Tally {
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
            self.not_judged = skipped.find_map(|outcome| Some(outcome.unevaluated.as_ref()?.reason.clone()));
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
                // What a check needs besides the evidence is in files and on the network of this host.
                Ok(_) => Fault::Environment,
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

/// Returns why the checks of a step that was not carried out are not evaluated.
fn unevaluated(not_executed: &NotExecuted, bindings: &Bindings) -> Unevaluated {
    if let Some(name) = &not_executed.missing
        && !not_executed.is_omitted
    {
        return match bindings.loss(name) {
            Some(loss) => consequence(name, loss),
            None => {
                Unevaluated { cause: UnevaluatedCause::MissingValue, reason: not_executed.message.clone() }
            }
        };
    }
    let cause = if not_executed.is_inapplicable {
        UnevaluatedCause::Inapplicable
    } else if not_executed.is_omitted {
        UnevaluatedCause::LeftOut
    } else if not_executed.was_skipped {
        UnevaluatedCause::Blocked
    } else {
        UnevaluatedCause::Undone
    };
    Unevaluated { cause, reason: not_executed.message.clone() }
}

/// Returns why checks that need a lost value are not evaluated.
fn consequence(name: &str, loss: &Loss) -> Unevaluated {
    let (cause, is_own_reason) = match loss.cause {
        LossCause::Target => (UnevaluatedCause::MissingValue, false),
        LossCause::Unknown => (UnevaluatedCause::Undone, false),
        LossCause::Omitted => (UnevaluatedCause::LeftOut, true),
        LossCause::Inapplicable => (UnevaluatedCause::Inapplicable, true),
    };
    let reason = match is_own_reason {
        true => loss.reason.clone(),
        false => format!("`${{{name}}}` was not kept: {}", loss.reason),
    };
    Unevaluated { cause, reason }
}

/// Returns the verdict on a check that was not evaluated. It fails if the target's response lacked a value.
fn verdict(cause: UnevaluatedCause) -> CheckVerdict {
    match cause {
        UnevaluatedCause::Inapplicable | UnevaluatedCause::LeftOut => CheckVerdict::Skip,
        UnevaluatedCause::MissingValue => CheckVerdict::Fail,
        UnevaluatedCause::Undone | UnevaluatedCause::Blocked => CheckVerdict::Error,
    }
}

/// Returns what becomes of the values of a step that was not carried out.
fn loss(not_executed: &NotExecuted, bindings: &Bindings) -> Loss {
    let Unevaluated { cause, reason } = unevaluated(not_executed, bindings);
    let cause = match cause {
        UnevaluatedCause::Inapplicable => LossCause::Inapplicable,
        UnevaluatedCause::LeftOut => LossCause::Omitted,
        UnevaluatedCause::MissingValue => LossCause::Target,
        UnevaluatedCause::Undone | UnevaluatedCause::Blocked => LossCause::Unknown,
    };
    Loss { reason, cause }
}

fn outcome(
    statements: Vec<StatementId>,
    verdict: CheckVerdict,
    unevaluated: Unevaluated,
    span: Span,
) -> Outcome {
    let Unevaluated { cause, reason } = &unevaluated;
    let message = match (verdict, cause) {
        (CheckVerdict::Skip, _) => format!("not judged: {reason}"),
        (_, UnevaluatedCause::MissingValue) => format!("not run: {reason}"),
        _ => reason.clone(),
    };
    Outcome {
        statements,
        verdict,
        expected: "the step is carried out".to_owned(),
        actual: "it was not".to_owned(),
        message,
        span,
        notes: Vec::new(),
        seen: Vec::new(),
        unevaluated: Some(unevaluated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::evidence::Exchange;
    use crate::omission::tests::planned;

    #[test]
    fn a_value_that_the_response_lacks_has_its_fallback_or_a_cause() {
        let steps = r#"
            [[step]]
            name = "n"
            get = "/x"
            keep = { id = ["/id", "none"], count = ["/count", 0], at = "@header date", key = "/key" }
            check = [{ verifies = "keys/ST1.1", status = 200 }]
        "#;
        let planned = planned(steps, false, &[]);
        let mut bindings = Bindings::default();
        let body = r#"{"count":2}"#.to_owned();
        let result = Ok(Evidence::Http(vec![Exchange { status: 200, body, ..Exchange::default() }]));
        for step in &planned.scenario.steps {
            keep_values(step, &result, &mut bindings);
        }
        assert_eq!(bindings.get("id"), Some(Binding::Value("none".into())));
        assert_eq!(bindings.get("count"), Some(Binding::Value(2.into())));
        // No document promises the time of a response.
        assert_eq!(bindings.loss("at").map(|loss| loss.cause), Some(LossCause::Omitted));
        assert_eq!(bindings.loss("key").map(|loss| loss.cause), Some(LossCause::Target));
    }
}
