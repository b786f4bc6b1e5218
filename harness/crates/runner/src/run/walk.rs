//! Executes and judges the steps of a sub-test one after the other.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::run::events::Events;
use crate::run::ledger::Ledger;
use crate::run::picture;
use crate::run::repeat;
use crate::run::repeat::shell_variable;
use crate::run::setting::{Detail, RunSettings};
use crate::run::settling::Settling;
use crate::step::eventually::{LONG, Polling};
use crate::step::{Stage, StepError, browse, may_wait_in_vain, perform};
use harness_model::check::evidence::{Evidence, Exchange, PageResult, ProcessResult};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::check::snapshot::SnapshotMode;
use harness_model::check::{Applicability, applicability};
use harness_model::event::{CleanupFailed, Event, Fault};
use harness_model::judge::{Judge, NotExecuted, StepResult, Tally, keep_values, name, rows};
use harness_model::plan::PlannedSubtest;
use harness_model::recording::{Moment, Recorder, Recording};
use harness_model::scenario::model::{Action, Request, Row, Step};
use harness_model::scenario::template::{TemplateError, fill_template};
use harness_model::scenario::undocumented::used_by;
use harness_model::secret::Secrets;
use harness_model::text::foreign::shown;
use tokio::time::timeout;

/// One execution of a sub-test's steps.
pub(super) struct Walk<'a> {
    pub(super) setting: &'a RunSettings,
    pub(super) planned: &'a PlannedSubtest,
    pub(super) subtest: usize,
    pub(super) secrets: &'a Secrets,
    pub(super) events: &'a Events,
    /// What the sub-test has created on the target.
    pub(super) ledger: &'a Mutex<Ledger>,
}

