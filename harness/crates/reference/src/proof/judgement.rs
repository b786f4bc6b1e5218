//! Whether a deviation counts as caught: pure.

use harness_model::check::outcome::CheckVerdict;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::{Cell, Found, Observed};
use harness_report::diagnosis::ranked;

/// What of the declaration did not come true; a line each.
pub(super) fn misses(declared: &Declared, observed: &Observed) -> Vec<String> {
    let mut misses = unjudged(declared, observed);
    let failed: Vec<(&Cell, &Found)> =
        observed.failed().filter(|(cell, _)| declared.caught_by.contains(&cell.subtest)).collect();
    for cell in observed.wavering.iter().filter(|cell| declared.caught_by.contains(&cell.subtest)) {
        misses
            .push(format!("{} fails “{}” in some runs only: that catches nothing", cell.subtest, cell.check));
    }
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

/// What was to catch it and came to no verdict; a line each.
pub(super) fn unjudged(declared: &Declared, observed: &Observed) -> Vec<String> {
    let unjudged = observed.erred.iter().chain(&observed.skipped);
    let catching = unjudged.filter(|(subtest, _)| declared.caught_by.contains(subtest));
    catching.map(|(subtest, reason)| format!("{subtest} came to no verdict: {reason}")).collect()
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
    if changes.is_empty() {
        changes.extend(misnamed(declared, observed, matrix, catalogue).map(|named| {
            format!("a run against it is diagnosed as {named}; --write-matrix makes the matrix anew")
        }));
    }
    changes
}

/// How a run of all suites is not as the matrix has it; a line each.
pub(super) fn differences(
    declared: &Declared,
    observed: &Observed,
    matrix: &Matrix,
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut differences = Vec::new();
    for (cell, found) in &observed.cells {
        if matrix.wavers(&declared.id, cell) || observed.wavering.contains(cell) {
            continue;
        }
        let is_known = matrix.fails(&declared.id, cell);
        let difference = match (is_known, found.verdict) {
            (true, CheckVerdict::Pass) => "no longer fails",
            (true, CheckVerdict::Error) => "can no longer judge",
            (false, CheckVerdict::Fail) => "now fails",
            _ => continue,
        };
        differences.push(format!("{} {difference} “{}”", cell.subtest, cell.check));
    }
    if let Some(named) = misnamed(declared, observed, matrix, catalogue) {
        differences.push(format!("a run of everything against it is diagnosed as {named}"));
    } else if let [first, second, ..] = ranked(observed, matrix, catalogue).as_slice()
        && (first.agreeing, first.of) == (second.agreeing, second.of)
    {
        differences.push(format!("{} cannot be told from {}", first.deviation, second.deviation));
    }
    differences
}

/// What a run against the deviation is taken for, if not for this deviation; of a tie both are right.
fn misnamed(
    declared: &Declared,
    observed: &Observed,
    matrix: &Matrix,
    catalogue: &Catalogue,
) -> Option<String> {
    let alike = ranked(observed, matrix, catalogue);
    let best = alike.first().map(|best| (best.agreeing, best.of));
    let own = alike.iter().find(|found| found.deviation == declared.id).map(|own| (own.agreeing, own.of));
    let is_best = own.is_some() && own == best;
    (!is_best).then(|| alike.first().map_or_else(|| "nothing".to_owned(), |best| best.deviation.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Declared {
        Declared {
            id: "d".to_owned(),
            wrong: "something were wrong".to_owned(),
            breaks: vec!["a/F.1".to_owned(), "a/F.2".to_owned()],
            caught_by: vec!["a/ST1".to_owned(), "a/ST2".to_owned()],
        }
    }

    fn observed(found: &[(&str, &str, CheckVerdict)]) -> Observed {
        let mut observed = Observed::default();
        for (subtest, statement, verdict) in found {
            let cell = Cell { subtest: (*subtest).to_owned(), check: format!("a step: {statement}") };
            let found = Found { statements: vec![(*statement).to_owned()], verdict: *verdict };
            observed.cells.insert(cell, found);
        }
        observed
    }

    #[test]
    fn only_checks_of_the_broken_statements_catch_it() {
        use CheckVerdict::{Fail, Pass};
        let related = [("a/ST1", "a/F.1", Fail), ("a/ST2", "a/F.2", Fail), ("a/ST2", "b/F.1", Pass)];
        assert_eq!(misses(&declared(), &observed(&related)), Vec::<String>::new());
        let unrelated = [("a/ST1", "b/F.1", Fail), ("a/ST2", "a/F.2", Fail), ("a/ST3", "a/F.1", Fail)];
        assert_eq!(
            misses(&declared(), &observed(&unrelated)),
            [
                "a/F.1 is not proven: no check on it fails in a/ST1, a/ST2",
                "a/ST1 does not catch it: no check on a broken statement fails there",
            ]
        );
    }

    #[test]
    fn what_fails_in_some_runs_only_catches_nothing() {
        use CheckVerdict::{Fail, Pass};
        let found = |verdict| observed(&[("a/ST1", "a/F.1", Fail), ("a/ST2", "a/F.2", verdict)]);
        let steady = Observed::steady(vec![found(Fail), found(Pass), found(Fail)]);
        let missed = misses(&declared(), &steady);
        assert!(
            missed
                .contains(&"a/ST2 fails “a step: a/F.2” in some runs only: that catches nothing".to_owned())
        );
        assert!(missed.iter().any(|line| line.starts_with("a/F.2 is not proven")), "{missed:?}");
        assert_eq!(misses(&declared(), &Observed::steady(vec![found(Fail); 3])), Vec::<String>::new());
    }

    #[test]
    fn a_run_that_is_not_as_the_matrix_has_it_is_told() {
        use CheckVerdict::{Error, Fail, Pass};
        let runs = |verdicts: [CheckVerdict; 3]| {
            let [one, two, three] = verdicts;
            observed(&[("a/ST1", "a/F.1", one), ("a/ST2", "a/F.2", two), ("a/ST2", "b/F.1", three)])
        };
        let mut matrix = Matrix::default();
        matrix.learn("d", &runs([Fail, Fail, Pass]), |_| true);
        let catalogue = Catalogue { deviations: vec![declared()], unproven: Vec::new() };
        let told = |verdicts| differences(&declared(), &runs(verdicts), &matrix, &catalogue).join("\n");
        assert_eq!(told([Fail, Fail, Pass]), "");
        assert_eq!(told([Fail, Error, Pass]), "a/ST2 can no longer judge “a step: a/F.2”");
        assert!(
            told([Fail, Pass, Fail])
                .starts_with("a/ST2 no longer fails “a step: a/F.2”\na/ST2 now fails “a step: b/F.1”\n")
        );
        assert!(told([Pass, Pass, Fail]).ends_with("is diagnosed as nothing"));
    }
}
