use super::*;

/// Returns a run of one statement and one sub-test, as `results.json` has it.
fn run(target: &str, day: u32, verdict: &str, duration_ms: u64) -> StoredRun {
    let check = if verdict == "violated" { "fail" } else { "pass" };
    let subtest = if verdict == "violated" { "fail" } else { "pass" };
    let results = serde_json::json!({
        "kit": { "name": "harness", "version": "0.1.0" },
        "target": { "name": target, "version": null, "base_url": null, "capabilities": [], "reference": false },
        "run_id": format!("run{day}"),
        "started_at": format!("2026-11-{day:02}T08:00:00Z"),
        "duration_ms": duration_ms,
        "verdict": if verdict == "violated" { "non-conformant" } else { "passed" },
        "exit_code": 0,
        "subtests": [{
            "id": "keys/ST1", "suite": "probe", "chapter": "keys", "title": "A key", "verdict": subtest,
            "reason": null, "duration_ms": duration_ms, "leftovers": [],
            "checks": [{
                "step": "s", "requirements": ["keys/F.1"], "verdict": check, "expected": "201", "actual": "200",
                "message": "", "location": "scenarios/probe/keys/ST1.toml:3", "notes": []
            }]
        }],
        "requirements": [{ "id": "keys/F.1", "text": "A new key", "level": "must", "verdict": verdict, "reason": null }],
        "totals": { "subtests": {}, "checks": {}, "requirements": {} },
        "gaps": []
    });
    StoredRun { file: format!("{day}.json"), results: serde_json::from_value(results).unwrap() }
}

#[test]
fn changes_name_the_run_that_broke_or_mended_a_statement() {
    let days = ["verified", "unverified", "violated", "violated", "unverified", "verified"];
    let runs = (1..).zip(days).map(|(day, verdict)| run("acme", day, verdict, 10)).collect();
    let histories = by_target(runs);
    let [history] = histories.as_slice() else { panic!("one target") };
    let changes: Vec<_> = history
        .changes()
        .into_iter()
        .map(|change| (change.run, change.before, change.is_broken, change.subtests))
        .collect();
    assert_eq!(changes, [(5, Some(3), false, vec![]), (2, Some(0), true, vec!["keys/ST1"])]);
}

#[test]
fn a_statement_violated_from_the_start_is_a_change() {
    let histories = by_target(vec![run("acme", 1, "violated", 10)]);
    let changes = histories[0].changes();
    assert_eq!((changes.len(), changes[0].before), (1, None));
}

#[test]
fn runs_are_grouped_by_target_ordered_by_time_and_counted_once() {
    let runs = vec![
        run("zeta", 2, "verified", 10),
        run("acme", 3, "verified", 10),
        run("acme", 1, "verified", 10),
        run("acme", 3, "verified", 10),
    ];
    let found: Vec<(String, Vec<String>)> = by_target(runs)
        .into_iter()
        .map(|history| (history.target, history.runs.into_iter().map(|run| run.file).collect()))
        .collect();
    let expected = [("acme", vec!["1.json", "3.json"]), ("zeta", vec!["2.json"])];
    assert_eq!(
        found,
        expected.map(|(name, files)| (name.to_owned(), files.into_iter().map(str::to_owned).collect()))
    );
}

#[test]
fn durations_compare_the_last_run_with_the_median_before() {
    let runs =
        [100, 300, 200, 900].into_iter().zip(1..).map(|(took, day)| run("acme", day, "verified", took));
    let histories = by_target(runs.collect());
    let durations = histories[0].durations();
    assert_eq!((durations[0].last, durations[0].median), (900, 200));
    assert_eq!(durations[0].in_runs, [Some(100), Some(300), Some(200), Some(900)]);
}
