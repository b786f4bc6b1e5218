//! The self-test's report on the terminal.

use std::fmt::Write as _;

use harness_model::text::plural;
use harness_report::terminal::{Paint, wrap};

use crate::census::ENOUGH_DEVIATIONS;
use crate::self_test::{DeviationOutcome, Scope};

use super::SelfTestReport;

/// Columns when the window's width is unknown.
const DEFAULT_WIDTH: usize = 80;
const MIN_WIDTH: usize = 40;
/// Longer lines of ids are hard to read.
const MAX_WIDTH: usize = 120;
/// Columns in front of a deviation's description.
const DESCRIPTION_INDENT: usize = 17;
/// Columns in front of the ids of a statement's deviations.
const STATEMENT_INDENT: usize = 18;

/// The columns to use in a window of that width.
pub fn width(window: Option<usize>) -> usize {
    window.unwrap_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH)
}

/// The labels of a deviation without and with a miss.
fn labels(scope: &Scope) -> [&'static str; 2] {
    match scope {
        Scope::Declared => ["caught", "MISSED"],
        Scope::AllSuites => ["  same", "DIFFER"],
        Scope::Unlearned(_) => [" tried", "FAILED"],
    }
}

/// The lines that report one deviation as soon as it was tried.
pub fn line(outcome: &DeviationOutcome, scope: &Scope, paint: Paint, width: usize) -> String {
    let [caught, missed] = labels(scope);
    let label = match outcome.missed.is_empty() {
        true => paint.green(caught),
        false => paint.red(missed),
    };
    let tries = if outcome.tries > 1 { format!(" ({} times)", outcome.tries) } else { String::new() };
    let waits = if outcome.waited_in_full { ", with the scenarios' own waits" } else { "" };
    let begin = format!("[{:>6.3}s] {}{tries}{waits}", outcome.duration.as_secs_f64(), outcome.deviation);
    let mut text = format!("{label} {begin}\n");
    for line in wrap(&outcome.summary, width - DESCRIPTION_INDENT) {
        let _ = writeln!(text, "{:DESCRIPTION_INDENT$}{}", "", paint.faint(&line));
    }
    text
}

/// The statements with the deviations that prove them, what was missed, and the verdict.
pub fn summary(report: &SelfTestReport, paint: Paint, width: usize) -> String {
    let mut text = "\n".to_owned();
    for (chapter, mut statements) in report.chapters() {
        if report.passed && report.is_partial() {
            statements.retain(|statement| !statement.by.is_empty());
        }
        if statements.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", paint.bold(chapter));
        for statement in statements {
            let name = statement.id.split('/').nth(1).unwrap_or(&statement.id);
            let words = match (statement.by.as_slice(), &statement.unproven) {
                ([], Some(reason)) => format!("- {reason}"),
                ([], None) => "- not proven by the selected deviations".to_owned(),
                (by, _) => by.join(", "),
            };
            for (position, line) in wrap(&words, width - STATEMENT_INDENT).iter().enumerate() {
                let name = if position == 0 { name } else { "" };
                let line = if statement.by.is_empty() { paint.faint(line) } else { line.clone() };
                let _ = writeln!(text, "  {name:<15} {line}");
            }
        }
        text.push('\n');
    }
    let _ = write!(text, "{}", missed(report, paint, width));
    text.push_str(&thin(report, width));
    text.push_str(&verdict(report, paint, width));
    text
}

fn missed(report: &SelfTestReport, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    if !report.plain.is_empty() {
        let _ = writeln!(text, "{}", paint.red("the unmodified reference fails:"));
        report.plain.iter().for_each(|line| item(&mut text, line, width));
    }
    for tried in report.deviations.iter().filter(|tried| !tried.missed.is_empty()) {
        let _ = writeln!(text, "{} {}", paint.red("missed:"), paint.bold(&tried.id));
        for line in wrap(&tried.summary, width - 2) {
            let _ = writeln!(text, "  {}", paint.faint(&line));
        }
        tried.missed.iter().for_each(|reason| item(&mut text, reason, width));
    }
    text
}

/// What to add deviations for; nothing if every statement has enough.
fn thin(report: &SelfTestReport, width: usize) -> String {
    if report.thin.is_empty() {
        return String::new();
    }
    let listed: Vec<String> =
        report.thin.iter().map(|statement| format!("{} ({})", statement.id, statement.deviations)).collect();
    let words = format!(
        "{} {} fewer than {ENOUGH_DEVIATIONS} deviations: {}",
        listed.len(),
        plural(listed.len(), "must statement has", "must statements have"),
        listed.join(", ")
    );
    wrap(&words, width).iter().map(|line| format!("{line}\n")).collect()
}

fn item(text: &mut String, words: &str, width: usize) {
    for (position, line) in wrap(words, width - 4).iter().enumerate() {
        let _ = writeln!(text, "{} {line}", if position == 0 { "  -" } else { "   " });
    }
}

fn verdict(report: &SelfTestReport, paint: Paint, width: usize) -> String {
    let caught = report.deviations.iter().filter(|tried| tried.missed.is_empty()).count();
    let all = report.deviations.len();
    let seconds = std::time::Duration::from_millis(report.duration_ms).as_secs_f64();
    let words = format!("{} after {seconds:.2} s", report.verdict());
    let painted = if report.passed { paint.green(&words) } else { paint.red(&words) };
    let tried_again = report.deviations.iter().filter(|tried| tried.waited_in_full).count();
    let again = match tried_again {
        0 => String::new(),
        count => format!(", {count} tried again with the scenarios' own waits"),
    };
    let statements = wrap(&format!("statements: {}", report.totals.in_words()), width - 2).join("\n  ");
    let verdict = paint.bold("verdict:");
    format!("deviations: {caught} of {all} caught{again}\n{statements}\n{verdict} {painted}\n")
}
