//! Judges whether a deviation counts as caught. Pure.

use harness_model::check::outcome::CheckVerdict;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::{Cell, Found, Observed};
use harness_report::diagnosis::ranked;

/// Why the deviation does not count as caught, one line for each reason.
pub(super) fn misses(declared: &Declared, observed: &Observed) -> Vec<String> {
    let mut misses = unjudged(declared, observed);
    let failed: Vec<(&Cell, &Found)> =
        observed.failed().filter(|(cell, _)| declared.caught_by.contains(&cell.subtest)).collect();
    for cell in observed.wavering.iter().filter(|cell| declared.caught_by.contains(&cell.subtest)) {
        misses.push(format!(
            "{}: “{}” fails in some runs only, which does not count as caught",
            cell.subtest, cell.check
        ));
    }
    for statement in &declared.breaks {
        if !failed.iter().any(|(_, found)| found.statements.contains(statement)) {
            let subtests = declared.caught_by.join(", ");
            misses.push(format!("{statement} is not proven: no check on it fails in {subtests}"));
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

/// Sub-tests that are declared to catch it and reached no verdict, one line each.
pub(super) fn unjudged(declared: &Declared, observed: &Observed) -> Vec<String> {
    let unjudged = observed.erred.iter().chain(&observed.skipped);
    let catching = unjudged.filter(|subtest| declared.caught_by.contains(&subtest.id));
    catching.map(|subtest| format!("{} reached no verdict: {}", subtest.id, subtest.reason)).collect()
}

/// Differences from the kill matrix that would make a diagnosis misleading, one line each.
pub(super) fn changes(
    declared: &Declared,
    observed: &Observed,
    matrix: &Matrix,
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut changes = Vec::new();
    for subtest in &declared.caught_by {
        for check in matrix.pattern(&declared.id).checks(subtest) {
            let cell = Cell { subtest: subtest.clone(), check: check.to_owned() };
            if !observed.failed().any(|(failed, _)| *failed == cell) {
                changes.push(format!(
                    "{subtest}: “{check}” no longer fails; update the kill matrix with --write-matrix if intended"
                ));
            }
        }
    }
    if changes.is_empty() {
        changes.extend(misnamed(declared, observed, matrix, catalogue).map(|named| {
            format!("a run against it is diagnosed as {named}; update the kill matrix with --write-matrix")
        }));
    }
    changes
}

/// Differences between a run of all suites and the kill matrix, one line each.
pub(super) fn differences(
    declared: &Declared,
    observed: &Observed,
    matrix: &Matrix,
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut differences = Vec::new();
    let pattern = matrix.pattern(&declared.id);
    for (cell, found) in &observed.cells {
        if pattern.wavers(cell) || observed.wavering.contains(cell) {
            continue;
        }
        let is_known = pattern.fails(cell);
        let difference = match (is_known, found.verdict) {
            (true, CheckVerdict::Pass) => "no longer fails",
            (true, CheckVerdict::Error) => "can no longer be judged",
            (false, CheckVerdict::Fail) => "now fails",
            _ => continue,
        };
        differences.push(format!("{}: “{}” {difference}", cell.subtest, cell.check));
    }
    if let Some(named) = misnamed(declared, observed, matrix, catalogue) {
        differences.push(format!("a run of all suites against it is diagnosed as {named}"));
    } else if let [first, second, ..] = ranked(observed, matrix, catalogue).as_slice()
        && (first.agreeing, first.of) == (second.agreeing, second.of)
    {
        differences.push(format!("{} and {} fail the same checks", first.deviation, second.deviation));
    }
    differences
}

/// The deviation that a run is diagnosed as, if it is another one. A tie for the first place counts as right.
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
            summary: "a defect".to_owned(),
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
    fn a_check_that_fails_in_some_runs_only_does_not_count() {
        use CheckVerdict::{Fail, Pass};
        let found = |verdict| observed(&[("a/ST1", "a/F.1", Fail), ("a/ST2", "a/F.2", verdict)]);
        let steady = Observed::steady(vec![found(Fail), found(Pass), found(Fail)]);
        let missed = misses(&declared(), &steady);
        let expected = "a/ST2: “a step: a/F.2” fails in some runs only, which does not count as caught";
        assert!(missed.contains(&expected.to_owned()), "{missed:?}");
        assert!(missed.iter().any(|line| line.starts_with("a/F.2 is not proven")), "{missed:?}");
        assert_eq!(misses(&declared(), &Observed::steady(vec![found(Fail); 3])), Vec::<String>::new());
    }

    #[test]
    fn differences_from_the_matrix_are_listed() {
        use CheckVerdict::{Error, Fail, Pass};
        let runs = |verdicts: [CheckVerdict; 3]| {
            let [one, two, three] = verdicts;
            observed(&[("a/ST1", "a/F.1", one), ("a/ST2", "a/F.2", two), ("a/ST2", "b/F.1", three)])
        };
        let mut matrix = Matrix::default();
        matrix.learn("d", &runs([Fail, Fail, Pass]), |_| true);
        let catalogue = Catalogue { deviations: vec![declared()], unproven: Vec::new() };
        let listed = |verdicts| differences(&declared(), &runs(verdicts), &matrix, &catalogue).join("\n");
        assert_eq!(listed([Fail, Fail, Pass]), "");
        assert_eq!(listed([Fail, Error, Pass]), "a/ST2: “a step: a/F.2” can no longer be judged");
        assert!(
            listed([Fail, Pass, Fail])
                .starts_with("a/ST2: “a step: a/F.2” no longer fails\na/ST2: “a step: b/F.1” now fails\n")
        );
        assert!(listed([Pass, Pass, Fail]).ends_with("is diagnosed as nothing"));
    }
}
