//! Reports written by a run, and by `harness report`.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::schema::Schema;
use crate::program::harness;

const FORMATS: [&str; 6] =
    ["results.json", "junit.xml", "report.html", "report.md", "report.tap", "badge.json"];

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn failed_run_and_its_results_file_produce_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let output = harness()
        .args(["--deviation", "count-frozen", "--filter", "used-count/ST4-race", "--report-dir"])
        .arg(&first)
        .env("CI", "true")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_WORKSPACE", Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("::error file=scenarios/auth-keys/used-count/ST4-race.toml,line="), "{stdout}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("before\n## reference, deviating (count-frozen)"), "{summary}");

    let text = std::fs::read_to_string(first.join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&text).unwrap();
    let printed = harness().args(["schema", "results"]).output().unwrap();
    let schema = Schema::of(serde_json::from_slice(&printed.stdout).unwrap());
    assert_eq!(schema.mistake(&results), None);
    let step = &results["subtests"][0]["failures"][0];
    assert_eq!(step["reference"]["holds"], true, "{step:#}");

    let output =
        harness().arg("report").arg(first.join("results.json")).arg("--report-dir").arg(&second).output();
    let (code, stderr) = said(&output.unwrap());
    assert_eq!((code, stderr.lines().count()), (Some(0), FORMATS.len()), "{stderr}");
    assert!(!second.join("evidence.zip").exists(), "it is recorded, not made of results");
    for file in FORMATS {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(read(&first) == read(&second), "{file}");
    }
}

#[test]
fn invalid_inputs_of_report_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (page, half) = (file("page.html", "<html>"), file("half.json", "{\"kit\": {"));
    let out = format!("html={}", folder.path().join("out.html").display());
    let cases: [(&[&str], &str); 5] = [
        (&["nowhere.json", "--report", &out], "nowhere.json: reading results failed"),
        (&[&page, "--report", &out], "expected a file written by --report json=FILE"),
        (&[&half, "--report", &out], "expected a file written by --report json=FILE"),
        (&[&half, "--report", "word=x"], "unknown report format `word`"),
        (&[&half], "--report <FORMAT=PATH>"),
    ];
    for (arguments, message) in cases {
        let (code, stderr) = said(&harness().arg("report").args(arguments).output().unwrap());
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
}
