//! Takes the steps of a sub-test one after the other and judges them.

use std::sync::{Mutex, PoisonError};

use crate::check::evidence::{Evidence, Exchange, ProcessResult};
use crate::check::outcome::{CheckVerdict, Outcome};
use crate::check::snapshot::{Mode, Snapshots};
use crate::check::{Context, evaluate};
use crate::plan::PlannedSubtest;
use crate::requirement::Level;
use crate::run::event::{Event, Fault};
use crate::run::ledger::Ledger;
use crate::run::scheduler::Events;
use crate::run::secret::Secrets;
use crate::run::subtest::shell_variable;
use crate::run::{Setting, repeat};
use crate::scenario::diagnostic::line;
use crate::scenario::model::{Action, Check, Request, Row, Step};
use crate::scenario::template::{Binding, TemplateError, fill_template};
use crate::step::bindings::Loss;
use crate::step::eventually::Polling;
use crate::step::{Stage, StepError, keep, perform};

/// What has been found so far; it outlives a walk that is cut short.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    /// The first failed check.
    pub(super) failure: Option<String>,
    /// The first failed check that a waiver lets through.
    pub(super) waived: Option<String>,
    /// The first thing that could not be judged, and whose fault it was.
    pub(super) error: Option<(Fault, String)>,
    /// The step that is being done.
    pub(super) step: String,
}

/// One walk through a sub-test.
pub(super) struct Walk<'a> {
    pub(super) setting: &'a Setting,
    pub(super) planned: &'a PlannedSubtest,
    pub(super) subtest: usize,
    pub(super) prefix: &'a str,
    pub(super) secrets: &'a Secrets,
    pub(super) events: &'a Events,
    /// What the sub-test made on the target.
    pub(super) ledger: &'a Mutex<Ledger>,
}

