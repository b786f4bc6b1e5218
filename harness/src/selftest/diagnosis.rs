//! What a target that failed behaves like: its failed checks, compared with those of every deviation. Pure.

use std::collections::BTreeSet;

use crate::check::outcome::CheckVerdict;
use crate::report::resemblance::Resemblance;

use super::catalogue::Catalogue;
use super::matrix::Matrix;
use super::observed::{Cell, Found, Observed};

/// How much of either pattern the other must have, in percent.
const LIKE_ENOUGH: usize = 60;
const MOST: usize = 3;

/// The few deviations that explain the failed checks best, the best one first; none if nothing failed.
pub fn diagnose(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    let mut alike = ranked(observed, matrix, catalogue);
    alike.truncate(MOST);
    alike
}

/// Every deviation that explains the failed checks well, the best one first.
pub(super) fn ranked(observed: &Observed, matrix: &Matrix, catalogue: &Catalogue) -> Vec<Resemblance> {
    let judged = |cell: &Cell| {
        let found = observed.cells.get(cell).map(|found| found.verdict);
        matches!(found, Some(CheckVerdict::Pass | CheckVerdict::Fail))
    };
    let mut alike: Vec<(usize, Resemblance)> = Vec::new();
    for declared in &catalogue.deviations {
        // A statement that it breaks may fail where the matrix does not reach: that speaks neither for it nor against it.
        let is_broken = |found: &Found| found.statements.iter().any(|known| declared.breaks.contains(known));
        let speaks =
            |cell: &Cell, found: &Found| matrix.covers(&declared.id, &cell.subtest) || !is_broken(found);
        let failed: BTreeSet<&Cell> =
            observed.failed().filter(|(cell, found)| speaks(cell, found)).map(|(cell, _)| cell).collect();
        let pattern: Vec<Cell> = matrix.cells(&declared.id).filter(judged).collect();
        let agreeing = pattern.iter().filter(|cell| failed.contains(cell)).count();
        let enough = |whole: usize| whole > 0 && agreeing * 100 >= whole * LIKE_ENOUGH;
        if enough(failed.len()) && enough(pattern.len()) {
            let to_the_point = observed.failed().filter(|(_, found)| is_broken(found)).count();
            let (deviation, wrong) = (declared.id.clone(), declared.wrong.clone());
            let of = failed.len() + pattern.len() - agreeing;
            alike.push((to_the_point, Resemblance { deviation, wrong, agreeing, of }));
        }
    }
    // The larger share of agreement first; of equals the one whose very statements fail, then the file's order.
    alike.sort_by_key(|(to_the_point, found)| {
        std::cmp::Reverse((found.agreeing * 10_000 / found.of.max(1), found.agreeing, *to_the_point))
    });
    alike.into_iter().map(|(_, found)| found).collect()
}
