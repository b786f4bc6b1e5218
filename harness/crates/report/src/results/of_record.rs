//! Builds results from a record.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::coverage::{Coverage, StatementVerdict};
use crate::exit_code::Verdict;
use crate::extent::Extent;
use crate::level::levels;
use crate::record::{Record, SubtestRecord};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::SubtestVerdict;
use harness_model::plan::PlannedSubtest;
use harness_model::plan::waiver::{AppliedWaiver, WaiverState};
use harness_model::requirement::Registry;

use super::failed_step::{FailedStep, milliseconds};
use super::format::{Kit, Results};
use super::requirement::{ChapterResult, RequirementResult};
use super::selected::Selected;
use super::subtest::{CheckResult, SubtestResult};
use super::totals::Totals;

impl Results {
    /// Builds the results of a run.
    pub fn of(record: &Record, registry: &Registry) -> Self {
        let subtests: Vec<SubtestResult> =
            record.subtests().map(|(planned, record)| subtest(planned, record)).collect();
        let summary = record.summary();
        let coverage = summary.coverage(registry);
        let waivers = summary.waivers();
        let extent = Extent::of(&coverage, summary.scope, used(&waivers), record.target.deviating.is_some());
        let verdict = record.tally().verdict().within(&extent);
        let requirements = requirements(coverage, &subtests, registry);
        let results = Self {
            kit: Kit { name: "harness".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            target: record.target.clone(),
            run_id: record.run_id.clone(),
            started_at: OffsetDateTime::from(record.started_at).format(&Rfc3339).unwrap_or_default(),
            duration_ms: milliseconds(record.took),
            verdict,
            exit_code: verdict.exit_code().into(),
            totals: Totals::of(&subtests, &requirements),
            chapters: chapters(&subtests, &requirements, registry),
            subtests,
            requirements,
            capabilities: summary.claims(),
            levels: levels(&summary, registry, !extent.selection && !extent.deviating),
            extent,
            waivers,
            selection: Selected::of(&record.plan),
            gaps: record.gaps(),
            regressions: Vec::new(),
            leftovers: record.leftovers.clone(),
            retries: record.retries,
            diagnosis: Vec::new(),
        };
        results.shown()
    }

    /// Adds regressions and order-dependent results, with which a run without failures does not pass.
    pub fn worsen(&mut self, regressions: impl IntoIterator<Item = String>) {
        self.regressions.extend(regressions);
        if self.verdict.is_pass() && !self.regressions.is_empty() {
            self.verdict = Verdict::Worse;
            self.exit_code = Verdict::Worse.exit_code().into();
        }
    }
}

/// Returns how many waivers let a failure pass.
pub(crate) fn used(waivers: &[AppliedWaiver]) -> usize {
    waivers.iter().filter(|waiver| waiver.state == WaiverState::Used).count()
}

fn subtest(planned: &PlannedSubtest, record: &SubtestRecord) -> SubtestResult {
    let scenario = &planned.scenario;
    let unfinished = || Some("did not finish".to_owned());
    SubtestResult {
        id: scenario.id.clone(),
        suite: scenario.suite.clone(),
        chapter: scenario.chapter.clone(),
        title: scenario.title.clone(),
        verdict: record.verdict.unwrap_or(SubtestVerdict::Error),
        reason: if record.verdict.is_none() { unfinished() } else { record.reason.clone() },
        fault: record.fault,
        repetitions: (record.runs.ended() > 1).then_some(record.runs),
        duration_ms: milliseconds(record.took),
        checks: checks(planned, record),
        failures: record.bad_steps.iter().map(|step| FailedStep::of(step, &scenario.source)).collect(),
        leftovers: record.leftovers.clone(),
        logs: record.logs.clone(),
    }
}

fn checks(planned: &PlannedSubtest, record: &SubtestRecord) -> Vec<CheckResult> {
    let steps = record.steps.iter().flat_map(|step| std::iter::repeat_n(&step.name, step.outcomes));
    record.outcomes.iter().zip(steps).map(|(outcome, step)| check(planned, outcome, step)).collect()
}

fn check(planned: &PlannedSubtest, outcome: &Outcome, step: &str) -> CheckResult {
    let source = &planned.scenario.source;
    let location = source.location(&outcome.span);
    let waiver = (outcome.verdict == CheckVerdict::Waived)
        .then(|| planned.waivers.letting_through(&planned.scenario, &outcome.statements, location.line))
        .flatten();
    CheckResult {
        step: step.to_owned(),
        requirements: outcome.statements.clone(),
        verdict: outcome.verdict,
        expected: outcome.expected.clone(),
        actual: outcome.actual.clone(),
        message: outcome.message.clone(),
        location,
        notes: outcome.notes.clone(),
        unevaluated: outcome.unevaluated.clone(),
        wire: outcome.seen.clone(),
        waiver: waiver.map(|waiver| waiver.applied(WaiverState::Used)),
    }
}

pub(crate) fn requirements(
    coverage: Vec<Coverage>,
    subtests: &[SubtestResult],
    registry: &Registry,
) -> Vec<RequirementResult> {
    let waived = |id: &String| {
        let mut checks = subtests.iter().flat_map(|subtest| &subtest.checks);
        checks.find(|check| check.waiver.is_some() && check.requirements.contains(id))?.waiver.clone()
    };
    let failed = |id: &String| {
        let mut checks = subtests.iter().flat_map(|subtest| &subtest.checks);
        checks.any(|check| check.verdict == CheckVerdict::Fail && check.requirements.contains(id))
    };
    coverage
        .into_iter()
        .map(|coverage| RequirementResult {
            text: registry.get(&coverage.id).map_or_else(String::new, |statement| statement.text.clone()),
            suite: suite_of(registry, &coverage.id),
            chapter: chapter_of(&coverage.id).to_owned(),
            waiver: (coverage.verdict == StatementVerdict::Violated && !failed(&coverage.id))
                .then(|| waived(&coverage.id))
                .flatten(),
            id: coverage.id,
            level: coverage.level,
            verdict: coverage.verdict,
            reason: coverage.reason,
            unjudged: coverage.unjudged,
            inapplicable: coverage.is_inapplicable,
        })
        .collect()
}

fn chapter_of(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

fn suite_of(registry: &Registry, id: &str) -> Option<String> {
    registry.chapter(chapter_of(id))?.suite.clone()
}

pub(crate) fn chapters(
    subtests: &[SubtestResult],
    requirements: &[RequirementResult],
    registry: &Registry,
) -> Vec<ChapterResult> {
    let named: BTreeSet<&str> = subtests
        .iter()
        .map(|subtest| subtest.chapter.as_str())
        .chain(requirements.iter().map(|requirement| requirement.chapter.as_str()))
        .collect();
    let chapters = registry.chapters().iter().filter(|chapter| named.contains(chapter.id.as_str()));
    chapters
        .map(|chapter| ChapterResult {
            id: chapter.id.clone(),
            suite: chapter.suite.clone(),
            title: chapter.title.clone(),
            document: chapter.document.clone(),
        })
        .collect()
}
