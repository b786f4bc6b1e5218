//! When a deviation counts as caught.

use std::collections::BTreeSet;

use harness_reference::self_test::{Scope, SelfTest};
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Cell;
use harness_runner::run;

use crate::selftest::library;

fn declared(id: &str, breaks: &[&str], caught_by: &[&str]) -> Declared {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Declared {
        id: id.to_owned(),
        summary: "a defect".to_owned(),
        breaks: owned(breaks),
        caught_by: owned(caught_by),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_failed_checks_of_the_declared_statements_catch_a_deviation() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let self_test = SelfTest::new(library(), catalogue, Matrix::default(), 2, folder.path());
    let (_stopper, stop) = run::stop();
    let cases = [
        (
            declared("installer-missing", &["used-count/ST1.2"], &["used-count/ST1"]),
            "it changed no request, no response and no call of the agent",
        ),
        (
            declared("count-as-text", &["used-count/ST1.1"], &["used-count/ST1"]),
            "used-count/ST1.1 is not proven: no check on it fails in used-count/ST1",
        ),
        (
            declared("count-as-text", &["used-count/F.6"], &["used-count/ST1", "generate/ST5"]),
            "generate/ST5 does not catch it",
        ),
        (
            declared("count-as-text", &["generate/F.6"], &["used-count/ST1"]),
            "generate/F.6 is no longer proven: no check in used-count/ST1 names it",
        ),
        (
            declared("no-such-thing", &["generate/F.6"], &["generate/ST1"]),
            "does not implement the deviation `no-such-thing`",
        ),
    ];
    for (declared, expected) in cases {
        let outcomes = self_test.try_deviations(&[&declared], &stop, |_| ()).await;
        let missed = outcomes[0].missed.join("\n");
        assert!(missed.contains(expected), "{}: {expected}\n{missed}", declared.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deviation_that_affects_no_changed_subtest_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let known = catalogue.find("dashboard-count-missing").cloned().unwrap();
    let mut self_test = SelfTest::new(library(), catalogue, Matrix::built_in().unwrap(), 2, folder.path());
    self_test.scope = Scope::Unlearned(BTreeSet::from(["api-key/ST1".to_owned()]));
    let (_stopper, stop) = run::stop();
    let outcomes = self_test.try_deviations(&[&known], &stop, |_| ()).await;
    assert_eq!(outcomes[0].missed, [""; 0]);
    assert!(outcomes[0].tried_nothing(), "{:?}", outcomes[0].observed);
    let mut matrix = Matrix::built_in().unwrap();
    let before: Vec<Cell> = matrix.pattern(&known.id).cells().collect();
    matrix.learn(&known.id, &outcomes[0].observed, |subtest| subtest == "api-key/ST1");
    assert_eq!(matrix.pattern(&known.id).cells().collect::<Vec<_>>(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_that_failed_run_three_times() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let deviations =
        ["reuse-under-concurrency", "expiry-365-refused"].map(|id| catalogue.find(id).cloned().unwrap());
    let self_test = SelfTest::new(library(), catalogue, Matrix::built_in().unwrap(), 2, folder.path());
    let (_stopper, stop) = run::stop();
    let outcomes = self_test.try_deviations(&deviations.each_ref(), &stop, |_| ()).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.missed.clone()).collect::<Vec<_>>(), [[""; 0]; 2]);
    assert_eq!(outcomes.iter().map(|outcome| outcome.tries).collect::<Vec<_>>(), [3, 1]);
}
