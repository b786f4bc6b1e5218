//! Several answers to one check, and answers that cannot be judged.

use super::*;
use crate::check::evidence::WireResult;
use crate::scenario::model::Subject;

fn race(statuses: &[u16]) -> Evidence {
    Evidence::Http(statuses.iter().map(|status| exchange(*status, "{}")).collect())
}

fn race_check(expectations: &str) -> Check {
    check("post = \"/x\"\nrace = 32", expectations).0
}

#[test]
fn a_race_tells_how_many_held_and_shows_one_that_did_not() {
    let outcome = judged(&race_check("status = 201"), &race(&[401, 201, 401]));
    assert_eq!(outcome.expected, "all 3 answers: the status: 201");
    assert_eq!(outcome.actual, "1 of 3: 201×1, 401×2");
    assert_eq!(
        outcome.message,
        "all 3 answers should be as expected; 1 were: 201×1, 401×2 (one of the others: the status should be 201, but is 401)"
    );
    let outcome = judged(&race_check("status = [201, 401]"), &race(&[201, 401]));
    assert_eq!(outcome.message, "all 2 answers should be as expected; 2 were: 201×1, 401×1");
    let whole = "status = 201, header = { Retry-After = \"30\" }, exactly = 2";
    let outcome = judged(&race_check(whole), &race(&[401, 201]));
    assert_eq!(outcome.expected, "exactly 2 of 2 answers: the status: 201; header `retry-after`: \"30\"");
}

#[test]
fn the_only_answer_of_a_race_is_counted_too() {
    for (expectations, verdict) in [
        ("status = 201, exactly = 0", CheckVerdict::Fail),
        ("status = 201, exactly = 1", CheckVerdict::Pass),
        ("status = 401, at_least = 1", CheckVerdict::Fail),
        ("status = 401, exactly = 0", CheckVerdict::Pass),
    ] {
        assert_eq!(judged(&race_check(expectations), &race(&[201])).verdict, verdict, "{expectations}");
    }
}

/// A 201 needs a snapshot that cannot be read: it might be right. A 401 is wrong whatever the snapshot says.
#[test]
fn an_answer_that_might_be_right_is_no_reason_to_pass_or_to_fail() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.snap"), "no snapshot").unwrap();
    let registry = registry();
    let variables: BTreeMap<String, Value> = BTreeMap::new();
    let snapshots = Snapshots { folder: folder.path(), mode: Mode::Compare, strict: false, run_prefix: "" };
    let context = Context { variables: &variables, registry: &registry, judges_ours: true, snapshots };
    for (quantity, statuses, verdict) in [
        ("", &[201][..], CheckVerdict::Error),
        ("", &[201, 201], CheckVerdict::Error),
        ("", &[201, 401], CheckVerdict::Fail),
        (", exactly = 1", &[201, 401], CheckVerdict::Error),
        (", at_least = 1", &[201, 401], CheckVerdict::Error),
        (", exactly = 0", &[401, 401], CheckVerdict::Pass),
    ] {
        let check = race_check(&format!("status = 201, snapshot = \"broken\"{quantity}"));
        let outcome = evaluate(&check, &race(statuses), &context);
        assert_eq!(outcome.verdict, verdict, "{quantity} {statuses:?}: {}", outcome.message);
        let told = outcome.message.contains("insta's format");
        assert_eq!(told, verdict == CheckVerdict::Error && statuses != [201, 401], "{}", outcome.message);
    }
}

#[test]
fn what_is_wrong_outweighs_what_cannot_be_judged() {
    let blind = ProcessResult { requests: None, ..process(Some(1), "", "") };
    for expectations in ["requests = [\"GET /x\"], exit = 0", "exit = 0, requests = [\"GET /x\"]"] {
        let check = check("on = \"M\"\nztna = \"x\"", expectations).0;
        let outcome = judged(&check, &Evidence::Process(blind.clone()));
        assert_eq!(outcome.verdict, CheckVerdict::Fail, "{}", outcome.message);
        assert!(outcome.message.starts_with("the exit code should be 0, but is 1"), "{}", outcome.message);
    }
}

#[test]
fn what_a_peer_heard_is_told_where_it_was_not_what_was_expected() {
    let (mut check, _) = check("get = \"/x\"", "status = 200");
    check.alternatives[0][0].subject = Subject::Handshake(true);
    let seen = vec!["sent an initiation".to_owned()];
    let silent = WireResult { seen: seen.clone(), ..WireResult::default() };
    let answered = WireResult { handshake: Some(Duration::from_millis(3)), ..silent.clone() };
    let outcome = judged(&check, &Evidence::Wire(silent));
    assert_eq!((outcome.verdict, outcome.seen), (CheckVerdict::Fail, seen));
    let outcome = judged(&check, &Evidence::Wire(answered));
    assert_eq!((outcome.verdict, outcome.seen), (CheckVerdict::Pass, Vec::new()));
}

#[test]
fn a_check_that_expects_nothing_judges_nothing() {
    let (mut check, _) = check("get = \"/x\"", "status = 200");
    check.alternatives.clear();
    let outcome = judged(&check, &http(200, &json!({})));
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (CheckVerdict::Error, "the check expects nothing")
    );
}
