use std::path::Path;

use serde_json::Value;

use crate::cli::wrong_status;
use crate::program::harness;
use crate::run::Run;
use crate::small_target::{self, SmallTarget};

fn program(arguments: &[&str]) -> (i32, String) {
    let output = harness().args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn stored(target: &SmallTarget, path: &Path, arguments: &[&str]) -> Run {
    let report = format!("json={}", path.display());
    target.judge(&[&["--report", &report], arguments].concat())
}

/// Lets each sub-test of stored results have taken an hour, so that none is slower in comparison.
fn prolong(path: &Path) {
    let mut results: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for subtest in results["subtests"].as_array_mut().unwrap() {
        subtest["duration_ms"] = 3_600_000.into();
    }
    std::fs::write(path, results.to_string()).unwrap();
}

#[test]
fn diff_and_baseline_fail_on_regressions_only() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.json"), folder.path().join("bad.json"));
    let (right, wrong) = (SmallTarget::start(&[]), SmallTarget::start(&[wrong_status()]));
    stored(&right, &good, &[]);
    stored(&wrong, &bad, &[]);
    [&good, &bad].into_iter().for_each(|path| prolong(path));
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let (code, text) = program(&["diff", good, bad]);
    assert_eq!(code, 1, "{text}");
    for told in [
        "newly failing (1)",
        "keys/ST1 keys/F.1  pass → fail",
        "status: expected 201, got 200",
        "1 regression",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let (code, text) = program(&["diff", bad, good]);
    assert_eq!((code, text.contains("newly passing (1)")), (0, true), "{text}");
    assert_eq!(program(&["diff", good, good]), (0, "no changes\n".to_owned()));
    let (code, json) = program(&["diff", bad, good, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["changes"][0]["kind"].as_str()), (0, Some("newly-passing")));
    assert_eq!(program(&["diff", good, "/no/such.json"]).0, 2);
    let (code, text) =
        program(&["diff", good, small_target::scenarios().join("requirements.toml").to_str().unwrap()]);
    assert!(code == 2 && text.contains("invalid results"), "{text}");
    // A known failure is no regression, but still fails the run.
    let known = wrong.judge(&["--baseline", bad]);
    assert_eq!(known.code, 1, "{known}");
    assert!(known.stdout.contains("no changes"), "{known}");
    let better = right.judge(&["--baseline", bad]);
    assert_eq!(better.code, 0, "{better}");
    // A vanished sub-test is a regression, although everything else passes.
    let more = folder.path().join("more.json");
    let mut results: Value = serde_json::from_str(&std::fs::read_to_string(good).unwrap()).unwrap();
    let mut gone = results["subtests"][0].clone();
    gone["id"] = "keys/ST9".into();
    results["subtests"].as_array_mut().unwrap().push(gone);
    std::fs::write(&more, results.to_string()).unwrap();
    let worse = right.judge(&["--baseline", more.to_str().unwrap()]);
    assert_eq!((worse.code, worse.results["verdict"].as_str()), (1, Some("worse")), "{worse}");
    assert!(worse.results["regressions"][0].as_str().unwrap().starts_with("vanished: keys/ST9"), "{worse}");
    assert!(worse.stdout.contains("(exit 1)"), "{worse}");
    let unreadable = right.judge(&["--baseline", "/no/such.json"]);
    assert_eq!(unreadable.code, 2, "{unreadable}");
}

#[test]
fn merged_shards_equal_a_single_run() {
    let folder = tempfile::tempdir().unwrap();
    let target = SmallTarget::start(&[]);
    let paths: Vec<String> =
        (1..=2).map(|part| folder.path().join(format!("{part}.json")).display().to_string()).collect();
    for (part, path) in (1..).zip(&paths) {
        let run = stored(&target, Path::new(path), &["--shard", &format!("{part}/2")]);
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(run.results["selection"]["shard"]["index"], part);
        assert!(run.stdout.contains("verdict: passed (selection: "), "{run}");
    }
    let scenarios = small_target::scenarios();
    let merge =
        |files: &[&str]| program(&[&["--scenarios", scenarios.to_str().unwrap(), "merge"], files].concat());
    let whole = folder.path().join("whole.json");
    let report = format!("json={}", whole.display());
    let (code, text) = merge(&[&paths[0], &paths[1], "--report", &report]);
    assert_eq!(code, 0, "{text}");
    let joined: Value = serde_json::from_str(&std::fs::read_to_string(&whole).unwrap()).unwrap();
    let run = target.judge(&[]);
    for field in ["requirements", "totals", "extent", "gaps", "capabilities", "verdict", "exit_code"] {
        assert_eq!(joined[field], run.results[field], "{field}");
    }
    assert!(joined["selection"]["shard"].is_null());
    let (code, text) = merge(&[&paths[0]]);
    assert!(code == 2 && text.contains("missing shards: 2/2"), "{text}");
    let (code, text) = merge(&[&paths[0], &paths[0], &paths[1]]);
    assert!(code == 2 && text.contains("are the same shard: 1"), "{text}");
    let (code, text) = merge(&[&paths[0], whole.to_str().unwrap()]);
    assert!(code == 2 && text.contains("it was created without --shard"), "{text}");
    let (code, text) = program(&["merge", &paths[0], &paths[1]]);
    assert!(code == 2 && text.contains("was created with different scenarios"), "{text}");
}
