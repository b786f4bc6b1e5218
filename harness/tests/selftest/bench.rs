//! What counts as caught.

use harness_reference::proof::Bench;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_runner::run;

use crate::library;

fn declared(id: &str, breaks: &[&str], caught_by: &[&str]) -> Declared {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Declared {
        id: id.to_owned(),
        wrong: "something were wrong".to_owned(),
        breaks: owned(breaks),
        caught_by: owned(caught_by),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_and_failures_elsewhere_are_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let bench = Bench::new(library(), catalogue, Matrix::default(), 2, folder.path());
    let (_stopper, stop) = run::stop();
    let cases = [
        (declared("installer-missing", &["used-count/ST1.2"], &["used-count/ST1"]), "it changed nothing"),
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
        (declared("no-such-thing", &["generate/F.6"], &["generate/ST1"]), "no deviation no-such-thing"),
    ];
    for (declared, expected) in cases {
        let proofs = bench.prove(&[&declared], &stop, |_| ()).await;
        let missed = proofs[0].missed.join("\n");
        assert!(missed.contains(expected), "{}: {expected}\n{missed}", declared.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shows_in_a_race_is_tried_three_times() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let deviations =
        ["reuse-under-concurrency", "expiry-365-refused"].map(|id| catalogue.find(id).cloned().unwrap());
    let bench = Bench::new(library(), catalogue, Matrix::built_in().unwrap(), 2, folder.path());
    let (_stopper, stop) = run::stop();
    let proofs = bench.prove(&deviations.each_ref(), &stop, |_| ()).await;
    assert_eq!(proofs.iter().map(|proof| proof.missed.clone()).collect::<Vec<_>>(), [[""; 0]; 2]);
    assert_eq!(proofs.iter().map(|proof| proof.tries).collect::<Vec<_>>(), [3, 1]);
}
