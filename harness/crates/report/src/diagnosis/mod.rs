//! What a target that failed behaves like: its failed checks, compared with those of every deviation. Pure.

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

/// How much of either pattern the other must have, in percent.
const LIKE_ENOUGH: usize = 60;
const MOST: usize = 3;

/// The few deviations that explain the failed checks best, the best one first; none if nothing failed.
///
/// Only checks that were judged are compared, so that a part of the suites is diagnosed as well. Where a deviation
/// explains every failed check and misses none, what explains less is left out.
pub fn diagnose(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    let mut alike = ranked(observed, matrix, catalogue);
    if alike.first().is_some_and(is_exact) {
        alike.retain(is_exact);
    }
    let untold = alike.get(MOST..).unwrap_or_default();
    let last = alike.get(MOST - 1).map(|last| (last.agreeing, last.of));
    let others = untold.iter().filter(|other| Some((other.agreeing, other.of)) == last).count();
    alike.truncate(MOST);
    if let Some(last) = alike.last_mut() {
        last.others = others;
    }
    alike
}

/// Every deviation that explains the failed checks well, the best one first.
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
    // Of equals the file's order.
    alike.sort_by_key(|(likeness, _)| Reverse(likeness.weight()));
    alike.into_iter().map(|(_, resemblance)| resemblance).collect()
}

fn is_exact(resemblance: &Resemblance) -> bool {
    resemblance.agreeing == resemblance.of
}

/// A run beside the pattern of one deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Likeness {
    /// Checks that fail in both.
    agreeing: usize,
    /// Checks that were to fail and do not.
    missing: usize,
    /// Checks that fail and were not to.
    surprising: usize,
    /// Checks of the pattern, those included that were not judged.
    whole: usize,
    /// Failed checks on the very statements that the deviation breaks.
    to_the_point: usize,
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
            surprising: failed.len() - agreeing,
            whole: whole.len(),
            to_the_point: observed.failed().filter(|(_, found)| found.statements.iter().any(breaks)).count(),
        }
    }

    fn of_either(self) -> usize {
        self.agreeing + self.missing + self.surprising
    }

    fn is_enough(self) -> bool {
        let enough = |whole: usize| whole > 0 && self.agreeing * 100 >= whole * LIKE_ENOUGH;
        enough(self.agreeing + self.missing) && enough(self.agreeing + self.surprising)
    }

    /// The larger share of agreement first, then fewer surprises; of those that a part of the suites does not tell
    /// apart the one that would fail less elsewhere, where nobody looked.
    fn weight(self) -> (usize, Reverse<usize>, usize, usize) {
        let share = self.agreeing * 10_000 / self.of_either().max(1);
        let seen = self.agreeing * 10_000 / self.whole.max(1);
        (share, Reverse(self.surprising), seen, self.to_the_point)
    }
}
