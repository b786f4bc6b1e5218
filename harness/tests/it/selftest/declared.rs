//! The declarations in `fixtures`, checked without a run.

use std::collections::BTreeSet;

use harness_reference::census;
use harness_report::diagnosis::catalogue::{Catalogue, Unproven};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Cell;

use crate::selftest::library;

#[test]
fn every_binding_statement_is_proven_or_excused() {
    let (catalogue, library) = (Catalogue::built_in().unwrap(), library());
    assert_eq!(census::mistakes(&catalogue, &library), Vec::<String>::new());
    assert_eq!(census::gaps(&catalogue, &library.registry), Vec::<String>::new());
    for declared in &catalogue.deviations {
        assert_eq!(census::unchecked(declared, &library), Vec::<String>::new(), "{}", declared.id);
    }
}

#[test]
fn every_must_statement_has_three_deviations() {
    let (catalogue, registry) = (Catalogue::built_in().unwrap(), library().registry);
    assert_eq!(census::thin(&catalogue, &registry), Vec::<(&str, usize)>::new());
    let fewer = Catalogue { deviations: catalogue.deviations[..1].to_vec(), ..catalogue };
    let thin = census::thin(&fewer, &registry);
    assert!(thin.contains(&("used-count/F.1", 1)), "{thin:?}");
    let before = thin.len();
    let statements = vec!["used-count/F.1".to_owned()];
    let excused = Unproven { reason: "on purpose".to_owned(), statements };
    let thin = census::thin(&Catalogue { unproven: vec![excused], ..fewer }, &registry).len();
    assert_eq!(thin, before - 1, "a reason excuses it");
}

#[test]
fn unknown_ids_are_listed_with_a_suggestion() {
    let deviations = r#"
        [[deviation]]
        id = "count-frozn"
        summary = "x"
        breaks = ["used-count/F.11"]
        caught_by = ["used-count/ST99"]
    "#;
    let unproven = "[[unproven]]\nreason = \"r\"\nstatements = [\"used-count/F.1\", \"headless/X.1\"]";
    let catalogue = Catalogue::parse(deviations, unproven).unwrap();
    let mistakes = census::mistakes(&catalogue, &library()).join("\n");
    for part in [
        "count-frozn is declared and not implemented; did you mean `count-frozen`?",
        "count-frozn breaks the unknown statement used-count/F.11; did you mean `used-count/F.1`?",
        "count-frozn is caught by the unknown sub-test used-count/ST99",
        "count-frozen is implemented and not declared in fixtures/deviations.toml",
        "fixtures/unproven.toml has the unknown statement headless/X.1",
    ] {
        assert!(mistakes.contains(part), "{part}\n{mistakes}");
    }
    let gaps = census::gaps(&catalogue, &library().registry).join("\n");
    assert!(gaps.contains("used-count/F.2 is not proven by a deviation"), "{gaps}");
    assert!(!gaps.contains("used-count/F.1 is"), "{gaps}");
}

#[test]
fn the_matrix_is_up_to_date() {
    let (catalogue, matrix, library) =
        (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap(), library());
    let declared: BTreeSet<&str> = catalogue.deviations.iter().map(|declared| declared.id.as_str()).collect();
    let known: BTreeSet<&str> = matrix.patterns.keys().map(String::as_str).collect();
    assert_eq!(known, declared, "run `harness selftest --write-matrix`");
    let unknown = matrix.unknown(library.scenarios.iter().map(AsRef::as_ref));
    assert_eq!(unknown, BTreeSet::new(), "run `harness selftest --write-matrix`");
}

/// Whether the cell's check judges the statement.
fn names(cell: &Cell, statement: &str) -> bool {
    let named = cell.check.rsplit(": ").next().unwrap_or_default();
    named.split(", ").any(|named| named.split(" (").next() == Some(statement))
}

#[test]
fn checks_of_the_broken_statements_suffice_to_catch_every_deviation() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    for declared in &catalogue.deviations {
        let mut related: Vec<Cell> = matrix.pattern(&declared.id).cells().collect();
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
