//! The `tap` report: version 13 of the Test Anything Protocol, a test point a sub-test.

use std::fmt::Write as _;

use crate::exit_code::Verdict;
use crate::headline;
use crate::results::{Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

/// Of a sub-test's failed checks, the first tell enough; the json report has them all.
const MOST_CHECKS: usize = 20;

/// The report's text.
pub fn render(results: &Results) -> String {
    // Nothing here is of version 14 alone, and Perl's own TAP::Parser takes that for a parse error.
    let mut text = format!("TAP version 13\n1..{}\n", results.subtests.len());
    let _ = writeln!(text, "# {}", line(&headline::sentence(results)));
    for resemblance in &results.diagnosis {
        let _ = writeln!(text, "# diagnosis: {}", line(&resemblance.to_string()));
    }
    for (position, subtest) in results.subtests.iter().enumerate() {
        point(&mut text, position + 1, subtest);
    }
    for (subtest, leftover) in headline::leftovers(results) {
        let place = subtest.map(|id| format!("{id}: ")).unwrap_or_default();
        let _ = writeln!(text, "# not cleaned up: {}", line(&format!("{place}{leftover}")));
    }
    for unclaimed in &results.capabilities.not_verified {
        let _ = writeln!(
            text,
            "# not verified: {}, which the target does not declare",
            line(&unclaimed.capability)
        );
    }
    let _ = writeln!(text, "# {}", headline::badge(results));
    // A harness that reads this looks at nothing but the points.
    let has_failed =
        |subtest: &SubtestResult| matches!(subtest.verdict, SubtestVerdict::Fail | SubtestVerdict::Error);
    if results.verdict != Verdict::Conformant && !results.subtests.iter().any(has_failed) {
        let why =
            headline::troubles(results).into_iter().next().unwrap_or_else(|| headline::sentence(results));
        let _ = writeln!(text, "Bail out! {}", line(&why));
    }
    text
}

fn point(text: &mut String, number: usize, subtest: &SubtestResult) {
    let reason = escaped(subtest.reason.as_deref().unwrap_or_default());
    let (ok, directive) = match subtest.verdict {
        SubtestVerdict::Pass => ("ok", String::new()),
        SubtestVerdict::Fail | SubtestVerdict::Error => ("not ok", String::new()),
        SubtestVerdict::Skip => ("ok", format!(" # SKIP {reason}")),
        SubtestVerdict::Waived => ("not ok", format!(" # TODO {reason}")),
    };
    let description = escaped(&format!("{}: {}", subtest.id, subtest.title));
    let _ = writeln!(text, "{ok} {number} - {description}{}", directive.trim_end());
    if ok == "not ok" {
        diagnostics(text, subtest);
    }
}

/// A block of YAML. JSON's strings are YAML's too, so nothing that a target answers can end the block.
fn diagnostics(text: &mut String, subtest: &SubtestResult) {
    let severity = if subtest.verdict == SubtestVerdict::Error { "error" } else { "fail" };
    let _ = writeln!(text, "  ---\n  message: {}", quoted(subtest.reason.as_deref().unwrap_or_default()));
    let _ = writeln!(text, "  severity: {severity}\n  duration_ms: {}", subtest.duration_ms);
    let bad = |verdict| !matches!(verdict, CheckVerdict::Pass | CheckVerdict::Skip);
    let mut failed = subtest.checks.iter().filter(|check| bad(check.verdict)).peekable();
    if failed.peek().is_some() {
        text.push_str("  checks:\n");
    }
    for check in failed.by_ref().take(MOST_CHECKS) {
        let statements: Vec<String> = check.requirements.iter().map(|id| quoted(id)).collect();
        let _ = writeln!(text, "    - statements: [{}]", statements.join(", "));
        for (name, value) in [
            ("step", &check.step),
            ("message", &check.message),
            ("wanted", &check.expected),
            ("found", &check.actual),
            ("at", &check.location),
        ] {
            let _ = writeln!(text, "      {name}: {}", quoted(value));
        }
    }
    match failed.count() {
        0 => {}
        more => {
            let _ = writeln!(text, "  more_checks: {more}");
        }
    }
    text.push_str("  ...\n");
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// On one line, with nothing that a reader takes for a directive.
fn escaped(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
