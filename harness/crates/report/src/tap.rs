//! The `tap` report: Test Anything Protocol version 13, one test point per sub-test.

use std::fmt::Write as _;

use crate::headline;
use crate::level;
use crate::results::{Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

/// Failed checks listed per sub-test; the json report has them all.
const MAX_CHECKS: usize = 20;

pub fn render(results: &Results) -> String {
    let results = &results.shown();
    // Version 13: nothing here needs 14, which Perl's TAP::Parser rejects as a parse error.
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
        let _ =
            writeln!(text, "# not verified: {} (not declared by the target)", line(&unclaimed.capability));
    }
    for absent in headline::absent(results) {
        let _ = writeln!(text, "# not judged: what needs {} (the target lacks it)", line(absent));
    }
    let _ = writeln!(text, "# statements: {}", headline::statements(&results.totals));
    if let Some(levels) = level::sentence(&results.levels) {
        let _ = writeln!(text, "# levels: {}", line(&levels));
    }
    let _ = writeln!(text, "# {}", headline::badge(results));
    // TAP consumers look at test points only: without a failed one, the run must bail out.
    let has_failed =
        |subtest: &SubtestResult| matches!(subtest.verdict, SubtestVerdict::Fail | SubtestVerdict::Error);
    if !results.verdict.is_pass() && !results.subtests.iter().any(has_failed) {
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

/// Writes a YAML block. JSON strings are valid YAML, so a response cannot terminate the block.
fn diagnostics(text: &mut String, subtest: &SubtestResult) {
    let severity = if subtest.verdict == SubtestVerdict::Error { "error" } else { "fail" };
    let _ = writeln!(text, "  ---\n  message: {}", quoted(subtest.reason.as_deref().unwrap_or_default()));
    let _ = writeln!(text, "  severity: {severity}\n  duration_ms: {}", subtest.duration_ms);
    let bad = |verdict| !matches!(verdict, CheckVerdict::Pass | CheckVerdict::Skip);
    let mut failed = subtest.checks.iter().filter(|check| bad(check.verdict)).peekable();
    if failed.peek().is_some() {
        text.push_str("  checks:\n");
    }
    for check in failed.by_ref().take(MAX_CHECKS) {
        let statements: Vec<String> = check.requirements.iter().map(|id| quoted(id)).collect();
        let _ = writeln!(text, "    - statements: [{}]", statements.join(", "));
        let location = check.location.to_string();
        for (name, value) in [
            ("step", &check.step),
            ("message", &check.message),
            ("expected", &check.expected),
            ("actual", &check.actual),
            ("at", &location),
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

/// Returns the text on one line, with characters escaped that start a directive.
fn escaped(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
