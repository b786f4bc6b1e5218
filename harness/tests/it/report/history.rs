//! `harness report --history`: one page of many runs.

use serde_json::Value;

use crate::program::harness;

/// Writes the results of a run, with the statement of its first check verified or violated, dated by the day.
fn store(folder: &std::path::Path, base: &Value, day: u32, is_violated: bool) {
    let mut results = base.clone();
    results["started_at"] = format!("2026-11-{day:02}T08:00:00Z").into();
    results["run_id"] = format!("run{day}").into();
    results["duration_ms"] = (day * 1000).into();
    let judged = results["subtests"][0]["checks"][0]["requirements"][0].clone();
    let verdict = if is_violated { "violated" } else { "verified" };
    for statement in results["requirements"].as_array_mut().unwrap() {
        if statement["id"] == judged {
            statement["verdict"] = verdict.into();
        }
    }
    if is_violated {
        for check in results["subtests"][0]["checks"].as_array_mut().unwrap() {
            check["verdict"] = "fail".into();
        }
    }
    let run = folder.join(format!("run-{day}"));
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("results.json"), results.to_string()).unwrap();
    std::fs::write(run.join("badge.json"), "{}").unwrap();
}

#[test]
fn history_tells_what_broke_when() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.json");
    let run = harness()
        .args(["-q", "used-count/ST4-http", "--report"])
        .arg(format!("json={}", base.display()))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0));
    let base: Value = serde_json::from_str(&std::fs::read_to_string(base).unwrap()).unwrap();
    let runs = folder.path().join("runs");
    for (day, is_violated) in [(1, false), (2, true), (3, true), (4, false)] {
        store(&runs, &base, day, is_violated);
    }
    std::fs::write(runs.join("notes.json"), "[]").unwrap();

    let output = harness().current_dir(folder.path()).args(["report", "--history", "runs"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("history of 4 runs written to history.html"), "{stderr}");
    assert!(stderr.contains("warning: left out: runs/notes.json: invalid results"), "{stderr}");
    assert!(!stderr.contains("badge.json"), "{stderr}");
    let page = std::fs::read_to_string(folder.path().join("history.html")).unwrap();
    let order = [" mended<br>", "<td>2026-11-02 08:00</td>", " broke<br>"].map(|part| page.find(part));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "the newest first: {order:?}");
    for told in [
        "4 runs of reference",
        "failed in used-count/ST4-http",
        "otherwise on 2026-11-01 08:00",
        "run-3/results.json",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

#[test]
fn mistaken_uses_of_history_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["--history", "."], "no results below ."),
        (&["--history", "none"], "none"),
        (&["--history", ".", "--report", "junit=x.xml"], "a history is an HTML page"),
        (&["--history", ".", "results.json"], "cannot be used with"),
    ];
    for (arguments, told) in cases {
        let output = harness().current_dir(folder.path()).arg("report").args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}
