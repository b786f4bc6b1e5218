//! Judges a sub-test again from its recording.

use crate::bindings::Bindings;
use crate::check::outcome::Outcome;
use crate::check::snapshot::SnapshotMode;
use crate::judge::{Judge, StepResult, Tally, keep_values, rows};
use crate::scenario::model::{Action, Row, Span, Step, Template};
use crate::scenario::template::{Binding, Scope, Variables, fill_value};
use crate::secret::Secrets;

use super::step::Recording;

/// Replays the recorded steps of a sub-test in order.
#[derive(Debug)]
pub struct Replay<'a> {
    judge: Judge<'a>,
    bindings: Bindings,
    secrets: Secrets,
    tally: Tally,
    expected: Vec<(usize, usize)>,
    taken: usize,
}

#[derive(Debug)]
pub struct Replayed {
    /// Its name, secrets redacted.
    pub name: String,
    /// Its location in the scenario.
    pub span: Span,
    pub result: StepResult,
    /// The outcomes of its checks, secrets redacted.
    pub outcomes: Vec<Outcome>,
}

/// A recorded step that does not match the scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The steps are out of order.
    #[error("expected {wanted}, found {found}")]
    Order { found: String, wanted: String },
    /// The recording says that a variable was missing, but it has a value.
    #[error("the recording says that `{0}` had no value, but it has one")]
    HasValue(String),
    #[error("the recording says that the step was left out, but the target can be judged by it")]
    LeftOut,
    #[error("the recording says that the step was not left out, but {0}")]
    NotLeftOut(String),
}

impl<'a> Replay<'a> {
    /// Creates a replay at the first step.
    pub fn new(judge: Judge<'a>) -> Self {
        let steps = judge.planned.scenario.steps.iter().enumerate();
        let expected = steps.flat_map(|(index, step)| (0..rows(step).len()).map(move |row| (index, row)));
        Self {
            judge,
            bindings: Bindings::default(),
            secrets: Secrets::default(),
            tally: Tally::default(),
            expected: expected.collect(),
            taken: 0,
        }
    }

    /// Judges the next step.
    ///
    /// # Errors
    /// The recording does not match the scenario's next step.
    pub fn step(&mut self, recording: &Recording) -> Result<Replayed, Misfit> {
        let position = (recording.step, recording.row);
        let judge = self.judge;
        let wanted = self.expected.get(self.taken).copied();
        let found = judge.planned.scenario.steps.get(recording.step).filter(|_| wanted == Some(position));
        let Some(step) = found else {
            return Err(Misfit::Order {
                found: place(position),
                wanted: wanted.map_or_else(|| "the end of the sub-test".to_owned(), place),
            });
        };
        self.taken += 1;
        for (name, value) in &recording.variables {
            self.bindings.set_built_in(name, value.clone());
        }
        self.bindings.enter_row(&rows(step).get(recording.row).cloned().unwrap_or_default());
        for (variable, value) in &recording.secrets {
            self.secrets.learn(value, variable);
        }
        let result = recording.evidence.result();
        let replayed = self.judged(step, result, recording);
        self.bindings.enter_row(&Row::new());
        replayed
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether every step was replayed.
    pub fn is_complete(&self) -> bool {
        self.taken == self.expected.len()
    }

    /// The secrets, for redacting reasons before they are compared.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    fn judged(&mut self, step: &Step, result: StepResult, recording: &Recording) -> Result<Replayed, Misfit> {
        // Taken from the recording: filling it in again could generate a new value.
        let name = self.secrets.conceal(&recording.name);
        self.tally.step.clone_from(&name);
        if let Err(not_executed) = &result
            && let Some(name) = &not_executed.missing
            && Variables::get(&self.bindings, name).is_some()
        {
            return Err(Misfit::HasValue(name.clone()));
        }
        let is_left_out = result.as_ref().is_err_and(|not_executed| not_executed.is_omitted);
        let restraint = self.judge.restraint(step, &self.bindings).filter(|restraint| restraint.is_omitted);
        match restraint {
            None if is_left_out => return Err(Misfit::LeftOut),
            Some(restraint) if !is_left_out => return Err(Misfit::NotLeftOut(restraint.message)),
            _ => {}
        }
        if let Ok(evidence) = &result {
            self.secrets.learn_from(evidence);
            if let Action::Set(values) = &step.action {
                self.set(values, recording);
            }
        }
        keep_values(step, &result, &mut self.bindings);
        let outcomes = self.judge.judge(step, &result, &self.bindings, SnapshotMode::Compare, &self.secrets);
        let concealed = outcomes.into_iter().map(|outcome| self.secrets.conceal_outcome(outcome));
        let outcomes: Vec<Outcome> = concealed.map(|outcome| self.judge.waived(outcome)).collect();
        self.tally.note(&result, &outcomes);
        Ok(Replayed { name, span: step.span.clone(), result, outcomes })
    }

