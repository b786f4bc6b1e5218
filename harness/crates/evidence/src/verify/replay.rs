//! Re-evaluates recorded sub-tests line by line and collects what is not reproduced.

use std::collections::{BTreeMap, BTreeSet};

use harness_model::check::outcome::Outcome;
use harness_model::event::{Event, Fault, SubtestFinished, SubtestStarted, SubtestVerdict};
use harness_model::judge::{Judge, SubtestEnd};
use harness_model::plan::{Disposition, Plan};
use harness_model::recording::{RecordedCheck, Recording, Replay, Replayed};
use harness_model::requirement::Registry;

use crate::line::RecordedEvent;

use super::difference::CheckPosition;

/// What re-evaluating the lines brought.
#[derive(Debug, Default)]
pub(super) struct Reproduction {
    pub(super) steps: u64,
    /// How many checks are recorded.
    pub(super) checks: u64,
    /// Recorded outcomes that were not reproduced, one line each.
    pub(super) problems: Vec<String>,
    /// Checks that cannot be re-evaluated because they depend on a secret, one line each with the reason.
    pub(super) secret_dependent: Vec<String>,
    /// Checks whose messages depend on secrets.
    pub(super) secret_messages: BTreeSet<CheckPosition>,
}

/// Re-evaluates interleaved sub-tests, as they ran.
pub(super) struct Replayer<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    is_strict: bool,
    compares_messages: bool,
    running: BTreeMap<usize, RunningSubtest<'a>>,
    finished: BTreeSet<usize>,
    reproduction: Reproduction,
}

struct RunningSubtest<'a> {
    replay: Replay<'a>,
    checks: usize,
    has_secret_dependent_check: bool,
    has_secret_message: bool,
}

impl<'a> Replayer<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        registry: &'a Registry,
        is_strict: bool,
        compares_messages: bool,
    ) -> Self {
        Self {
            plan,
            registry,
            is_strict,
            compares_messages,
            running: BTreeMap::new(),
            finished: BTreeSet::new(),
            reproduction: Reproduction::default(),
        }
    }

    /// Processes a line about a sub-test and returns the corresponding run event, with re-evaluated outcomes.
    pub(super) fn replay(&mut self, line: u64, event: RecordedEvent) -> Option<Event> {
        match event {
            RecordedEvent::RunStarted(_) | RecordedEvent::Settled(_) | RecordedEvent::RunFinished(_) => None,
            RecordedEvent::SubtestStarted(started) => self.start(line, started),
            RecordedEvent::Step { subtest, recording } => self.step(line, subtest, &recording),
            RecordedEvent::CleanupFailed(failed) => Some(Event::CleanupFailed(failed)),
            RecordedEvent::SubtestFinished(finished) => {
                self.end(line, &finished);
                Some(Event::SubtestFinished(finished))
            }
        }
    }

    /// Resets the sub-tests' state for another run of the plan.
    pub(super) fn restart(&mut self) {
        self.running.clear();
        self.finished.clear();
    }

    pub(super) fn finish(self) -> Reproduction {
        self.reproduction
    }

    fn start(&mut self, line: u64, started: SubtestStarted) -> Option<Event> {
        let subtest = started.subtest;
        let planned = self.plan.planned(subtest).filter(|planned| planned.scenario.id == started.id);
        let Some(planned) = planned else {
            self.problem(line, subtest, "unexpected sub-test: not planned at this position");
            return None;
        };
        if self.running.contains_key(&subtest) || self.finished.contains(&subtest) {
            self.problem(line, subtest, "the sub-test is started twice");
            return None;
        }
        let judge = Judge { planned, registry: self.registry, strict: self.is_strict };
        let running = RunningSubtest {
            replay: Replay::new(judge),
            checks: 0,
            has_secret_dependent_check: false,
            has_secret_message: false,
        };
        self.running.insert(subtest, running);
        Some(Event::SubtestStarted(started))
    }

    fn step(&mut self, line: u64, subtest: usize, recording: &Recording) -> Option<Event> {
        self.reproduction.steps += 1;
        let Some(running) = self.running.get_mut(&subtest) else {
            self.problem(line, subtest, "a step is recorded where its sub-test is not running");
            return None;
        };
        let first_check = running.checks;
        running.checks += recording.checks.len();
        self.reproduction.checks += recording.checks.len() as u64;
        match running.replay.step(recording) {
            Ok(replayed) => Some(self.compare_step(line, subtest, first_check, recording, replayed)),
            Err(misfit) => {
                self.problem(line, subtest, &misfit.to_string());
                None
            }
        }
    }

    fn compare_step(
        &mut self,
        line: u64,
        subtest: usize,
        first_check: usize,
        recording: &Recording,
        replayed: Replayed,
    ) -> Event {
        let Replayed { name, span, mut outcomes, .. } = replayed;
        let (recorded, reproduced) = (recording.checks.len(), outcomes.len());
        if recorded != reproduced {
            let problem = format!("{recorded} checks are recorded, but {reproduced} are reproduced");
            self.problem(line, subtest, &problem);
        }
        outcomes.truncate(recorded);
        for (index, (outcome, check)) in outcomes.iter_mut().zip(&recording.checks).enumerate() {
            let label = format!("“{name}”, check {} ({})", index + 1, check.statements.join(", "));
            if check.words_rest_on_secret || check.rests_on_secret.is_some() {
                let position =
                    CheckPosition { subtest: self.plan.position(subtest), check: first_check + index };
                self.reproduction.secret_messages.insert(position);
                self.note(subtest, |running| running.has_secret_message = true);
            }
            if let Some(reason) = &check.rests_on_secret {
                outcome.verdict = check.verdict;
                self.note(subtest, |running| running.has_secret_dependent_check = true);
                let id = self.id(subtest);
                self.reproduction.secret_dependent.push(format!("line {line}, {id}: {label}: {reason}"));
            } else if let Some(difference) = difference(check, outcome) {
                self.problem(line, subtest, &format!("{label} {difference}"));
            }
        }
        Event::StepFinished {
            subtest,
            name,
            span,
            exchanges: Vec::new(),
            process: None,
            wire: None,
            page: None,
            repeat: None,
            outcomes,
            recording: None,
        }
    }

    fn end(&mut self, line: u64, recorded: &SubtestFinished) {
        let subtest = recorded.subtest;
        self.finished.insert(subtest);
        let planned = self.plan.planned(subtest);
        let is_skipped = planned.is_some_and(|planned| matches!(planned.disposition, Disposition::Skip(_)));
        let problem = match self.running.remove(&subtest) {
            Some(running) => running.contradiction(recorded, is_skipped, self.compares_messages),
            // Interrupted before it started.
            None if recorded.verdict == SubtestVerdict::Error || is_skipped => None,
            // Not run after enough failures, which is a gap of the run.
            None if recorded.verdict == SubtestVerdict::Skip
                && recorded.fault == Some(Fault::Interruption) =>
            {
                None
            }
            None => Some("the sub-test ends without having started".to_owned()),
        };
        problem.iter().for_each(|problem| self.problem(line, subtest, problem));
    }

    fn problem(&mut self, line: u64, subtest: usize, what: &str) {
        let id = self.id(subtest);
        self.reproduction.problems.push(format!("line {line}, {id}: {what}"));
    }

    fn note(&mut self, subtest: usize, change: impl FnOnce(&mut RunningSubtest<'a>)) {
        if let Some(running) = self.running.get_mut(&subtest) {
            change(running);
        }
    }

    fn id(&self, subtest: usize) -> &'a str {
        self.plan.planned(subtest).map_or("unknown sub-test", |planned| planned.scenario.id.as_str())
    }
}

