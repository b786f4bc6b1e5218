//! Diagnoses a failing target by comparing its failed checks with those of every known deviation.

pub mod catalogue;
pub mod matrix;
pub mod observed;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::resemblance::Resemblance;
use harness_model::check::outcome::CheckVerdict;

use catalogue::{Catalogue, Declared};
use matrix::Matrix;
use observed::{Cell, Observed};

/// How much of either pattern must be in the other, in percent.
const MIN_AGREEMENT: usize = 60;
/// Deviations listed.
const MAX_LISTED: usize = 3;

/// Returns the deviations that explain the failed checks best, the best one first; none if nothing failed.
///
/// Only judged checks are compared, so that a part of the suites can be diagnosed as well. If a deviation explains
/// exactly the failed checks, those that explain less are omitted.
pub fn diagnose(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    let mut alike = ranked(observed, matrix, catalogue);
    if alike.first().is_some_and(is_exact) {
        alike.retain(is_exact);
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
    let likenesses = catalogue.deviations.iter().map(|declared| Likeness::of(declared, observed, matrix));
    let mut alike: Vec<(Likeness, Resemblance)> = likenesses
        .zip(&catalogue.deviations)
        .filter(|(likeness, _)| likeness.is_enough())
        .map(|(likeness, declared)| {
            let (deviation, summary) = (declared.id.clone(), declared.summary.clone());
            let (agreeing, of) = (likeness.agreeing, likeness.of_either());
            (likeness, Resemblance { deviation, summary, agreeing, of, others: 0 })
        })
        .collect();
    // The sort is stable: equal ones stay in the order of the file.
    alike.sort_by_key(|(likeness, _)| Reverse(likeness.weight()));
    alike.into_iter().map(|(_, resemblance)| resemblance).collect()
}

fn is_exact(resemblance: &Resemblance) -> bool {
    resemblance.agreeing == resemblance.of
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
    fn of(declared: &Declared, observed: &Observed, matrix: &Matrix) -> Self {
        let id = &declared.id;
        let failed: BTreeSet<&Cell> = observed
            .failed()
            .map(|(cell, _)| cell)
            .filter(|cell| matrix.covers(id, &cell.subtest) && !matrix.wavers(id, cell))
            .collect();
        let judged = |cell: &Cell| {
            matches!(
                observed.verdict(cell),
                Some(CheckVerdict::Pass | CheckVerdict::Fail | CheckVerdict::Waived)
            )
        };
        let whole: Vec<Cell> = matrix.cells(id).collect();
        let pattern: Vec<&Cell> = whole.iter().filter(|cell| judged(cell)).collect();
        let agreeing = pattern.iter().filter(|cell| failed.contains(*cell)).count();
        let breaks = |statement: &String| declared.breaks.contains(statement);
        Self {
            agreeing,
            missing: pattern.len() - agreeing,
            unexpected: failed.len() - agreeing,
            pattern_size: whole.len(),
            on_broken_statements: observed
                .failed()
                .filter(|(_, found)| found.statements.iter().any(breaks))
                .count(),
        }
    }

    fn of_either(self) -> usize {
        self.agreeing + self.missing + self.unexpected
    }

    fn is_enough(self) -> bool {
        let enough = |whole: usize| whole > 0 && self.agreeing * 100 >= whole * MIN_AGREEMENT;
        enough(self.agreeing + self.missing) && enough(self.agreeing + self.unexpected)
    }

    /// Ranks by the share of agreement, then by fewer unexpected failures. Deviations that the selected suites cannot
    /// distinguish are ranked by how little they would fail in the others.
    fn weight(self) -> (usize, Reverse<usize>, usize, usize) {
        let share = self.agreeing * 10_000 / self.of_either().max(1);
        let seen = self.agreeing * 10_000 / self.pattern_size.max(1);
        (share, Reverse(self.unexpected), seen, self.on_broken_statements)
    }
}