    /// Sets values as the step does; generated ones come from the recording.
    fn set(&mut self, values: &[(String, Template)], recording: &Recording) {
        for (name, template) in values {
            let value = serde_json::Value::String(template.text.clone());
            let scope = Scope { variables: &self.bindings, generators: None };
            let value = fill_value(&value, scope).ok();
            let value = value.or_else(|| recording.set.get(name).cloned()).flatten();
            self.bindings.keep(name, value.map_or(Binding::Absent, Binding::Value));
        }
    }
}

fn place((step, row): (usize, usize)) -> String {
    format!("step {}, row {}", step + 1, row + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::check::evidence::Exchange;
    use crate::check::outcome::CheckVerdict;
    use crate::judge::NotExecuted;
    use crate::omission::tests::{planned, registry};
    use crate::recording::RecordedEvidence;

    const STEPS: &str = r#"
        [[step]]
        name = "a form"
        post = "/api/keys"
        keep = { form = "@status" }
        [[step]]
        name = "what only some promise"
        get = "/api/keys"
        when = { form = 201 }
        keep = { id = "/data/id" }
        check = [{ verifies = "keys/ST1.1", status = 200 }]
        [[step]]
        name = "what needs it"
        get = "/api/keys"
        check = [
            { verifies = "keys/ST1.1", status = 200 },
            { verifies = "keys/ST1.1", json = { "/data/id" = "${id}" } },
            { verifies = "keys/ST1.1", status = 500 },
        ]
    "#;

    fn recording(step: usize, evidence: RecordedEvidence) -> Recording {
        Recording {
            step,
            row: 0,
            at: String::new(),
            name: String::new(),
            attempts: 1,
            secrets: Vec::new(),
            variables: BTreeMap::new(),
            set: BTreeMap::new(),
            evidence,
            checks: Vec::new(),
        }
    }

    fn answer(status: u16) -> RecordedEvidence {
        let body = r#"{"data":{"id":"1"}}"#.to_owned();
        RecordedEvidence::Http(vec![Exchange { status, body, ..Exchange::default() }])
    }

    fn left_out() -> RecordedEvidence {
        RecordedEvidence::NotExecuted(NotExecuted::omitted("because".to_owned()))
    }

    /// Replays steps with this evidence and returns the verdicts of the last one.
    fn replayed(evidence: Vec<RecordedEvidence>) -> Result<Vec<CheckVerdict>, Misfit> {
        let (planned, registry) = (planned(STEPS, false, &[]), registry());
        let mut replay = Replay::new(Judge { planned: &planned, registry: &registry, strict: false });
        let mut verdicts = Vec::new();
        for (step, evidence) in evidence.into_iter().enumerate() {
            let replayed = replay.step(&recording(step, evidence))?;
            verdicts = replayed.outcomes.iter().map(|outcome| outcome.verdict).collect();
        }
        Ok(verdicts)
    }

    #[test]
    fn conditions_are_evaluated_again() {
        use CheckVerdict::{Fail, Pass, Skip};
        assert_eq!(replayed(vec![answer(201), answer(200)]), Ok(vec![Pass]));
        assert_eq!(replayed(vec![answer(201), left_out()]), Err(Misfit::LeftOut));
        assert_eq!(replayed(vec![answer(400), left_out()]), Ok(vec![Skip]));
        let reason = "applies only if `form` is 201, but it is 400".to_owned();
        assert_eq!(replayed(vec![answer(400), answer(200)]), Err(Misfit::NotLeftOut(reason)));
        // Only the check that needs a value of the step that was left out is not judged.
        assert_eq!(replayed(vec![answer(400), left_out(), answer(200)]), Ok(vec![Pass, Skip, Fail]));
        assert_eq!(replayed(vec![answer(201), answer(200), answer(200)]), Ok(vec![Pass, Pass, Fail]));
    }
}
