//! The `junit` report, as CI servers show it: `<failure>` is the target's, `<error>` the kit's or the environment's.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::outcome::CheckVerdict;
use crate::report::results::{CheckResult, Results, SubtestResult};
use crate::run::event::SubtestVerdict;

/// The report's text.
///
/// # Errors
/// The library's, when a text cannot be written as XML.
pub fn render(results: &Results) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(format!("{} against {}", results.kit.name, results.target.name));
    report.set_time(Duration::from_millis(results.duration_ms));
    let mut suites: BTreeMap<(&str, &str), TestSuite> = BTreeMap::new();
    for subtest in &results.subtests {
        suites
            .entry((&subtest.suite, &subtest.chapter))
            .or_insert_with(|| TestSuite::new(format!("{}/{}", subtest.suite, subtest.chapter)))
            .add_test_case(case(subtest));
    }
    // Read beside the failures that it explains.
    let diagnosis: Vec<String> = results.diagnosis.iter().map(ToString::to_string).collect();
    for suite in suites.values_mut().filter(|suite| suite.failures > 0 && !diagnosis.is_empty()) {
        suite.set_system_out(diagnosis.join("\n"));
    }
    report.add_test_suites(suites.into_values());
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
    if subtest.verdict != SubtestVerdict::Pass {
        status.set_message(reason);
    }
    let bad = subtest
        .checks
        .iter()
        .filter(|check| matches!(check.verdict, CheckVerdict::Fail | CheckVerdict::Error));
    let description = bad.map(describe).collect::<Vec<_>>().join("\n\n");
    if !description.is_empty() {
        status.set_description(description);
    }
    let mut case = TestCase::new(format!("{} {}", subtest.id, subtest.title), status);
    case.set_classname(format!("{}.{}", subtest.suite, subtest.chapter));
    case.set_time(Duration::from_millis(subtest.duration_ms));
    case.set_assertions(subtest.checks.len());
    case
}

fn describe(check: &CheckResult) -> String {
    format!(
        "{}: {}\n{}\nexpected: {}\nactual:   {}",
        check.requirements.join(", "),
        check.message,
        check.location,
        check.expected,
        check.actual
    )
}
