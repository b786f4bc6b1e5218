//! The diagnosis of failed runs by the committed kill matrix.

use std::collections::{BTreeMap, BTreeSet};

use harness_model::check::outcome::CheckVerdict;
use harness_model::requirement::Level;
use harness_report::diagnosis::catalogue::Catalogue;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::{Cell, Found, Observed};
use harness_report::diagnosis::{diagnose, listed, ranked};
use harness_report::resemblance::Resemblance;

use crate::selftest::library;

/// A run of some sub-tests in which every check passes.
fn passing_run(subtests: &dyn Fn(&str) -> bool, matrix: &Matrix) -> Observed {
    let mut observed = Observed::default();
    let cells = matrix.patterns.keys().flat_map(|id| matrix.pattern(id).cells());
    for cell in cells.filter(|cell| subtests(&cell.subtest)) {
        let named = cell.check.rsplit(": ").next().unwrap_or_default();
        let statements = named.split(", ").filter_map(|named| named.split(" (").next()).map(str::to_owned);
        let found = Found { statements: statements.collect(), verdict: CheckVerdict::Pass };
        observed.cells.insert(cell, found);
    }
    observed
}

/// A run of some sub-tests in which exactly these checks fail.
fn run_of(failing: &dyn Fn(&Cell) -> bool, subtests: &dyn Fn(&str) -> bool, matrix: &Matrix) -> Observed {
    let mut observed = passing_run(subtests, matrix);
    let failing = observed.cells.iter_mut().filter(|(cell, _)| failing(cell));
    failing.for_each(|(_, found)| found.verdict = CheckVerdict::Fail);
    observed
}

/// Gives the run's checks that fail under the deviation a verdict.
fn set_verdicts(observed: &mut Observed, deviation: &str, verdict: CheckVerdict, matrix: &Matrix) {
    for cell in matrix.pattern(deviation).cells() {
        observed.cells.entry(cell).and_modify(|found| found.verdict = verdict);
    }
}

#[test]
fn a_whole_run_is_diagnosed_as_its_deviation_alone() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let mut confused = Vec::new();
    let mut observed = passing_run(&|_| true, &matrix);
    for declared in &catalogue.deviations {
        set_verdicts(&mut observed, &declared.id, CheckVerdict::Fail, &matrix);
        let named: Vec<String> =
            diagnose(&observed, &matrix, &catalogue).into_iter().map(|found| found.deviation).collect();
        if named != [declared.id.as_str()] {
            confused.push(format!("{}: {}", declared.id, named.join(", ")));
        }
        set_verdicts(&mut observed, &declared.id, CheckVerdict::Pass, &matrix);
    }
    assert_eq!(confused, Vec::<String>::new());
}

#[test]
fn a_partial_run_is_fully_explained_by_its_deviation() {
    let (catalogue, matrix, library) =
        (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap(), library());
    let suite_of = |subtest: &str| {
        let scenario = library.scenarios.iter().find(|scenario| scenario.id == subtest).unwrap();
        scenario.suite.as_str()
    };
    let whole = passing_run(&|_| true, &matrix);
    let part_of = |subtests: &dyn Fn(&str) -> bool| {
        let mut part = whole.clone();
        part.cells.retain(|cell, _| subtests(&cell.subtest));
        part
    };
    let names: BTreeSet<&str> = library.scenarios.iter().map(|scenario| scenario.suite.as_str()).collect();
    let mut of_suite: BTreeMap<&str, Observed> =
        names.iter().map(|suite| (*suite, part_of(&|subtest| suite_of(subtest) == *suite))).collect();
    for declared in &catalogue.deviations {
        let suites: BTreeSet<&str> = declared.caught_by.iter().map(|subtest| suite_of(subtest)).collect();
        let mut caught = part_of(&|subtest| declared.caught_by.iter().any(|known| known == subtest));
        let in_suites = of_suite.iter_mut().filter(|(suite, _)| suites.contains(**suite));
        for observed in in_suites.map(|(_, observed)| observed).chain([&mut caught]) {
            set_verdicts(observed, &declared.id, CheckVerdict::Fail, &matrix);
            let found = diagnose(observed, &matrix, &catalogue);
            set_verdicts(observed, &declared.id, CheckVerdict::Pass, &matrix);
            let is_named = found.iter().any(|found| found.deviation == declared.id);
            // A partial run may fit many deviations; only the likeliest are listed.
            assert!(is_named || found.len() == 3, "{}: {found:?}", declared.id);
            assert!(found.iter().all(Resemblance::is_exact), "{}: {found:?}", declared.id);
        }
    }
}

