//! One line after the other against what comes out when its checks are evaluated again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::line::Happened;
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::{Event, Fault, SubtestVerdict};
use harness_model::judge::Judge;
use harness_model::plan::Plan;
use harness_model::recording::{RecordedCheck, Recording, Replay, Replayed};
use harness_model::requirement::Registry;
use harness_report::results::Results;

/// What was found while the lines were taken.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    /// How many steps were judged again.
    pub(super) steps: u64,
    /// How many checks are recorded.
    pub(super) checks: u64,
    /// Where something recorded does not come out again.
    pub(super) problems: Vec<String>,
    /// The checks that cannot be evaluated again, and why.
    pub(super) resting: Vec<String>,
    /// The checks, by sub-test and position, whose words rest on secrets.
    pub(super) wordless: BTreeSet<(usize, usize)>,
}

/// The sub-tests as they are judged again, side by side as they ran.
pub(super) struct Trial<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    strict: bool,
    compares_words: bool,
    results: Option<&'a Results>,
    running: BTreeMap<usize, Course<'a>>,
    over: BTreeSet<usize>,
    agreement: Agreement,
}

/// A sub-test that began.
struct Course<'a> {
    replay: Replay<'a>,
    checks: usize,
    rests_on_secrets: bool,
    has_own_words: bool,
}

impl<'a> Trial<'a> {
    /// No line is taken yet.
    pub(super) fn new(
        plan: &'a Plan,
        registry: &'a Registry,
        strict: bool,
        compares_words: bool,
        results: Option<&'a Results>,
    ) -> Self {
        let (running, over, agreement) = (BTreeMap::new(), BTreeSet::new(), Agreement::default());
        Self { plan, registry, strict, compares_words, results, running, over, agreement }
    }

    /// Takes a line, and tells what happened as the run told it.
    pub(super) fn take(&mut self, number: u64, happened: Happened) -> Option<Event> {
        match happened {
            Happened::RunStarted(_) | Happened::Settled { .. } | Happened::RunFinished { .. } => None,
            Happened::SubtestStarted { subtest, id, .. } => self.started(number, subtest, &id),
            Happened::Step { subtest, recording } => self.step(number, subtest, &recording),
            Happened::CleanupFailed { subtest, message } => Some(Event::CleanupFailed { subtest, message }),
            Happened::SubtestFinished { subtest, verdict, reason, fault, took_ns } => {
                self.finished(number, subtest, verdict, reason.as_deref(), fault);
                let took = Duration::from_nanos(took_ns);
                Some(Event::SubtestFinished { subtest, verdict, reason, fault, took })
            }
        }
    }

    /// The plan is run once more.
    pub(super) fn again(&mut self) {
        self.running.clear();
        self.over.clear();
    }

    /// What was found.
    pub(super) fn end(self) -> Agreement {
        self.agreement
    }

    fn problem(&mut self, number: u64, subtest: usize, what: &str) {
        let id = self.plan.planned(subtest).map_or("no sub-test", |planned| planned.scenario.id.as_str());
        self.agreement.problems.push(format!("line {number}, {id}: {what}"));
    }

    fn started(&mut self, number: u64, subtest: usize, id: &str) -> Option<Event> {
        let planned = self.plan.planned(subtest).filter(|planned| planned.scenario.id == id);
        let Some(planned) = planned else {
            self.problem(number, subtest, "a sub-test begins that the plan does not have there");
            return None;
        };
        if self.running.contains_key(&subtest) || self.over.contains(&subtest) {
            self.problem(number, subtest, "it begins a second time");
            return None;
        }
        let judge = Judge { planned, registry: self.registry, strict: self.strict };
        let replay = Replay::new(judge);
        let course = Course { replay, checks: 0, rests_on_secrets: false, has_own_words: true };
        self.running.insert(subtest, course);
        Some(Event::SubtestStarted { subtest })
    }

