//! Whether a deviation counts as caught: pure.

use crate::selftest::catalogue::{Catalogue, Declared};
use crate::selftest::diagnosis::ranked;
use crate::selftest::matrix::Matrix;
use crate::selftest::observed::{Cell, Found, Observed};

/// What of the declaration did not come true; a line each.
pub(super) fn misses(declared: &Declared, observed: &Observed) -> Vec<String> {
    let mut misses = Vec::new();
    let unjudged = observed.erred.iter().chain(&observed.skipped);
    for (subtest, reason) in unjudged.filter(|(subtest, _)| declared.caught_by.contains(subtest)) {
        misses.push(format!("{subtest} came to no verdict: {reason}"));
    }
    let failed: Vec<(&Cell, &Found)> =
        observed.failed().filter(|(cell, _)| declared.caught_by.contains(&cell.subtest)).collect();
    for statement in &declared.breaks {
        if !failed.iter().any(|(_, found)| found.statements.contains(statement)) {
            let where_ = declared.caught_by.join(", ");
            misses.push(format!("{statement} is not proven: no check on it fails in {where_}"));
        }
    }
    for subtest in &declared.caught_by {
        let names_it =
            |found: &Found| found.statements.iter().any(|statement| declared.breaks.contains(statement));
        if !failed.iter().any(|(cell, found)| cell.subtest == *subtest && names_it(found)) {
            misses.push(format!("{subtest} does not catch it: no check on a broken statement fails there"));
        }
    }
    misses
}

/// What is no longer as it was when the matrix was made, so that a diagnosis would mislead; a line each.
pub(super) fn changes(
    declared: &Declared,
    observed: &Observed,
    matrix: &Matrix,
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut changes = Vec::new();
    for subtest in &declared.caught_by {
        for check in matrix.checks(&declared.id, subtest) {
            let cell = Cell { subtest: subtest.clone(), check: check.to_owned() };
            if !observed.failed().any(|(failed, _)| *failed == cell) {
                changes
                    .push(format!("{subtest} no longer proves “{check}”; if that is meant, --write-matrix"));
            }
        }
    }
    let alike = ranked(observed, matrix, catalogue);
    let best = alike.first().map(|best| (best.agreeing, best.of));
    let own = alike.iter().find(|found| found.deviation == declared.id).map(|own| (own.agreeing, own.of));
    if changes.is_empty() && (own.is_none() || own != best) {
        let named = alike.first().map_or("nothing", |best| best.deviation.as_str());
        changes
            .push(format!("a run against it is diagnosed as {named}; --write-matrix makes the matrix anew"));
    }
    changes
}
