//! The self-test's report for people, as wide as their window.

use std::fmt::Write as _;

use crate::proof::{Proof, Reach};
use harness_report::terminal::{Paint, wrap};

use super::SelfTest;

/// Where nobody says how wide the window is.
const USUAL: usize = 80;
/// Narrower lines are cut by the window rather than here.
const NARROWEST: usize = 40;
/// Lines of names are hard to read when they are longer.
const WIDEST: usize = 120;

/// The columns to write in, in a window of that width.
pub fn width(window: Option<usize>) -> usize {
    window.unwrap_or(USUAL).clamp(NARROWEST, WIDEST)
}

/// The words for a deviation of which nothing is amiss, and for others, for what was done with it.
fn labels(reach: &Reach) -> [&'static str; 2] {
    match reach {
        Reach::Catching => ["caught", "MISSED"],
        Reach::Whole => ["  same", "DIFFER"],
        Reach::Learning(_) => [" tried", "FAILED"],
    }
}

/// The line of one deviation.
pub fn line(proof: &Proof, reach: &Reach, paint: Paint, width: usize) -> String {
    let [well, amiss] = labels(reach);
    let label = match proof.missed.is_empty() {
        true => paint.green(well),
        false => paint.red(amiss),
    };
    let tries = if proof.tries > 1 { format!(" ({} times)", proof.tries) } else { String::new() };
    let begin = format!("[{:>6.3}s] {}{tries}", proof.took.as_secs_f64(), proof.deviation);
    let mut text = format!("{label} {begin}\n");
    for line in wrap(&proof.wrong, width - 17) {
        let _ = writeln!(text, "                 {}", paint.faint(&line));
    }
    text
}

/// The matrix, what is missed, and the verdict.
pub fn summary(report: &SelfTest, paint: Paint, width: usize) -> String {
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
                ([], None) => "- not proven by what was tried".to_owned(),
                (by, _) => by.join(", "),
            };
            for (position, line) in wrap(&words, width - 18).iter().enumerate() {
                let name = if position == 0 { name } else { "" };
                let line = if statement.by.is_empty() { paint.faint(line) } else { line.clone() };
                let _ = writeln!(text, "  {name:<15} {line}");
            }
        }
        text.push('\n');
    }
    let _ = write!(text, "{}", missed(report, paint, width));
    text.push_str(&verdict(report, paint));
    text
}

fn missed(report: &SelfTest, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    if !report.plain.is_empty() {
        let _ = writeln!(text, "{}", paint.red("the plain reference fails:"));
        report.plain.iter().for_each(|line| item(&mut text, line, width));
    }
    for tried in report.deviations.iter().filter(|tried| !tried.missed.is_empty()) {
        let _ = writeln!(text, "{} {}", paint.red("missed:"), paint.bold(&tried.id));
        for line in wrap(&format!("the reference as it would be if {}", tried.wrong), width - 2) {
            let _ = writeln!(text, "  {}", paint.faint(&line));
        }
        tried.missed.iter().for_each(|reason| item(&mut text, reason, width));
    }
    text
}

fn item(text: &mut String, words: &str, width: usize) {
    for (position, line) in wrap(words, width - 4).iter().enumerate() {
        let _ = writeln!(text, "{} {line}", if position == 0 { "  -" } else { "   " });
    }
}

fn verdict(report: &SelfTest, paint: Paint) -> String {
    let proven = report.statements.iter().filter(|statement| !statement.by.is_empty()).count();
    let excused = report.statements.iter().filter(|statement| statement.unproven.is_some()).count();
    let caught = report.deviations.iter().filter(|tried| tried.missed.is_empty()).count();
    let all = report.deviations.len();
    let seconds = std::time::Duration::from_millis(report.duration_ms).as_secs_f64();
    let words = format!("{} after {seconds:.2} s", report.words());
    let painted = if report.passed { paint.green(&words) } else { paint.red(&words) };
    format!(
        "deviations: {caught} of {all} caught\nstatements: {proven} of {} proven, {excused} with a reason why not\n\
         {} {painted}\n",
        report.statements.len(),
        paint.bold("verdict:"),
    )
}