impl Walk<'_> {
    /// Does every step, once a row. Where the surroundings kept one from being done nobody knows what the
    /// later ones would show of the target: their checks are left unjudged.
    pub(super) async fn steps(&self, stage: &mut Stage, tally: &mut Tally) {
        let mut is_broken = false;
        for step in &self.planned.scenario.steps {
            for row in rows(step) {
                stage.bindings.enter_row(&row);
                tally.step = self.name(step, stage);
                let (result, outcomes) = match is_broken {
                    true => self.leave_out(step, stage),
                    false => self.settle(step, stage).await,
                };
                is_broken |= result.as_ref().is_err_and(|error| error.fault() == Fault::Environment);
                self.tell(step, stage, tally, &result, &outcomes);
            }
            stage.bindings.enter_row(&Row::new());
        }
    }

    /// Does every step of the cleanup. What was never made needs none: its step is left out.
    pub(super) async fn cleanup(&self, stage: &mut Stage) {
        for step in &self.planned.scenario.cleanup {
            for row in rows(step) {
                stage.bindings.enter_row(&row);
                let problem = match perform(step, stage).await {
                    Ok(evidence) => {
                        self.enter(&evidence);
                        refusal(&evidence)
                    }
                    Err(StepError::Template(TemplateError::Missing { .. })) => None,
                    Err(error) => Some(error.to_string()),
                };
                if let Some(problem) = problem {
                    let message = format!("{}: {problem}", self.name(step, stage));
                    let message = self.secrets.conceal(&message);
                    self.events.tell(Event::CleanupFailed { subtest: self.subtest, message });
                }
            }
            stage.bindings.enter_row(&Row::new());
        }
    }

    /// Does a step, a read that should come true eventually until it has or its time is over.
    async fn settle(&self, step: &Step, stage: &mut Stage) -> (Result<Evidence, StepError>, Vec<Outcome>) {
        let mut polling = step.eventually.map(Polling::begin);
        loop {
            let result = perform(step, stage).await;
            // A session may have been renewed meanwhile.
            for (identity, token) in stage.place.sessions().await {
                self.secrets.learn(&token, shell_variable(identity));
            }
            if let Ok(evidence) = &result {
                self.secrets.learn_from(evidence);
                self.enter(evidence);
            }
            keep_values(step, &result, stage);
            if let Some(polling) = &mut polling {
                // Only the last answer may become a snapshot.
                let outcomes = self.judge(step, &result, stage, Mode::Compare);
                let settled = result.is_ok() && !outcomes.iter().any(is_bad);
                if !settled && polling.again().await {
                    continue;
                }
            }
            let outcomes = self.judge(step, &result, stage, self.setting.snapshots);
            return (result, outcomes);
        }
    }

    fn enter(&self, evidence: &Evidence) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).enter(evidence);
    }

    fn leave_out(&self, step: &Step, stage: &mut Stage) -> (Result<Evidence, StepError>, Vec<Outcome>) {
        let result = Err(StepError::Earlier);
        keep_values(step, &result, stage);
        let unjudged = |check| self.unjudged(check, CheckVerdict::Error, &StepError::Earlier.to_string());
        (result, step.checks.iter().map(unjudged).collect())
    }

    fn judge(
        &self,
        step: &Step,
        result: &Result<Evidence, StepError>,
        stage: &Stage,
        mode: Mode,
    ) -> Vec<Outcome> {
        let context = Context {
            variables: &stage.bindings,
            registry: &self.setting.registry,
            judges_ours: self.planned.judges_ours,
            snapshots: Snapshots {
                folder: &self.planned.scenario.snapshots,
                mode,
                strict: self.setting.strict,
                run_prefix: self.prefix,
            },
        };
        match result {
            Ok(evidence) => step.checks.iter().map(|check| evaluate(check, evidence, &context)).collect(),
            Err(error) => {
                let (verdict, message) = not_run(error, stage);
                let mut outcomes: Vec<Outcome> =
                    step.checks.iter().map(|check| self.unjudged(check, verdict, &message)).collect();
                if outcomes.is_empty() {
                    // Without this a step that prepares the next ones could fail in silence.
                    outcomes.push(outcome(Vec::new(), verdict, &message, step.span.clone()));
                }
                outcomes
            }
        }
    }

    fn unjudged(&self, check: &Check, verdict: CheckVerdict, message: &str) -> Outcome {
        let is_ours = check
            .verifies
            .iter()
            .all(|id| self.setting.registry.get(id).is_some_and(|statement| statement.level == Level::Ours));
        let verdict = if is_ours && !self.planned.judges_ours { CheckVerdict::Skip } else { verdict };
        outcome(check.verifies.clone(), verdict, message, check.span.clone())
    }

    fn tell(
        &self,
        step: &Step,
        stage: &Stage,
        tally: &mut Tally,
        result: &Result<Evidence, StepError>,
        outcomes: &[Outcome],
    ) {
        let concealed = outcomes.iter().map(|outcome| self.secrets.conceal_outcome(outcome));
        let outcomes: Vec<Outcome> = concealed.map(|outcome| self.waived(outcome)).collect();
        let first = |verdict| {
            let found = outcomes.iter().find(|outcome| outcome.verdict == verdict);
            found.map(|outcome| format!("{}: {}", tally.step, outcome.message))
        };
        if tally.failure.is_none() {
            tally.failure = first(CheckVerdict::Fail);
        }
        if tally.waived.is_none() {
            tally.waived = first(CheckVerdict::Waived);
        }
        if tally.error.is_none() {
            // A check that could not be judged although its step was done is the kit's own fault.
            let fault = result.as_ref().err().map_or(Fault::Kit, StepError::fault);
            let fault = match result {
                Err(StepError::Template(TemplateError::Missing { .. })) => Fault::Environment,
                _ => fault,
            };
            tally.error = first(CheckVerdict::Error).map(|reason| (fault, reason));
        }
        let (exchanges, process, wire) = match result {
            Ok(Evidence::Http(exchanges)) => (exchanges.as_slice(), None, None),
            Ok(Evidence::Process(process)) => (Default::default(), Some(process), None),
            Ok(Evidence::Wire(wire)) => (Default::default(), None, Some(wire)),
            Ok(Evidence::Nothing) | Err(_) => (Default::default(), None, None),
        };
        self.events.tell(Event::StepFinished {
            subtest: self.subtest,
            name: tally.step.clone(),
            span: step.span.clone(),
            repeat: self.repeat(step, exchanges, process, stage),
            exchanges: exchanges.iter().map(|exchange| self.secrets.conceal_exchange(exchange)).collect(),
            process: process.map(|process| self.secrets.conceal_process(process)),
            wire: wire.map(|wire| Box::new(self.secrets.conceal_wire(wire))),
            outcomes,
        });
    }

    /// The outcome as waivers leave it. What could not be judged is never waived.
    fn waived(&self, outcome: Outcome) -> Outcome {
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

    fn repeat(
        &self,
        step: &Step,
        exchanges: &[Exchange],
        process: Option<&ProcessResult>,
        stage: &Stage,
    ) -> Option<String> {
        let base_url = stage.place.base_url();
        let is_private = stage.place.is_private();
        match (exchanges.first(), process) {
            (Some(exchange), _) => {
                let from = match &step.action {
                    Action::Http(Request { from: Some(from), .. }) => {
                        fill_template(from, stage.bindings.scope()).ok().flatten()
                    }
                    _ => None,
                };
                let base_url = is_private.then_some(base_url);
                Some(repeat::curl(exchange, from.as_deref(), self.secrets, base_url))
            }
            (None, Some(process)) => Some(repeat::command(process, base_url, self.secrets, is_private)),
            (None, None) => None,
        }
    }

    fn name(&self, step: &Step, stage: &Stage) -> String {
        let filled = fill_template(&step.name, stage.bindings.scope()).ok().flatten();
        self.secrets.conceal(&filled.unwrap_or_else(|| step.name.text.clone()))
    }
}

