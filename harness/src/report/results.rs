//! `results.json`: a run as other programs read it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::check::outcome::{CheckVerdict, Outcome};
use crate::plan::{Disposition, PlannedSubtest};
use crate::report::exit_code::Verdict;
use crate::report::record::{Record, SubtestRecord};
use crate::report::resemblance::Resemblance;
use crate::requirement::coverage::{Findings, StatementVerdict, coverage};
use crate::requirement::{Level, Registry};
use crate::run::event::{SubtestVerdict, TargetDescription};
use crate::scenario::diagnostic::line;
use crate::scenario::model::Source;

/// Everything that a run found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// What judged.
    pub kit: Kit,
    /// What was judged.
    pub target: TargetDescription,
    /// When the run began (RFC 3339).
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it says about the target.
    pub verdict: Verdict,
    /// The process's exit code.
    pub exit_code: u8,
    /// The sub-tests, in the plan's order.
    pub subtests: Vec<SubtestResult>,
    /// The statements of the suites that ran.
    pub requirements: Vec<RequirementResult>,
    /// Everything counted.
    pub totals: Totals,
    /// What was planned or promised and not done.
    pub gaps: Vec<String>,
    /// What the target behaves like, if checks failed; the best explanation first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Resemblance>,
}

/// The kit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Kit {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One sub-test.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SubtestResult {
    /// `CHAPTER/NAME`.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// Its chapter.
    pub chapter: String,
    /// What it proves.
    pub title: String,
    /// How it ended.
    pub verdict: SubtestVerdict,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Its checks, in the order in which they were judged.
    pub checks: Vec<CheckResult>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The statements that it judges.
    pub requirements: Vec<String>,
    /// What it found.
    pub verdict: CheckVerdict,
    /// What the documents want.
    pub expected: String,
    /// What came.
    pub actual: String,
    /// What is wrong, or what was seen.
    pub message: String,
    /// `FILE:LINE` of the expectation.
    pub location: String,
    /// Remarks that fail only under `--strict`.
    pub notes: Vec<String>,
    /// Of a check on the kit's own WireGuard peer that does not hold: what the peer sent and heard, without keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<String>,
}

/// One statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// Its id.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Whether it was shown.
    pub verdict: StatementVerdict,
    /// Why it is not verified, or only in part.
    pub reason: Option<String>,
}

/// Everything counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sub-tests by verdict, and `total`.
    pub subtests: BTreeMap<String, usize>,
    /// Checks by verdict, and `total`.
    pub checks: BTreeMap<String, usize>,
    /// Statements by verdict, and `total`.
    pub requirements: BTreeMap<String, usize>,
}

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
            started_at: OffsetDateTime::from(record.started_at).format(&Rfc3339).unwrap_or_default(),
            duration_ms: milliseconds(record.took),
            verdict,
            exit_code: verdict.exit_code(),
            totals: Totals::of(&subtests, &requirements),
            subtests,
            requirements,
            gaps: record.gaps(),
            diagnosis: Vec::new(),
        }
    }
}

impl Totals {
    fn of(subtests: &[SubtestResult], requirements: &[RequirementResult]) -> Self {
        let checks = subtests.iter().flat_map(|subtest| &subtest.checks).map(|check| check.verdict);
        Self {
            subtests: counted(
                &["pass", "fail", "skip", "error", "waived"],
                subtests.iter().map(|subtest| subtest.verdict),
            ),
            checks: counted(&["pass", "fail", "skip", "error"], checks),
            requirements: counted(
                &["verified", "violated", "unverified"],
                requirements.iter().map(|requirement| requirement.verdict),
            ),
        }
    }
}

/// Every verdict is counted, so that a reader finds its zero too.
fn counted<V: Serialize>(names: &[&str], verdicts: impl Iterator<Item = V>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    let mut total = 0;
    for verdict in verdicts {
        total += 1;
        let name = serde_json::to_value(verdict).ok();
        if let Some(name) = name.as_ref().and_then(serde_json::Value::as_str) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts.insert("total".to_owned(), total);
    counts
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
        checks: record.outcomes.iter().map(|outcome| check(outcome, &scenario.source)).collect(),
        leftovers: record.leftovers.clone(),
    }
}

fn check(outcome: &Outcome, source: &Source) -> CheckResult {
    CheckResult {
        requirements: outcome.statements.clone(),
        verdict: outcome.verdict,
        expected: outcome.expected.clone(),
        actual: outcome.actual.clone(),
        message: outcome.message.clone(),
        location: format!("{}:{}", source.path.display(), line(source, &outcome.span)),
        notes: outcome.notes.clone(),
        wire: outcome.seen.clone(),
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
            id: coverage.id,
            level: coverage.level,
            verdict: coverage.verdict,
            reason: coverage.reason,
        })
        .collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
