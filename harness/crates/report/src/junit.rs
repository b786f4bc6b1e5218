//! The `junit` report: `<failure>` blames the target, `<error>` the kit or the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::exit_code::Verdict;
use crate::headline;
use crate::level;
use crate::results::{CheckResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Fault, SubtestVerdict};

pub fn render(results: &Results) -> Result<String, quick_junit::SerializeError> {
    let results = &results.shown();
    let mut report = Report::new(format!("{} against {}", results.kit.name, headline::target(results)));
    report.timestamp = results.started_at.parse().ok();
    report.set_time(Duration::from_millis(results.duration_ms));
    let mut suites: BTreeMap<(&str, &str), TestSuite> = BTreeMap::new();
    for subtest in &results.subtests {
        suites
            .entry((&subtest.suite, &subtest.chapter))
            .or_insert_with(|| TestSuite::new(format!("{}/{}", subtest.suite, subtest.chapter)))
            .add_test_case(case(subtest));
    }
    // CI servers show a suite's output next to its failures.
    let diagnosis: Vec<String> = results.diagnosis.iter().map(ToString::to_string).collect();
    for suite in suites.values_mut().filter(|suite| suite.failures > 0 && !diagnosis.is_empty()) {
        suite.set_system_out(diagnosis.join("\n"));
    }
    let properties = properties(results);
    for suite in suites.values_mut() {
        suite.timestamp = report.timestamp;
        suite.add_properties(properties.clone());
        let took = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(took);
    }
    report.add_test_suites(suites.into_values());
    report.add_test_suites(run_suite(results));
    report.to_string()
}

fn case(subtest: &SubtestResult) -> TestCase {
    let reason = subtest.reason.clone().unwrap_or_default();
    let mut status = match subtest.verdict {
        SubtestVerdict::Pass => TestCaseStatus::success(),
        SubtestVerdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        SubtestVerdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        SubtestVerdict::Skip | SubtestVerdict::Waived => TestCaseStatus::skipped(),
    };
    match subtest.verdict {
        SubtestVerdict::Pass => {}
        SubtestVerdict::Error => {
            status.set_message(reason).set_type(match subtest.fault {
                Some(Fault::Kit) => "kit",
                Some(Fault::Interruption) => "interruption",
                _ => "environment",
            });
        }
        SubtestVerdict::Waived => {
            status.set_message(format!("waived: {reason}"));
        }
        _ => {
            status.set_message(reason);
        }
    }
    let bad = || {
        let whole = |check: &&CheckResult| matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Skip);
        subtest.checks.iter().filter(move |check| !whole(check))
    };
    let description = bad().map(describe).collect::<Vec<_>>().join("\n\n");
    if !description.is_empty() {
        status.set_description(description);
    }
    let mut case = TestCase::new(format!("{} {}", subtest.id, subtest.title), status);
    case.set_classname(format!("{}.{}", subtest.suite, subtest.chapter));
    case.set_time(Duration::from_millis(subtest.duration_ms));
    case.set_assertions(subtest.checks.len());
    if let Some(check) = bad().next() {
        case.extra.insert("file".into(), check.location.file.as_str().into());
        case.extra.insert("line".into(), check.location.line.to_string().into());
    }
    let statements: BTreeSet<&str> =
        subtest.checks.iter().flat_map(|check| &check.requirements).map(String::as_str).collect();
    if !statements.is_empty() {
        case.add_property(("statements", statements.into_iter().collect::<Vec<_>>().join(" ").as_str()));
    }
    for leftover in &subtest.leftovers {
        case.add_property(("not cleaned up", leftover.as_str()));
    }
    let repeat: Vec<&str> = subtest.failures.iter().filter_map(|step| step.repeat.as_deref()).collect();
    if !repeat.is_empty() {
        case.set_system_out(repeat.join("\n"));
    }
    case
}

fn describe(check: &CheckResult) -> String {
    let waiver = check.waiver.as_ref().map(|waiver| format!("\nwaived:   {waiver}")).unwrap_or_default();
    format!(
        "{}: {}\n{}\nexpected: {}\nactual:   {}{waiver}",
        check.requirements.join(", "),
        check.message,
        check.location,
        check.expected,
        check.actual
    )
}

fn properties(results: &Results) -> Vec<Property> {
    let claims = &results.capabilities;
    let not_verified: Vec<&str> = claims.not_verified.iter().map(|claim| claim.capability.as_str()).collect();
    let declared: Vec<&str> = claims.declared.iter().map(|claim| claim.capability.as_str()).collect();
    let facts = [
        ("kit", Some(format!("{} {}", results.kit.name, results.kit.version))),
        ("target", Some(headline::target(results))),
        ("base_url", results.target.base_url.clone()),
        ("run_id", results.run_id.clone()),
        ("verdict", Some(headline::verdict(results))),
        ("statements", Some(headline::statements(&results.totals))),
        ("levels", level::sentence(&results.levels)),
        ("exit_code", Some(results.exit_code.to_string())),
        ("badge", Some(headline::badge(results))),
        ("capabilities", Some(declared.join(" "))),
        ("capabilities not verified", Some(not_verified.join(" "))),
        ("absent", Some(headline::absent(results).join(", "))),
    ];
    let mut properties: Vec<Property> = facts
        .into_iter()
        .filter_map(|(name, value)| Some(Property::new(name, value.filter(|value| !value.is_empty())?)))
        .collect();
    let waivers = results.waivers.iter();
    properties.extend(
        waivers.map(|waiver| Property::new("waiver", format!("{}; {waiver}", waiver.state.in_words()))),
    );
    properties
}

/// Returns a case for the run itself if it failed although no sub-test did: JUnit readers look at cases only.
fn run_suite(results: &Results) -> Option<TestSuite> {
    let has_failed =
        |subtest: &SubtestResult| matches!(subtest.verdict, SubtestVerdict::Fail | SubtestVerdict::Error);
    if results.verdict.is_pass() || results.subtests.iter().any(has_failed) {
        return None;
    }
    let kind = match results.verdict {
        Verdict::NonConformant | Verdict::StaleWaiver | Verdict::Worse => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(headline::sentence(results));
    status.set_description(headline::troubles(results).join("\n"));
    let mut suite = TestSuite::new("run");
    suite.timestamp = results.started_at.parse().ok();
    let mut case = TestCase::new("the run as a whole", status);
    case.set_classname("run");
    suite.add_test_case(case);
    suite.add_properties(properties(results));
    Some(suite)
}
