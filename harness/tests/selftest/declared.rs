//! The files in `fixtures`, without a run.

use std::collections::BTreeSet;

use harness::check::outcome::CheckVerdict;
use harness::selftest::catalogue::Catalogue;
use harness::selftest::census;
use harness::selftest::diagnosis::diagnose;
use harness::selftest::matrix::Matrix;
use harness::selftest::observed::{Cell, Found, Observed};

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
fn the_matrix_knows_every_deviation_and_no_other() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let declared: BTreeSet<&str> = catalogue.deviations.iter().map(|declared| declared.id.as_str()).collect();
    let known: BTreeSet<&str> = matrix.patterns.keys().map(String::as_str).collect();
    assert_eq!(known, declared, "`harness selftest --write-matrix` makes it anew");
    for declared in &catalogue.deviations {
        let subtests = &matrix.patterns[&declared.id];
        for subtest in &declared.caught_by {
            assert!(subtests.contains_key(subtest), "{} does not fail {subtest} in the matrix", declared.id);
        }
    }
}

/// Deviations that the checks of their sub-tests cannot tell apart.
const ALIKE: &[[&str; 2]] = &[
    ["count-as-text", "count-null-at-first"],
    ["count-starts-at-one", "filters-ignored"],
    ["guide-form-loses-its-description", "guide-form-unprocessable"],
    ["keys-not-in-hex", "keys-short"],
    ["list-json-counts-as-text", "list-json-without-revoked"],
    ["tags-dropped-silently", "tags-unrestricted"],
];

fn is_listed(listed: &[[&str; 2]], [one, other]: [&str; 2]) -> bool {
    listed.iter().any(|pair| *pair == [one, other] || *pair == [other, one])
}

/// What a run of everything would find if only these checks failed.
fn run_of(deviation: &str, matrix: &Matrix) -> Observed {
    let mut observed = Observed::default();
    let all = matrix.patterns.keys().flat_map(|id| matrix.cells(id)).collect::<BTreeSet<Cell>>();
    for cell in all {
        let fails = matrix.fails(deviation, &cell);
        let verdict = if fails { CheckVerdict::Fail } else { CheckVerdict::Pass };
        let statements = cell.check.rsplit(": ").next().unwrap_or_default().split(", ").map(str::to_owned);
        observed.cells.insert(cell.clone(), Found { statements: statements.collect(), verdict });
    }
    observed
}

#[test]
fn a_run_against_each_deviation_is_diagnosed_as_that_deviation() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    for declared in &catalogue.deviations {
        let diagnosis = diagnose(&run_of(&declared.id, &matrix), &matrix, &catalogue);
        let best = diagnosis.first().unwrap_or_else(|| panic!("{} is not diagnosed", declared.id));
        let own = diagnosis.iter().find(|found| found.deviation == declared.id);
        let own = own.unwrap_or_else(|| panic!("{} is diagnosed as {}", declared.id, best.deviation));
        assert_eq!((own.agreeing, own.of), (best.agreeing, best.of), "{} is not the best", declared.id);
        let tied = diagnosis.iter().take_while(|found| (found.agreeing, found.of) == (own.agreeing, own.of));
        for other in tied.filter(|other| other.deviation != declared.id) {
            let pair = [declared.id.as_str(), other.deviation.as_str()];
            assert!(is_listed(ALIKE, pair), "{} and {} cannot be told apart", pair[0], pair[1]);
        }
        assert_eq!(best.agreeing, best.of, "{}", declared.id);
    }
}

#[test]
fn what_nothing_explains_is_not_diagnosed() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let mut observed = run_of("", &matrix);
    assert_eq!(diagnose(&observed, &matrix, &catalogue), []);
    for found in observed.cells.values_mut() {
        found.verdict = CheckVerdict::Fail;
    }
    assert_eq!(
        diagnose(&observed, &matrix, &catalogue),
        [],
        "everything fails: that is nothing in particular"
    );
}