#[test]
fn an_unrelated_failure_does_not_hide_a_pattern() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let subtests = |subtest: &str| subtest != "used-count/ST2";
    let mut observed = run_of(&|cell| matrix.pattern("reuse-allowed").fails(cell), &subtests, &matrix);
    let passed = observed.cells.iter().filter(|(_, found)| found.verdict == CheckVerdict::Pass);
    let other = passed.map(|(cell, _)| cell.clone()).next_back().unwrap();
    observed.cells.get_mut(&other).unwrap().verdict = CheckVerdict::Fail;
    let found = diagnose(&observed, &matrix, &catalogue);
    assert_eq!(found[0].deviation, "reuse-allowed", "{found:?}");
    assert_eq!(found[0].agreeing + 1, found[0].of, "{found:?}");
}

#[test]
fn unexplained_failures_are_not_diagnosed() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let nothing = run_of(&|_| false, &|_| true, &matrix);
    assert_eq!(diagnose(&nothing, &matrix, &catalogue), []);
    let everything = run_of(&|_| true, &|_| true, &matrix);
    assert_eq!(diagnose(&everything, &matrix, &catalogue), [], "that is nothing in particular");
}

/// The share of deviations, in percent, for which this holds.
fn share(holds: usize, all: usize) -> usize {
    (100 * holds).checked_div(all).unwrap_or_default()
}

/// The figures of decision 018. On another target, choices of the reference are not judged.
#[test]
fn the_first_named_deviation_is_right_and_unknown_defects_are_seldom_named() {
    let (catalogue, matrix, registry) =
        (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap(), library().registry);
    let is_documented = |found: &Found| {
        let level = |id: &String| registry.get(id).map(|statement| statement.level);
        found.statements.iter().any(|id| level(id).is_some_and(|level| level != Level::Ours))
    };
    let passing = passing_run(&|_| true, &matrix);
    for (run, on_reference, most_named) in [("reference", true, 15), ("another target", false, 18)] {
        let mut observed = passing.clone();
        observed.cells.retain(|_, found| on_reference || is_documented(found));
        let (mut judged, mut right, mut tied, mut wrong, mut named) = (0, 0, 0, Vec::new(), 0);
        for declared in &catalogue.deviations {
            set_verdicts(&mut observed, &declared.id, CheckVerdict::Fail, &matrix);
            if observed.failed().next().is_none() {
                continue;
            }
            judged += 1;
            let alike = ranked(&observed, &matrix, &catalogue);
            // An unknown defect is what the catalogue without this deviation would make of it.
            named += usize::from(alike.iter().any(|other| other.deviation != declared.id));
            let found = listed(alike);
            set_verdicts(&mut observed, &declared.id, CheckVerdict::Pass, &matrix);
            let is_tied = |other: &Resemblance| other.deviation == declared.id && other.is_exact();
            match found.first() {
                Some(first) if first.deviation == declared.id => right += 1,
                Some(_) if found.iter().any(is_tied) || found.len() == 3 => tied += 1,
                _ => wrong.push(declared.id.as_str()),
            }
        }
        assert_eq!(wrong, Vec::<&str>::new(), "{run}");
        assert!(share(right, judged) >= if on_reference { 100 } else { 95 }, "{run}: {right} of {judged}");
        assert!(share(named, judged) <= most_named, "{run}: {named} of {judged}, {tied} tied");
    }
}

/// A server that counts refusals fails checks that other defects fail, too.
#[test]
fn a_diagnosis_says_what_speaks_against_it() {
    let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
    let spared = matrix.pattern("count-moves-on-refusal").cells().next().unwrap();
    let failing = |cell: &Cell| matrix.pattern("count-moves-on-refusal").fails(cell) && *cell != spared;
    let found = diagnose(&run_of(&failing, &|_| true, &matrix), &matrix, &catalogue);
    let first = found.first().unwrap();
    assert_eq!(first.deviation, "count-moves-on-refusal", "{found:?}");
    let told = first.to_string();
    assert!(told.starts_with("resembles the reference with one defect: "), "{told}");
    let statements = spared.check.rsplit(": ").next().unwrap();
    assert!(told.contains(&format!("against it: {statements} of {} passes", spared.subtest)), "{told}");
}