impl Walk<'_> {
    /// Executes every step, once per row. After a step that failed because of the environment, later steps could not show
    /// anything about the target: they are left out and their checks unjudged.
    pub(super) async fn steps(&self, stage: &mut Stage, tally: &mut Tally) {
        let mut broken: Option<Obstacle> = None;
        let key = self.setting.evidence.as_ref();
        let mut settling = Settling::new(self.planned, stage, self.ledger, self.secrets);
        let mut recorder = key.map(|key| Recorder::new(key.clone(), self.judge(), self.secrets));
        for (index, step) in self.planned.scenario.steps.iter().enumerate() {
            for (row, cells) in rows(step).iter().enumerate() {
                stage.bindings.enter_row(cells);
                let title = name(step, &stage.bindings);
                tally.step = self.secrets.conceal(&title);
                let mut moment = Moment { step: index, row, at: SystemTime::now(), attempts: 1 };
                let (mut result, outcomes) = match (self.judge().restraint(step, &stage.bindings), &broken) {
                    (Some(why), _) if why.is_omitted => self.leave_out(step, stage, why),
                    (_, Some(obstacle)) => self.leave_out(step, stage, obstacle.error().into()),
                    (Some(why), None) => self.leave_out(step, stage, why),
                    (None, None) => self.execute(step, stage, &mut settling, &mut moment.attempts).await,
                };
                let cause = result.as_ref().err().filter(|why| why.fault == Fault::Environment);
                broken = broken.or_else(|| cause.map(|why| Obstacle::of(&title, &why.message)));
                let concealed = outcomes.into_iter().map(|outcome| self.secrets.conceal_outcome(outcome));
                let outcomes: Vec<Outcome> = concealed.map(|outcome| self.judge().waived(outcome)).collect();
                tally.note(&result, &outcomes);
                if self.setting.pictures && outcomes.iter().any(is_bad) {
                    picture::take(&mut result, stage, self.secrets, recorder.as_mut()).await;
                }
                let record = |recorder: &mut Recorder<'_>| {
                    Box::new(recorder.record(moment, &title, &result, &stage.bindings, &outcomes))
                };
                let recording = recorder.as_mut().map(record);
                self.send_finished(step, stage, &tally.step, &result, outcomes, recording);
                // Judging waits for nothing: here the sub-test's time limit is noticed, as it is during requests.
                if !matches!(result, Ok(Evidence::Http(_))) {
                    tokio::task::yield_now().await;
                }
            }
            stage.bindings.enter_row(&Row::new());
        }
    }

    /// Executes every step of the cleanup, except those whose variables were never set.
    pub(super) async fn cleanup(&self, stage: &mut Stage) {
        let cleanup = self.planned.scenario.cleanup.iter();
        // What the target lacks cannot be used to clean up either.
        for step in cleanup.filter(|step| used_by(step).is_disjoint(&self.planned.absent)) {
            for row in rows(step) {
                stage.bindings.enter_row(&row);
                if applicability(step, &stage.bindings) != Applicability::Applies {
                    continue;
                }
                let problem = match perform(step, stage).await {
                    Ok(evidence) => {
                        self.record(&evidence);
                        refusal(&evidence)
                    }
                    Err(StepError::Template(TemplateError::Missing { .. })) => None,
                    Err(error) => Some(error.to_string()),
                };
                if let Some(problem) = problem {
                    let message = format!("{}: {problem}", name(step, &stage.bindings));
                    let message = self.secrets.conceal(&message);
                    self.events.send(Event::CleanupFailed(CleanupFailed { subtest: self.subtest, message }));
                }
            }
            stage.bindings.enter_row(&Row::new());
        }
    }

    fn judge(&self) -> Judge<'_> {
        Judge { planned: self.planned, registry: &self.setting.registry, strict: self.setting.strict }
    }

    /// Executes a step; with `eventually`, or if the target's reads lag, repeatedly until its checks pass or its time limit
    /// is reached.
    async fn execute(
        &self,
        step: &Step,
        stage: &mut Stage,
        settling: &mut Settling<'_>,
        attempts: &mut u32,
    ) -> (StepResult, Vec<Outcome>) {
        if let Err(error) = settling.before(step, stage).await {
            return self.leave_out(step, stage, error.into());
        }
        let mut polling = settling.repeats(step).map(Polling::begin);
        settling.after(step);
        let mut seen = None;
        loop {
            let performed = match &seen {
                // What was done is not done again: only the page is read again.
                Some(page) => browse::look_again(page, stage).await,
                None => self.perform(step, stage).await,
            };
            if seen.is_none() && matches!(step.action, Action::Browse(_)) {
                // A page has its time from the end of what was done on it, which took some itself.
                polling = settling.repeats(step).map(Polling::begin);
            }
            let result = performed.map_err(NotExecuted::from);
            // A session may have been renewed.
            for (identity, token) in stage.environment.sessions().await {
                self.secrets.learn(&token, shell_variable(identity));
            }
            if let Ok(evidence) = &result {
                self.secrets.learn_from(evidence);
                self.record(evidence);
            }
            keep_values(step, &result, &mut stage.bindings);
            if let Some(polling) = &mut polling {
                // Only the last attempt may write snapshots.
                let outcomes =
                    self.judge().judge(step, &result, &stage.bindings, SnapshotMode::Compare, self.secrets);
                let has_kept = settling.has_kept(step, &stage.bindings);
                let settled = result.is_ok() && has_kept && !outcomes.iter().any(is_bad);
                let page = page_of(&result);
                let is_final =
                    page.is_some_and(|page| page.problem.is_some()) || seen.is_some() && page.is_none();
                if !settled && polling.is_long() {
                    self.setting.turn.end();
                }
                if !settled && !is_final && polling.again().await {
                    seen = page.cloned();
                    *attempts += 1;
                    continue;
                }
            }
            let outcomes =
                self.judge().judge(step, &result, &stage.bindings, self.setting.snapshots, self.secrets);
            return (result, outcomes);
        }
    }

    /// Executes a step. The turn ends once what it waits for takes longer than it usually does.
    async fn perform(&self, step: &Step, stage: &mut Stage) -> Result<Evidence, StepError> {
        // On the heap: unoptimised, all that a step may do takes much of a thread's stack.
        let mut performed = Box::pin(perform(step, stage));
        if !may_wait_in_vain(step) {
            return performed.await;
        }
        if let Ok(evidence) = timeout(LONG, &mut performed).await {
            return evidence;
        }
        self.setting.turn.end();
        performed.await
    }

    fn record(&self, evidence: &Evidence) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).record(evidence);
    }

    fn leave_out(&self, step: &Step, stage: &mut Stage, why: NotExecuted) -> (StepResult, Vec<Outcome>) {
        let result = Err(why);
        keep_values(step, &result, &mut stage.bindings);
        let outcomes =
            self.judge().judge(step, &result, &stage.bindings, SnapshotMode::Compare, self.secrets);
        (result, outcomes)
    }

    fn send_finished(
        &self,
        step: &Step,
        stage: &Stage,
        name: &str,
        result: &StepResult,
        outcomes: Vec<Outcome>,
        recording: Option<Box<Recording>>,
    ) {
        // Redacting what nobody sees would be most of a step's cost.
        let is_shown = match self.setting.detail {
            Detail::Verdicts => false,
            Detail::FailedSteps => outcomes.iter().any(is_unmet),
            Detail::AllSteps => true,
        };
        let (exchanges, process, wire) = match result {
            _ if !is_shown => (Default::default(), None, None),
            Ok(Evidence::Http(exchanges)) => (exchanges.as_slice(), None, None),
            Ok(Evidence::Process(process)) => (Default::default(), Some(process), None),
            Ok(Evidence::Wire(wire)) => (Default::default(), None, Some(wire)),
            Ok(Evidence::Page(_) | Evidence::Nothing) | Err(_) => (Default::default(), None, None),
        };
        self.events.send(Event::StepFinished {
            subtest: self.subtest,
            name: name.to_owned(),
            span: step.span.clone(),
            repeat: self.repeat(step, exchanges, process, stage),
            exchanges: exchanges.iter().map(|exchange| self.secrets.conceal_exchange(exchange)).collect(),
            process: process.map(|process| self.secrets.conceal_process(process)),
            wire: wire.map(|wire| Box::new(self.secrets.conceal_wire(wire))),
            page: page_of(result).filter(|_| is_shown).map(|page| Box::new(self.secrets.conceal_page(page))),
            outcomes,
            recording,
        });
    }

    fn repeat(
        &self,
        step: &Step,
        exchanges: &[Exchange],
        process: Option<&ProcessResult>,
        stage: &Stage,
    ) -> Option<String> {
        if exchanges.is_empty() && process.is_none() {
            return None;
        }
        let base_url = stage.environment.base_url();
        let is_private = stage.environment.is_private();
        // What a private control plane held is gone: its values become variables, too.
        let own = is_private.then(|| self.secrets.with(repeat::values(&stage.bindings)));
        let secrets = own.as_ref().unwrap_or(self.secrets);
        let line = match (exchanges.first(), process) {
            (Some(exchange), _) => {
                let from = match &step.action {
                    Action::Http(Request { from: Some(from), .. }) => {
                        fill_template(from, stage.bindings.scope()).ok().flatten()
                    }
                    _ => None,
                };
                let base_url = is_private.then_some(base_url);
                Some(repeat::curl(exchange, from.as_deref(), secrets, base_url))
            }
            (None, Some(process)) => Some(repeat::command(process, base_url, secrets, is_private)),
            (None, None) => None,
        };
        let deviating = self.setting.target.description().deviating;
        let deviation = deviating.as_ref().map(|deviating| deviating.id.as_str());
        let line = line.map(|line| shown(&line).into_owned());
        line.map(|line| if is_private { repeat::after_serving(&line, deviation) } else { line })
    }
}

/// The step that could not be carried out, so that later ones show nothing about the target.
struct Obstacle {
    step: String,
    cause: String,
}

impl Obstacle {
    fn of(step: &str, message: &str) -> Self {
        let cause = message.lines().next().unwrap_or_default();
        Self { step: step.to_owned(), cause: cause.to_owned() }
    }

    fn error(&self) -> StepError {
        StepError::Earlier { step: self.step.clone(), cause: self.cause.clone() }
    }
}

fn page_of(result: &StepResult) -> Option<&PageResult> {
    match result {
        Ok(Evidence::Page(page)) => Some(page),
        _ => None,
    }
}

fn is_bad(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Error)
}

fn is_unmet(outcome: &Outcome) -> bool {
    is_bad(outcome) || outcome.verdict == CheckVerdict::Waived
}

/// Describes why a cleanup step was refused. 404 is no refusal: the thing no longer exists.
fn refusal(evidence: &Evidence) -> Option<String> {
    let Evidence::Http(exchanges) = evidence else { return None };
    let refused = exchanges.iter().find(|exchange| exchange.status >= 400 && exchange.status != 404)?;
    Some(format!("{} {} returned {}", refused.method, refused.url, refused.status))
}
