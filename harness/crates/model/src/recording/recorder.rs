//! Records the steps of a sub-test, and checks at once which outcomes can be reproduced from the recording.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bindings::Bindings;
use crate::check::outcome::{CheckVerdict, Outcome};
use crate::judge::{Judge, StepResult};
use crate::scenario::model::{Action, Step};
use crate::scenario::template::Binding;
use crate::secret::Secrets;

use super::evidence::RecordedEvidence;
use super::pseudonym::{PseudonymKey, Pseudonyms};
use super::replay::Replay;
use super::step::{Moment, RecordedCheck, Recording};

#[derive(Debug)]
pub struct Recorder<'a> {
    pseudonyms: Pseudonyms,
    secrets: &'a Secrets,
    recorded_secrets: usize,
    recorded_variables: BTreeMap<String, Value>,
    steps: &'a [Step],
    replay: Replay<'a>,
}

impl<'a> Recorder<'a> {
    /// Creates a recorder. `secrets` are those of the sub-test, which learns more as it goes on.
    pub fn new(key: PseudonymKey, judge: Judge<'a>, secrets: &'a Secrets) -> Self {
        Self {
            pseudonyms: Pseudonyms::new(key, secrets.clone()),
            secrets,
            recorded_secrets: 0,
            recorded_variables: BTreeMap::new(),
            steps: &judge.planned.scenario.steps,
            replay: Replay::new(judge),
        }
    }

    /// Records a step under its name with the outcomes of its checks. Only the outcomes have their secrets redacted.
    pub fn record(
        &mut self,
        moment: Moment,
        name: &str,
        result: &StepResult,
        bindings: &Bindings,
        outcomes: &[Outcome],
    ) -> Recording {
        let learnt = self.secrets.learnt_after(self.recorded_secrets);
        self.recorded_secrets += learnt.len();
        let recording = Recording {
            step: moment.step,
            row: moment.row,
            at: OffsetDateTime::from(moment.at).format(&Rfc3339).unwrap_or_default(),
            name: self.pseudonyms.text(name),
            attempts: moment.attempts,
            secrets: learnt
                .iter()
                .map(|secret| (secret.variable.clone(), self.pseudonyms.text(&secret.value)))
                .collect(),
            variables: self.changed(bindings),
            set: self.set(moment.step, result, bindings),
            evidence: self.pseudonyms.evidence(RecordedEvidence::of(result)),
            checks: Vec::new(),
        };
        let mut recording = self.without_known_secrets(recording);
        recording.checks = self.recorded_checks(&recording, outcomes);
        recording
    }

    /// Returns the pseudonym of a secret, as the recordings have it.
    pub fn pseudonym(&mut self, secret: &str) -> String {
        self.pseudonyms.text(secret)
    }

    fn changed(&mut self, bindings: &Bindings) -> BTreeMap<String, Value> {
        let mut changed = BTreeMap::new();
        for (name, binding) in bindings.built_ins() {
            let Binding::Value(value) = binding else { continue };
            let value = self.pseudonyms.value(value);
            if self.recorded_variables.get(name) != Some(&value) {
                self.recorded_variables.insert(name.to_owned(), value.clone());
                changed.insert(name.to_owned(), value);
            }
        }
        changed
    }

    fn set(
        &mut self,
        step: usize,
        result: &StepResult,
        bindings: &Bindings,
    ) -> BTreeMap<String, Option<Value>> {
        let (Some(Step { action: Action::Set(values), .. }), Ok(_)) = (self.steps.get(step), result) else {
            return BTreeMap::new();
        };
        let named = values.iter().filter_map(|(name, _)| Some((name, bindings.kept(name)?)));
        named
            .map(|(name, binding)| match binding {
                Binding::Value(value) => (name.clone(), Some(self.pseudonyms.value(value))),
                Binding::Absent => (name.clone(), None),
            })
            .collect()
    }

    /// Replaces secrets everywhere in the recording once more: a value may have become known as a secret only after it was
    /// written.
    fn without_known_secrets(&self, recording: Recording) -> Recording {
        let hidden = self.pseudonyms.unmistakable();
        let Ok(text) = serde_json::to_string(&recording) else { return recording };
        if !hidden.iter().any(|(secret, _)| text.contains(secret)) {
            return recording;
        }
        let replaced = hidden.iter().fold(text, |text, (secret, made)| text.replace(secret, made));
        serde_json::from_str(&replaced).unwrap_or(recording)
    }

    /// Returns the outcomes, each with a note if it cannot be reproduced.
    fn recorded_checks(&mut self, recording: &Recording, outcomes: &[Outcome]) -> Vec<RecordedCheck> {
        let replayed = self.replay.step(recording);
        let again = replayed.as_ref().map(|replayed| replayed.outcomes.as_slice()).unwrap_or_default();
        let check = |(index, outcome): (usize, &Outcome)| {
            let again = again.get(index);
            let rests_on_secret = match (&replayed, again) {
                (Err(misfit), _) => Some(misfit.to_string()),
                (Ok(_), None) => Some("the recording yields fewer outcomes".to_owned()),
                (Ok(_), Some(again)) if again.verdict != outcome.verdict => {
                    Some(format!("with pseudonyms in place of secrets it would be `{}`", word(again.verdict)))
                }
                _ => None,
            };
            RecordedCheck {
                statements: outcome.statements.clone(),
                verdict: outcome.verdict,
                words_rest_on_secret: rests_on_secret.is_none()
                    && !again.is_some_and(|again| has_same_words(again, outcome)),
                rests_on_secret,
            }
        };
        outcomes.iter().enumerate().map(check).collect()
    }
}

fn has_same_words(one: &Outcome, other: &Outcome) -> bool {
    (&one.expected, &one.actual, &one.message, &one.notes, &one.seen)
        == (&other.expected, &other.actual, &other.message, &other.notes, &other.seen)
}

fn word(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Pass => "pass",
        CheckVerdict::Fail => "fail",
        CheckVerdict::Error => "error",
        CheckVerdict::Skip => "skip",
        CheckVerdict::Waived => "waived",
    }
}
