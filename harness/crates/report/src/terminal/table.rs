//! The suites of a run, one row each.

use unicode_width::UnicodeWidthStr as _;

use crate::coverage::StatementVerdict;
use crate::results::Results;
use harness_model::event::SubtestVerdict;
use harness_model::requirement::Level;
use harness_model::text::truncated;

/// Columns between two cells.
const GAP: usize = 2;
/// A suite's name is truncated rather than that a line is wrapped, but not below this.
const MIN_NAME_WIDTH: usize = 6;

/// The sub-tests' verdicts in the order shown, with a long and a short heading; waived ones and errors only if there
/// are any.
const VERDICTS: [(SubtestVerdict, &str, &str, bool); 5] = [
    (SubtestVerdict::Pass, "passed", "pass", true),
    (SubtestVerdict::Fail, "failed", "fail", true),
    (SubtestVerdict::Waived, "waived", "waiv", false),
    (SubtestVerdict::Error, "errors", "err", false),
    (SubtestVerdict::Skip, "skipped", "skip", true),
];

/// Renders the table in lines of at most `width` columns.
pub(super) fn suites(results: &Results, width: usize) -> Vec<String> {
    let mut suites: Vec<&str> = Vec::new();
    for subtest in &results.subtests {
        if !suites.contains(&subtest.suite.as_str()) {
            suites.push(&subtest.suite);
        }
    }
    if suites.is_empty() {
        return Vec::new();
    }
    let long = rows(results, &suites, |(_, long, _, _)| long, "statements verified");
    let lines = aligned(&long, width);
    if lines.iter().all(|line| line.width() <= width) {
        return lines;
    }
    aligned(&rows(results, &suites, |(_, _, short, _)| short, "verified"), width)
}

type Heading = (SubtestVerdict, &'static str, &'static str, bool);

fn rows(
    results: &Results,
    suites: &[&str],
    heading: impl Fn(Heading) -> &'static str,
    statements: &str,
) -> Vec<Vec<String>> {
    let count = |suite: &str, verdict| {
        let of_suite = results.subtests.iter().filter(|subtest| subtest.suite == suite);
        of_suite.filter(|subtest| subtest.verdict == verdict).count()
    };
    let is_shown = |(verdict, .., always): &Heading| {
        *always || results.subtests.iter().any(|subtest| subtest.verdict == *verdict)
    };
    let shown: Vec<Heading> = VERDICTS.into_iter().filter(is_shown).collect();
    let headings = std::iter::once("suite".to_owned())
        .chain(shown.iter().map(|verdict| heading(*verdict).to_owned()))
        .chain([statements.to_owned()]);
    let mut rows = vec![headings.collect()];
    for suite in suites {
        let counts = shown.iter().map(|(verdict, ..)| count(suite, *verdict).to_string());
        rows.push(
            std::iter::once((*suite).to_owned()).chain(counts).chain([verified(results, suite)]).collect(),
        );
    }
    rows
}

/// Counts the documented statements of the suite's chapters.
fn verified(results: &Results, suite: &str) -> String {
    let statements = results.requirements.iter();
    let of_suite: Vec<_> = statements
        .filter(|statement| statement.level != Level::Ours && statement.suite.as_deref() == Some(suite))
        .collect();
    let verified =
        of_suite.iter().filter(|statement| statement.verdict == StatementVerdict::Verified).count();
    format!("{verified} of {}", of_suite.len())
}

/// Aligns the first column to the left and the others to the right. The first column gives way if there is no room.
fn aligned(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or_default()
    };
    let others: usize = (1..columns).map(|column| widest(column) + GAP).sum();
    let first = widest(0).min(width.saturating_sub(others).max(MIN_NAME_WIDTH));
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            if column == 0 {
                let name = truncated(cell, first);
                line.push_str(&name);
                line.push_str(&" ".repeat(first.saturating_sub(name.width())));
            } else {
                line.push_str(&" ".repeat(GAP + widest(column).saturating_sub(cell.width())));
                line.push_str(cell);
            }
        }
        line
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn names_give_way_to_numbers() {
        let rows = [row(&["suite", "pass", "verified"]), row(&["machine-registration", "12", "5 of 12"])];
        assert_eq!(
            aligned(&rows, 80),
            ["suite                 pass  verified", "machine-registration    12   5 of 12"]
        );
        assert_eq!(aligned(&rows, 30), ["suite           pass  verified", "machine-regis…    12   5 of 12"]);
        assert_eq!(aligned(&rows, 5), ["suite   pass  verified", "machi…    12   5 of 12"]);
    }
}