fn rows(step: &Step) -> Vec<Row> {
    if step.rows.is_empty() { vec![Row::new()] } else { step.rows.clone() }
}

fn keep_values(step: &Step, result: &Result<Evidence, StepError>, stage: &mut Stage) {
    for keep in &step.keep {
        let lost = match result {
            Ok(evidence) => match keep::extract(&keep.from, evidence) {
                Ok(value) => {
                    stage.bindings.keep(&keep.name, Binding::Value(value));
                    continue;
                }
                Err(reason) => Loss { reason, unknown: false },
            },
            Err(error) => {
                let (verdict, reason) = not_run(error, stage);
                Loss { reason, unknown: verdict == CheckVerdict::Error }
            }
        };
        stage.bindings.lose(&keep.name, lost);
    }
}

/// What becomes of the checks of a step that could not be done. A variable that the target's answer did not
/// bring fails them; a target that did not answer leaves them unjudged.
fn not_run(error: &StepError, stage: &Stage) -> (CheckVerdict, String) {
    let StepError::Template(TemplateError::Missing { name, .. }) = error else {
        return (CheckVerdict::Error, error.to_string());
    };
    match stage.bindings.loss(name) {
        Some(loss) => {
            let verdict = if loss.unknown { CheckVerdict::Error } else { CheckVerdict::Fail };
            (verdict, format!("not run: `${{{name}}}` was not kept: {}", loss.reason))
        }
        None => (CheckVerdict::Fail, format!("not run: {error}")),
    }
}

fn outcome(
    statements: Vec<String>,
    verdict: CheckVerdict,
    message: &str,
    span: crate::scenario::model::Span,
) -> Outcome {
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

fn is_bad(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Error)
}

/// What an answer to a cleanup step says against it; something that is gone already is clean.
fn refusal(evidence: &Evidence) -> Option<String> {
    let Evidence::Http(exchanges) = evidence else { return None };
    let refused = exchanges.iter().find(|exchange| exchange.status >= 400 && exchange.status != 404)?;
    Some(format!("{} {} answered {}", refused.method, refused.url, refused.status))
}