    fn step(&mut self, number: u64, subtest: usize, recording: &Recording) -> Option<Event> {
        self.agreement.steps += 1;
        let Some(course) = self.running.get_mut(&subtest) else {
            self.problem(number, subtest, "a step of a sub-test that does not run");
            return None;
        };
        let first = course.checks;
        course.checks += recording.checks.len();
        self.agreement.checks += recording.checks.len() as u64;
        let replayed = match course.replay.step(recording) {
            Ok(replayed) => replayed,
            Err(misfit) => {
                self.problem(number, subtest, &misfit.to_string());
                return None;
            }
        };
        let mut problems = Vec::new();
        if replayed.outcomes.len() != recording.checks.len() {
            problems.push(format!(
                "{} checks are recorded, and {} come out",
                recording.checks.len(),
                replayed.outcomes.len()
            ));
        }
        let Replayed { name, span, outcomes, .. } = replayed;
        let mut told = Vec::new();
        for (index, (mut outcome, check)) in outcomes.into_iter().zip(&recording.checks).enumerate() {
            let what = || format!("“{name}”, check {} ({})", index + 1, check.statements.join(", "));
            if check.words_rest_on_secret || check.rests_on_secret.is_some() {
                self.agreement.wordless.insert((self.plan.position(subtest), first + index));
                course.has_own_words = false;
            }
            if let Some(reason) = &check.rests_on_secret {
                course.rests_on_secrets = true;
                let id = &course_id(self.plan, subtest);
                self.agreement.resting.push(format!("line {number}, {id}: {}: {reason}", what()));
                outcome.verdict = check.verdict;
            } else if let Some(difference) = difference(check, &outcome) {
                problems.push(format!("{} {difference}", what()));
            }
            told.push(outcome);
        }
        for problem in problems {
            self.problem(number, subtest, &problem);
        }
        Some(Event::StepFinished {
            subtest,
            name,
            span,
            exchanges: Vec::new(),
            process: None,
            wire: None,
            repeat: None,
            outcomes: told,
            recording: None,
        })
    }

    /// Whether the sub-test's verdict follows from its checks.
    fn finished(
        &mut self,
        number: u64,
        subtest: usize,
        verdict: SubtestVerdict,
        reason: Option<&str>,
        fault: Option<Fault>,
    ) {
        self.over.insert(subtest);
        let is_skipped = self
            .plan
            .planned(subtest)
            .is_some_and(|planned| matches!(planned.disposition, harness_model::plan::Disposition::Skip(_)));
        let Some(course) = self.running.remove(&subtest) else {
            // Interrupted before it began.
            if verdict != SubtestVerdict::Error && !is_skipped {
                self.problem(number, subtest, "it ends and never began");
            }
            return;
        };
        let is_complete = course.replay.is_complete();
        let (wanted, _, words) = course.replay.tally().clone().verdict();
        let words = words.map(|words| course.replay.secrets().conceal(&words));
        let has_words = self.compares_words && course.has_own_words && self.results.is_some();
        let told = match verdict {
            SubtestVerdict::Skip if is_skipped && course.checks == 0 => return,
            SubtestVerdict::Error if !is_complete || fault == Some(Fault::Interruption) => return,
            _ if course.rests_on_secrets => return,
            SubtestVerdict::Pass if !is_complete => "it passed, and steps are missing".to_owned(),
            _ if verdict != wanted => {
                format!("it is recorded as `{}` and comes out as `{}`", word(verdict), word(wanted))
            }
            _ if has_words && words.as_deref() != reason => "its reason comes out otherwise".to_owned(),
            _ => return,
        };
        self.problem(number, subtest, &told);
    }
}

fn course_id(plan: &Plan, subtest: usize) -> String {
    plan.planned(subtest).map(|planned| planned.scenario.id.clone()).unwrap_or_default()
}

fn difference(check: &RecordedCheck, outcome: &Outcome) -> Option<String> {
    if check.statements != outcome.statements {
        let found = outcome.statements.join(", ");
        return Some(format!("judges {found} when it is evaluated again"));
    }
    if check.verdict != outcome.verdict {
        return Some(format!(
            "is recorded as `{}` and comes out as `{}`: {}",
            check_word(check.verdict),
            check_word(outcome.verdict),
            outcome.message
        ));
    }
    None
}

fn check_word(verdict: CheckVerdict) -> String {
    let value = serde_json::to_value(verdict).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn word(verdict: SubtestVerdict) -> String {
    let value = serde_json::to_value(verdict).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
