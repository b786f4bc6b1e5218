use serde_json::{Value, json};

use super::*;
use crate::results::Results;

const LIMITS: SlowdownLimits = SlowdownLimits { factor: 2.0, floor_ms: 500, is_regression: false };

fn check(statement: &str, step: &str, verdict: &str) -> Value {
    json!({ "step": step, "requirements": [statement], "verdict": verdict, "expected": "", "actual": "",
            "message": "wrong", "location": "a.toml:3", "notes": [] })
}

fn subtest(id: &str, verdict: &str, duration_ms: u64, checks: &[Value]) -> Value {
    json!({ "id": id, "suite": "s", "chapter": "a", "title": "t", "verdict": verdict, "reason": "r",
            "duration_ms": duration_ms, "checks": checks, "leftovers": [] })
}

fn results(subtests: &[Value]) -> Results {
    let whole = json!({
        "kit": { "name": "harness", "version": "1" },
        "target": { "name": "acme", "version": null, "base_url": null, "reference": false, "capabilities": [] },
        "started_at": "", "duration_ms": 1, "verdict": "conformant", "exit_code": 0, "subtests": subtests,
        "requirements": [], "totals": { "subtests": {}, "checks": {}, "requirements": {} }, "gaps": []
    });
    serde_json::from_value(whole).unwrap()
}

fn changes(before: &[Value], after: &[Value]) -> Vec<String> {
    let found = Comparison::of(&results(before), &results(after), LIMITS);
    let told = found.changes.iter().map(|change| {
        let mark = if change.regression { "! " } else { "" };
        let Change { kind, subtest, requirements, was, is, .. } = change;
        format!("{mark}{}: {subtest} {} {was} → {is}", kind.in_words(), requirements.join(","))
    });
    told.collect()
}

#[test]
fn regressions_are_distinguished_from_other_changes() {
    let with = |verdict: &str, checks: &[Value]| vec![subtest("a/ST1", verdict, 9, checks)];
    let pass = |statement: &str| check(statement, "x", "pass");
    let fail = |statement: &str, step: &str| check(statement, step, "fail");
    let passing = with("pass", &[pass("a/F.1"), pass("a/F.2")]);
    let cases: Vec<(Vec<Value>, Vec<Value>, Vec<&str>)> = vec![
        (passing.clone(), passing.clone(), vec![]),
        (
            passing.clone(),
            with("fail", &[fail("a/F.1", "x"), pass("a/F.2")]),
            vec!["! newly failing: a/ST1 a/F.1 pass → fail"],
        ),
        (
            with("fail", &[fail("a/F.1", "x"), pass("a/F.1")]),
            with("fail", &[fail("a/F.1", "x"), fail("a/F.1", "y")]),
            vec!["! newly failing: a/ST1 a/F.1 fail → fail"],
        ),
        (
            with("fail", &[fail("a/F.1", "x")]),
            with("fail", &[pass("a/F.1"), fail("a/F.2", "y")]),
            vec!["! newly failing: a/ST1 a/F.2 absent → fail", "newly passing: a/ST1 a/F.1 fail → pass"],
        ),
        (
            passing.clone(),
            with("waived", &[check("a/F.1", "x", "waived"), pass("a/F.2")]),
            vec!["newly waived: a/ST1 a/F.1 pass → waived"],
        ),
        (
            with("waived", &[check("a/F.1", "x", "waived")]),
            with("fail", &[fail("a/F.1", "x")]),
            vec!["! newly failing: a/ST1 a/F.1 waived → fail"],
        ),
        (passing.clone(), with("skip", &[]), vec!["! newly skipped: a/ST1  pass → skip"]),
        (with("fail", &[]), with("skip", &[]), vec!["newly skipped: a/ST1  fail → skip"]),
        (passing.clone(), with("error", &[]), vec!["! newly erring: a/ST1  pass → error"]),
        (with("skip", &[]), passing.clone(), vec!["newly passing: a/ST1  skip → pass"]),
        (passing.clone(), vec![], vec!["! vanished: a/ST1  pass → absent"]),
        (passing.clone(), with("pass", &[pass("a/F.1")]), vec!["! vanished: a/ST1 a/F.2 pass → absent"]),
        (vec![], passing, vec!["appeared: a/ST1  absent → pass"]),
        (vec![], with("fail", &[fail("a/F.1", "x")]), vec!["! newly failing: a/ST1 a/F.1 absent → fail"]),
    ];
    for (before, after, told) in cases {
        assert_eq!(changes(&before, &after), told);
    }
}

#[test]
fn slower_needs_factor_and_floor_and_is_a_regression_on_request() {
    let at = |duration| results(&[subtest("a/ST1", "pass", duration, &[])]);
    for (was, is, found) in [(100, 599, 0), (100, 600, 1), (1000, 1900, 0), (1000, 2001, 1), (0, 499, 0)] {
        let asked = SlowdownLimits { is_regression: true, ..LIMITS };
        let quiet = Comparison::of(&at(was), &at(is), LIMITS);
        assert_eq!((quiet.changes.len(), quiet.regressions), (found, 0), "{was} {is}");
        assert_eq!(Comparison::of(&at(was), &at(is), asked).regressions, found, "{was} {is}");
    }
}

#[test]
fn unselected_subtests_are_not_reported_as_vanished() {
    let before = results(&[subtest("a/ST1", "pass", 1, &[]), subtest("a/ST2", "pass", 1, &[])]);
    let mut after = results(&[subtest("a/ST1", "pass", 1, &[])]);
    assert_eq!(Comparison::of(&before, &after, LIMITS).regressions, 1);
    after.selection.filter = Some("a/ST1".to_owned());
    let found = Comparison::of(&before, &after, LIMITS);
    assert_eq!(found.regressions, 0);
    assert_eq!(found.remarks[0], "not compared: 1 sub-tests that the later run did not select");
}

#[test]
fn markdown_table_escapes_messages() {
    let mut found = Comparison::of(&results(&[]), &results(&[]), LIMITS);
    assert_eq!(markdown(&found), "**no changes**\n");
    found.changes.push(Change {
        message: Some("a|b\n<img>".to_owned()),
        regression: true,
        ..Change::of_subtest(
            &results(&[subtest("a/ST1", "pass", 1, &[])]).subtests[0],
            ChangeKind::Slower,
            State::Took { milliseconds: 1 },
            State::Took { milliseconds: 2 },
        )
    });
    found.regressions = 1;
    assert!(
        markdown(&found).contains("| **slower** | a/ST1 | 1 ms | 2 ms | a\\|b \\<img\\> |"),
        "{}",
        markdown(&found)
    );
    assert!(text(&found, Paint::new(false), 80).ends_with("1 regression\n"));
}

use crate::terminal::Paint;