impl RunningSubtest<'_> {
    /// Returns why the recorded end does not follow from the sub-test's checks.
    fn contradiction(
        &self,
        recorded: &SubtestFinished,
        is_skipped: bool,
        compares_messages: bool,
    ) -> Option<String> {
        let is_complete = self.replay.is_complete();
        let SubtestEnd { verdict, reason, .. } = self.replay.tally().clone().end();
        let reason = reason.map(|reason| self.replay.secrets().conceal(&reason));
        let compares_reason = compares_messages && !self.has_secret_message;
        match recorded.verdict {
            SubtestVerdict::Skip if is_skipped && self.checks == 0 => None,
            SubtestVerdict::Error if !is_complete || recorded.fault == Some(Fault::Interruption) => None,
            _ if self.has_secret_dependent_check => None,
            SubtestVerdict::Pass if !is_complete => {
                Some("the sub-test passed, but steps are missing".to_owned())
            }
            found if found != verdict => {
                Some(format!("recorded as `{}`, but re-evaluated as `{}`", word(found), word(verdict)))
            }
            _ if compares_reason && reason != recorded.reason => {
                Some("the reason differs after re-evaluation".to_owned())
            }
            _ => None,
        }
    }
}

fn difference(recorded: &RecordedCheck, outcome: &Outcome) -> Option<String> {
    if recorded.statements != outcome.statements {
        return Some(format!("verifies {} when re-evaluated", outcome.statements.join(", ")));
    }
    (recorded.verdict != outcome.verdict).then(|| {
        format!(
            "is recorded as `{}`, but re-evaluated as `{}`: {}",
            word(recorded.verdict),
            word(outcome.verdict),
            outcome.message
        )
    })
}

/// Returns a verdict's name in the recording.
fn word(verdict: impl serde::Serialize) -> String {
    let value = serde_json::to_value(verdict).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
