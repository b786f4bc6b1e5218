//! Diagnoses a failing target by comparing its failed checks with those of every known deviation.

pub mod catalogue;
pub mod matrix;
pub mod observed;

use std::cmp::Reverse;

use crate::resemblance::Resemblance;
use harness_model::check::outcome::CheckVerdict;

use catalogue::{Catalogue, Declared};
use matrix::{Matrix, Pattern};
use observed::{Cell, Found, Observed};

/// The share of the checks that fail in either that must fail in both, in percent. With 75, a defect that is not in the
/// catalogue is taken for another one in a tenth of the cases; with 60, in a fifth (decision 018).
pub const MIN_AGREEMENT: usize = 75;
/// Checks named of those that speak against a diagnosis.
const MAX_AGAINST: usize = 1;
/// Deviations listed.
const MAX_LISTED: usize = 3;

/// Returns the deviations that explain the failed checks best, the best one first; none if nothing failed.
///
/// Only judged checks are compared, so that a part of the suites can be diagnosed as well. If a deviation explains
/// exactly the failed checks, those that explain less are omitted.
pub fn diagnose(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    listed(ranked(observed, matrix, catalogue))
}

/// Leaves out of all that explain the failed checks well what [`diagnose`] does not list.
pub fn listed(mut alike: Vec<Resemblance>) -> Vec<Resemblance> {
    if alike.first().is_some_and(Resemblance::is_exact) {
        alike.retain(Resemblance::is_exact);
    }
    let unlisted = alike.get(MAX_LISTED..).unwrap_or_default();
    let last = alike.get(MAX_LISTED - 1).map(|last| (last.agreeing, last.of));
    let others = unlisted.iter().filter(|other| Some((other.agreeing, other.of)) == last).count();
    alike.truncate(MAX_LISTED);
    if let Some(last) = alike.last_mut() {
        last.others = others;
    }
    alike
}

/// Returns every deviation that explains the failed checks well, the best one first.
pub fn ranked(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    let failed: Vec<(&Cell, &Found)> = observed.failed().collect();
    let known = catalogue.deviations.iter().map(|declared| (declared, matrix.pattern(&declared.id)));
    let mut alike: Vec<(Likeness, Resemblance)> = known
        .filter_map(|(declared, pattern)| {
            let differing = Disagreement::of(&pattern, &failed, observed)?;
            let likeness = Likeness::of(declared, &differing, &failed, &pattern);
            likeness.is_enough().then(|| {
                let (deviation, summary) = (declared.id.clone(), declared.summary.clone());
                let (agreeing, of) = (likeness.agreeing, likeness.of_either());
                let against = differing.in_words();
                (likeness, Resemblance { deviation, summary, agreeing, of, against, others: 0 })
            })
        })
        .collect();
    // The sort is stable: equal ones stay in the order of the file.
    alike.sort_by_key(|(likeness, _)| Reverse(likeness.weight()));
    alike.into_iter().map(|(_, resemblance)| resemblance).collect()
}

/// How well a run agrees with the pattern of one deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Likeness {
    /// Checks that fail in both.
    agreeing: usize,
    /// Checks that should fail and do not.
    missing: usize,
    /// Checks that fail and should not.
    unexpected: usize,
    /// Checks of the pattern, including those that were not judged.
    pattern_size: usize,
    /// Failed checks of statements that the deviation is declared to break.
    on_broken_statements: usize,
}

impl Likeness {
    fn of(
        declared: &Declared,
        differing: &Disagreement<'_>,
        failed: &[(&Cell, &Found)],
        pattern: &Pattern<'_>,
    ) -> Self {
        let breaks = |statement: &String| declared.breaks.contains(statement);
        let is_broken = |(_, found): &&(&Cell, &Found)| found.statements.iter().any(breaks);
        Self {
            agreeing: differing.agreeing,
            missing: differing.missing.len(),
            unexpected: differing.unexpected.len(),
            pattern_size: pattern.size(),
            on_broken_statements: failed.iter().filter(is_broken).count(),
        }
    }

    fn of_either(self) -> usize {
        self.agreeing + self.missing + self.unexpected
    }

    fn is_enough(self) -> bool {
        is_enough(self.agreeing, self.of_either())
    }

    /// Ranks by the share of agreement, then by fewer unexpected failures. Deviations that the selected suites cannot
    /// distinguish are ranked by how little they would fail in the others.
    fn weight(self) -> (usize, Reverse<usize>, usize, usize) {
        let share = self.agreeing * 10_000 / self.of_either().max(1);
        let seen = self.agreeing * 10_000 / self.pattern_size.max(1);
        (share, Reverse(self.unexpected), seen, self.on_broken_statements)
    }
}

fn is_enough(agreeing: usize, of_either: usize) -> bool {
    agreeing > 0 && agreeing * 100 >= of_either * MIN_AGREEMENT
}

/// Where the pattern of a deviation and a run differ.
struct Disagreement<'a> {
    /// How many checks fail in both.
    agreeing: usize,
    /// The checks that should fail and do not.
    missing: Vec<Cell>,
    /// The checks that fail and should not.
    unexpected: Vec<&'a Cell>,
}

impl<'a> Disagreement<'a> {
    /// Returns `None` if too few of the failed checks fail under the deviation: most share nothing with the run, and
    /// need no closer look.
    fn of(pattern: &Pattern<'_>, failed: &[(&'a Cell, &Found)], observed: &Observed) -> Option<Self> {
        if !failed.iter().any(|(cell, _)| pattern.fails(cell)) {
            return None;
        }
        let is_evidence = |cell: &&Cell| pattern.covers(&cell.subtest) && !pattern.wavers(cell);
        let (agreeing, unexpected): (Vec<&Cell>, Vec<&Cell>) =
            failed.iter().map(|(cell, _)| *cell).filter(is_evidence).partition(|cell| pattern.fails(cell));
        if !is_enough(agreeing.len(), agreeing.len() + unexpected.len()) {
            return None;
        }
        let is_missing = |cell: &Cell| {
            let verdict = observed.verdict(cell);
            verdict == Some(CheckVerdict::Pass)
                || matches!(verdict, Some(CheckVerdict::Fail | CheckVerdict::Waived)) && pattern.wavers(cell)
        };
        let missing = pattern.cells().filter(is_missing).collect();
        Some(Self { agreeing: agreeing.len(), missing, unexpected })
    }

    /// Names one check of each kind, and counts the others.
    fn in_words(&self) -> Vec<String> {
        let kinds = [(self.missing.iter().collect(), "passes"), (self.unexpected.clone(), "fails, too")];
        let lines = kinds.into_iter().filter(|(cells, _)| !cells.is_empty());
        let lines = lines.map(|(cells, verb): (Vec<&Cell>, &str)| {
            let shown = cells
                .iter()
                .take(MAX_AGAINST)
                .map(|cell| format!("{} of {} {verb}", statements(&cell.check), cell.subtest));
            let more = match cells.len().saturating_sub(MAX_AGAINST) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            shown.collect::<Vec<_>>().join("; ") + &more
        });
        lines.collect()
    }
}

/// Returns the statements of a check, without its step.
fn statements(check: &str) -> &str {
    check.rsplit_once(": ").map_or(check, |(_, statements)| statements)
}
