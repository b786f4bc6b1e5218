//! From a record to results.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::check::outcome::{CheckVerdict, Outcome};
use crate::plan::{Disposition, PlannedSubtest};
use crate::report::claim::{Claims, Exercise};
use crate::report::record::{Record, SubtestRecord};
use crate::requirement::Registry;
use crate::requirement::coverage::{Findings, coverage};
use crate::run::event::SubtestVerdict;
use crate::scenario::diagnostic::line;
use crate::scenario::model::Source;

use super::failed_step::milliseconds;
use super::{ChapterResult, CheckResult, FailedStep, Kit, RequirementResult, Results, SubtestResult, Totals};

impl Results {
    /// The results of a run.
    pub fn of(record: &Record, registry: &Registry) -> Self {
        let verdict = record.tally().verdict();
        let subtests: Vec<SubtestResult> =
            record.subtests().map(|(planned, record)| subtest(planned, record)).collect();
        let requirements = requirements(record, registry);
        Self {
            kit: Kit { name: "harness".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            target: record.target.clone(),
            run_id: None,
            started_at: OffsetDateTime::from(record.started_at).format(&Rfc3339).unwrap_or_default(),
            duration_ms: milliseconds(record.took),
            verdict,
            exit_code: verdict.exit_code(),
            totals: Totals::of(&subtests, &requirements),
            chapters: chapters(&subtests, &requirements, registry),
            subtests,
            requirements,
            gaps: record.gaps(),
            leftovers: Vec::new(),
            capabilities: claims(record),
            waivers: Vec::new(),
            retries: 0,
            diagnosis: Vec::new(),
        }
    }
}

fn subtest(planned: &PlannedSubtest, record: &SubtestRecord) -> SubtestResult {
    let scenario = &planned.scenario;
    let unfinished = || Some("it never ended".to_owned());
    SubtestResult {
        id: scenario.id.clone(),
        suite: scenario.suite.clone(),
        chapter: scenario.chapter.clone(),
        title: scenario.title.clone(),
        verdict: record.verdict.unwrap_or(SubtestVerdict::Error),
        reason: if record.verdict.is_none() { unfinished() } else { record.reason.clone() },
        duration_ms: milliseconds(record.took),
        checks: checks(record, &scenario.source),
        failures: record.bad_steps.iter().map(|step| FailedStep::of(step, &scenario.source)).collect(),
        leftovers: record.leftovers.clone(),
    }
}

fn checks(record: &SubtestRecord, source: &Source) -> Vec<CheckResult> {
    let steps = record.steps.iter().flat_map(|(name, checks)| std::iter::repeat_n(name, *checks));
    record.outcomes.iter().zip(steps).map(|(outcome, step)| check(outcome, step, source)).collect()
}

fn check(outcome: &Outcome, step: &str, source: &Source) -> CheckResult {
    CheckResult {
        step: step.to_owned(),
        requirements: outcome.statements.clone(),
        verdict: outcome.verdict,
        expected: outcome.expected.clone(),
        actual: outcome.actual.clone(),
        message: outcome.message.clone(),
        location: format!("{}:{}", source.path.display(), line(source, &outcome.span)),
        notes: outcome.notes.clone(),
        wire: outcome.seen.clone(),
        waiver: None,
    }
}

fn requirements(record: &Record, registry: &Registry) -> Vec<RequirementResult> {
    let mut findings = Findings::default();
    let mut suites: Vec<String> = Vec::new();
    for (planned, result) in record.subtests() {
        let scenario = &planned.scenario;
        if !suites.contains(&scenario.suite) {
            suites.push(scenario.suite.clone());
        }
        let named = scenario.steps.iter().flat_map(|step| {
            let once = step.checks.iter().flat_map(|check| &check.verifies);
            std::iter::repeat_n(once, step.rows.len().max(1)).flatten()
        });
        let announced = scenario.skip.iter().flat_map(|skip| &skip.statements);
        match &planned.disposition {
            Disposition::Run => findings.planned(named),
            Disposition::Skip(reason) => findings.skipped(named.chain(announced), reason),
        }
        result.outcomes.iter().for_each(|outcome| findings.judged(outcome));
    }
    coverage(registry, &suites, &findings, record.target.reference)
        .into_iter()
        .map(|coverage| RequirementResult {
            text: registry.get(&coverage.id).map_or_else(String::new, |statement| statement.text.clone()),
            suite: suite_of(registry, &coverage.id),
            chapter: chapter_of(&coverage.id).to_owned(),
            id: coverage.id,
            level: coverage.level,
            verdict: coverage.verdict,
            reason: coverage.reason,
            waiver: None,
        })
        .collect()
}

fn claims(record: &Record) -> Claims {
    let selected: Vec<Exercise<'_>> = record
        .subtests()
        .map(|(planned, record)| Exercise {
            id: &planned.scenario.id,
            needs: &planned.scenario.needs,
            is_cut_short: planned.disposition == Disposition::Run && record.outcomes.is_empty(),
            checks: record.outcomes.iter().filter(|outcome| outcome.verdict != CheckVerdict::Skip).count(),
        })
        .collect();
    Claims::of(&record.target.capabilities, &selected)
}

fn chapter_of(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

fn suite_of(registry: &Registry, id: &str) -> Option<String> {
    registry.chapter(chapter_of(id))?.suite.clone()
}

fn chapters(
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
