//! The files in `fixtures`, without a run.

use std::collections::BTreeSet;

use harness_reference::census;
use harness_report::diagnosis::catalogue::Catalogue;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Cell;

use crate::library;

#[test]
fn every_binding_statement_is_proven_or_excused_and_everything_named_exists() {
    let (catalogue, library) = (Catalogue::built_in().unwrap(), library());
    assert_eq!(census::mistakes(&catalogue, &library), Vec::<String>::new());
    assert_eq!(census::gaps(&catalogue, &library.registry), Vec::<String>::new());
    for declared in &catalogue.deviations {
        assert_eq!(census::unchecked(declared, &library), Vec::<String>::new(), "{}", declared.id);
    }
}

#[test]
fn what_does_not_exist_is_said_with_what_was_meant() {
    let deviations = r#"
        [[deviation]]
        id = "count-frozn"
        wrong = "x"
        breaks = ["used-count/F.11"]
        caught_by = ["used-count/ST99"]
    "#;
    let unproven = "[[unproven]]\nreason = \"r\"\nstatements = [\"used-count/F.1\", \"headless/X.1\"]";
    let catalogue = Catalogue::parse(deviations, unproven).unwrap();
    let mistakes = census::mistakes(&catalogue, &library()).join("\n");
    for part in [
        "no such deviation; did you mean `count-frozen`?",
        "used-count/F.11, which is no statement; did you mean `used-count/F.1`?",
        "used-count/ST99, which is no sub-test",
        "count-frozen is in the program and not in fixtures/deviations.toml",
        "unproven: headless/X.1, which is no statement",
    ] {
        assert!(mistakes.contains(part), "{part}\n{mistakes}");
    }
    let gaps = census::gaps(&catalogue, &library().registry).join("\n");
    assert!(gaps.contains("used-count/F.2 is proven by no deviation"), "{gaps}");
    assert!(!gaps.contains("used-count/F.1 is"), "{gaps}");
}

#[test]
fn the_matrix_knows_every_deviation_and_no_other_on_the_sub_tests_as_they_are() {
    let (catalogue, matrix, library) =
        (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap(), library());
    let declared: BTreeSet<&str> = catalogue.deviations.iter().map(|declared| declared.id.as_str()).collect();
    let known: BTreeSet<&str> = matrix.patterns.keys().map(String::as_str).collect();
    assert_eq!(known, declared, "`harness selftest --write-matrix` brings it up to date");
    let unknown = matrix.unknown(library.scenarios.iter().map(AsRef::as_ref));
    assert_eq!(unknown, BTreeSet::new(), "`harness selftest --write-matrix` tries the deviations on these");
}

/// What a cell's check judges, if it is one of these statements.
fn names(cell: &Cell, statement: &str) -> bool {
    let named = cell.check.rsplit(": ").next().unwrap_or_default();
    named.split(", ").any(|named| named.split(" (").next() == Some(statement))
}

#[test]
fn no_check_of_an_unrelated_statement_is_needed_to_catch_a_deviation() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    for declared in &catalogue.deviations {
        let mut related: Vec<Cell> = matrix.cells(&declared.id).collect();
        related.retain(|cell| declared.breaks.iter().any(|statement| names(cell, statement)));
        for statement in &declared.breaks {
            let proves = |cell: &&Cell| names(cell, statement) && declared.caught_by.contains(&cell.subtest);
            assert!(related.iter().any(|cell| proves(&cell)), "{}: {statement}", declared.id);
        }
        for subtest in &declared.caught_by {
            assert!(related.iter().any(|cell| cell.subtest == *subtest), "{}: {subtest}", declared.id);
        }
    }
}
