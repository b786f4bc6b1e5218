//! Every report says the same of a run's verdict and statements, in the same words.

use std::path::Path;
use std::process::Output;

use harness_model::requirement::{Level, Registry};
use harness_report::headline;
use harness_report::results::Results;

use crate::program::harness;

/// The text on one line, without the escapes of Markdown.
fn line(text: &str) -> String {
    text.replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stdout(output: &Output) -> String {
    line(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn statements_are_counted_in_the_same_words_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    let some = ["--filter", "used-count/ST1, generate/ST3", "--report-dir"];
    let run = harness().args(some).arg(&reports).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", stdout(&run));
    let read = |file: &str| std::fs::read_to_string(reports.join(file)).unwrap();
    let results: Results = serde_json::from_str(&read("results.json")).unwrap();
    let statements = headline::statements(&results.totals);
    let verdict = headline::verdict(&results);
    assert!(statements.contains("choices of the reference hold"), "{statements}");
    assert_eq!(
        verdict,
        format!("passed (selection: {} of {} statements judged)", results.extent.judged, results.extent.of)
    );
    let verified = harness().arg("verify").arg(reports.join("evidence.zip")).output().unwrap();
    let texts = [
        ("terminal", stdout(&run)),
        ("html", line(&read("report.html"))),
        ("markdown", line(&read("report.md"))),
        ("junit", line(&read("junit.xml"))),
        ("tap", line(&read("report.tap"))),
        ("verify", stdout(&verified)),
    ];
    for (name, text) in texts {
        assert!(text.contains(&statements), "{name} does not say: {statements}\n{text}");
        let is_said = text.contains(&verdict) || text.contains(&verdict.replace("passed", "passes"));
        assert!(is_said, "{name} does not say: {verdict}\n{text}");
    }
    let badge: serde_json::Value = serde_json::from_str(&read("badge.json")).unwrap();
    assert_eq!((badge["message"].as_str(), badge["color"].as_str()), (Some(verdict.as_str()), Some("blue")));
}

/// The README names the same numbers as a run and the self-test.
#[test]
fn the_readme_and_the_self_test_count_the_same_statements() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("scenarios/requirements.toml")).unwrap();
    let registry = Registry::load(&text, Path::new("requirements.toml")).unwrap();
    let documented = registry.all().iter().filter(|statement| statement.level != Level::Ours).count();
    let choices = registry.all().len() - documented;
    let readme = line(&std::fs::read_to_string(root.join("README.md")).unwrap());
    let counts = format!("{documented} documented statements and {choices} choices of the reference");
    assert!(readme.contains(&counts), "README.md should say: {counts}");
    let selftest = harness().args(["selftest", "--filter", "count-as-text"]).output().unwrap();
    let counts = format!(" of {documented} documented statements proven");
    assert!(stdout(&selftest).contains(&counts), "{}", stdout(&selftest));
}
