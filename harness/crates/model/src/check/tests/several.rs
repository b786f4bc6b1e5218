//! Races, and responses that cannot be judged.

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
fn race_counts_matches_and_shows_a_mismatch() {
    let outcome = judged(&race_check("status = 201"), &race(&[401, 201, 401]));
    assert_eq!(outcome.expected, "all 3 responses: status: 201");
    assert_eq!(outcome.actual, "1 of 3: 201×1, 401×2");
    assert_eq!(
        outcome.message,
        "expected all 3 responses to match, got 1: 201×1, 401×2 (for example: status: expected 201, got 401)"
    );
    let outcome = judged(&race_check("status = [201, 401]"), &race(&[201, 401]));
    assert_eq!(outcome.message, "expected all 2 responses to match, got 2: 201×1, 401×1");
    let expectations = "status = 201, header = { Retry-After = \"30\" }, exactly = 2";
    let outcome = judged(&race_check(expectations), &race(&[401, 201]));
    assert_eq!(outcome.expected, "exactly 2 of 2 responses: status: 201; header `retry-after`: \"30\"");
}

#[test]
fn rate_limit_is_blamed_only_where_it_can_be_the_cause() {
    for (expectations, statuses, is_blamed) in [
        ("status = 200", &[200, 429][..], true),
        ("status = 200, at_least = 1", &[429, 429], true),
        ("status = 200, exactly = 2", &[200, 429], true),
        ("status = 200, exactly = 1", &[200, 200, 429], false),
        ("status = 200, at_most = 1", &[200, 200, 429], false),
        ("status = [200, 429]", &[200, 429, 500], false),
        ("any = [{ status = 200 }, { status = 429 }]", &[500, 429], false),
    ] {
        let outcome = judged(&race_check(expectations), &race(statuses));
        assert_eq!(outcome.verdict, CheckVerdict::Fail, "{expectations}");
        let blames = outcome.message.contains("limits.requests_per_second");
        assert_eq!(blames, is_blamed, "{expectations}: {}", outcome.message);
    }
    let mut page = exchange(200, "<html></html>");
    page.headers.clear();
    let evidence = Evidence::Http(vec![exchange(429, "{}"), page]);
    let outcome = judged(&race_check("status = [200, 429], json = { \"/a\" = 1 }"), &evidence);
    assert!(outcome.message.contains("an HTML page"), "{}", outcome.message);
}

#[test]
fn race_with_one_response_is_counted() {
    for (expectations, verdict) in [
        ("status = 201, exactly = 0", CheckVerdict::Fail),
        ("status = 201, exactly = 1", CheckVerdict::Pass),
        ("status = 401, at_least = 1", CheckVerdict::Fail),
        ("status = 401, exactly = 0", CheckVerdict::Pass),
    ] {
        assert_eq!(judged(&race_check(expectations), &race(&[201])).verdict, verdict, "{expectations}");
    }
}

/// A 201 might match the snapshot, which cannot be read. A 401 is wrong in any case.
#[test]
fn undecidable_response_neither_passes_nor_fails_a_race() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.snap"), "no snapshot").unwrap();
    let registry = registry();
    let variables: BTreeMap<String, Value> = BTreeMap::new();
    let snapshots = SnapshotSettings {
        folder: folder.path(),
        mode: SnapshotMode::Compare,
        strict: false,
        run_prefix: "",
    };
    let context = CheckContext {
        variables: &variables,
        registry: &registry,
        judges_ours: true,
        refusal: &RefusalPointers::default(),
        snapshots,
        secrets: &Secrets::default(),
    };
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
        let is_explained = outcome.message.contains("insta's format");
        assert_eq!(
            is_explained,
            verdict == CheckVerdict::Error && statuses != [201, 401],
            "{}",
            outcome.message
        );
    }
}

#[test]
fn unmet_expectation_outweighs_undecidable_one() {
    let blind = ProcessResult { requests: None, ..process(Some(1), "", "") };
    for expectations in ["requests = [\"GET /x\"], exit = 0", "exit = 0, requests = [\"GET /x\"]"] {
        let check = check("on = \"M\"\nztna = \"x\"", expectations).0;
        let outcome = judged(&check, &Evidence::Process(blind.clone()));
        assert_eq!(outcome.verdict, CheckVerdict::Fail, "{}", outcome.message);
        assert!(outcome.message.starts_with("exit code: expected 0, got 1"), "{}", outcome.message);
    }
}

#[test]
fn peer_events_are_kept_unless_the_check_passed() {
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
fn check_without_expectation_is_an_error() {
    let (mut check, _) = check("get = \"/x\"", "status = 200");
    check.alternatives.clear();
    let outcome = judged(&check, &http(200, &json!({})));
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (CheckVerdict::Error, "the check has no expectation")
    );
}
