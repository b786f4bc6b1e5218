//! `harness selftest`, `--deviation` and `explain`, run as a program.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program;
use crate::selftest::scenarios;

fn harness(words: &[&str]) -> Output {
    wide(None, words)
}

/// Runs the program in a terminal of this width.
fn wide(columns: Option<&str>, words: &[&str]) -> Output {
    let mut command = program::harness();
    command.env("CI", "true").envs(columns.map(|columns| ("COLUMNS", columns)));
    command.args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn deviations_of_every_kind_are_detected_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (json, html) = (folder.path().join("selftest.json"), folder.path().join("selftest.html"));
    let output = harness(&[
        "selftest",
        "--filter",
        "count-as-text,machines-die-with-their-key,forwarded-for-believed,flag-warning-missing,list-asks-in-another-way",
        "--report",
        &format!("json={}", json.display()),
        "--report",
        &format!("html={}", html.display()),
    ]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    assert!(stdout.contains("deviations: 5 of 5 caught"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let statements = report["statements"].as_array().unwrap();
    let proven = statements.iter().find(|statement| statement["id"] == "used-count/F.6").unwrap();
    assert_eq!(proven["by"], serde_json::json!(["count-as-text"]));
    assert!(std::fs::read_to_string(html).unwrap().contains("id=\"forwarded-for-believed\""));
}

/// Without its checkout the kit reads the scenarios that it contains, snapshots included.
#[test]
#[ignore = "needs root"]
fn deviations_are_detected_without_a_checkout() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let line = r#"mount -t tmpfs none "$0" && exec "$1" selftest --filter count-as-text"#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", line]).arg(folder).arg(env!("CARGO_BIN_EXE_harness"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn deviating_run_is_labelled_and_diagnosed() {
    let folder = tempfile::tempdir().unwrap();
    let output = harness(&[
        "--deviation",
        "count-moves-on-refusal",
        "--filter",
        // Fewer sub-tests would fit other deviations as well.
        "used-count/ST1, used-count/ST4*, generate/ST3*, generate/ST4*, headless/F6-quota",
        "--report-dir",
        &folder.path().display().to_string(),
    ]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let sentence = "like the reference with one defect: a refused registration increases used_count";
    assert!(stderr.contains("deviates deliberately (count-moves-on-refusal)"), "{stderr}");
    assert!(stdout.contains("reference, deviating (count-moves-on-refusal)"), "{stdout}");
    assert!(stdout.contains(&format!("diagnosis: behaves {sentence}")), "{stdout}");
    let report = std::fs::read_to_string(folder.path().join("results.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["diagnosis"][0]["deviation"], "count-moves-on-refusal");
    assert_eq!(report["target"]["deviating"]["id"], "count-moves-on-refusal");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains(sentence) && junit.contains("deviating (count-moves-on-refusal)"), "{junit}");
    for file in ["report.html", "report.md", "report.tap"] {
        let report = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(report.contains("deviating (count-moves-on-refusal)"), "{file}: {report}");
        // The description may be set in bold, its underscore escaped.
        let (_, diagnosis) = report.split_once("like the reference with one defect:").unwrap_or_default();
        let said = diagnosis.find("a refused registration increases");
        assert!(said.is_some_and(|at| at < 20), "{file}: {report}");
    }
}

#[test]
fn failures_of_one_cause_are_told_once_after_the_diagnosis() {
    let counting = "used-count/ST2, used-count/ST[1-4]-http, used-count/ST4-race, used-count/ST4-expired, \
                    issuing/create, issuing/expiry, generate/ST3";
    let output = harness(&["--deviation", "count-frozen", "--filter", counting]);
    let stdout = text(&output.stdout);
    let of_lines = |begin: &str| stdout.lines().filter(|line| line.starts_with(begin)).count();
    let (failed, told) = (of_lines("    FAIL ["), of_lines("FAIL "));
    assert!(failed >= 8 && told <= failed / 2, "{failed} failed, {told} are told\n{stdout}");
    let at = |text: &str| stdout.find(text).unwrap_or_else(|| panic!("{text} is missing\n{stdout}"));
    assert!(at("\ndiagnosis: ") < at("\nFAIL used-count/ST2: "), "{stdout}");
    assert!(at("cause      `rows/0/used_count`: expected 1, got 0") < at("statement  used-count/ST2.1: "));
    at("same cause used-count/ST2-http, ");
    at("repeat     harness serve --deviation count-frozen");
    at("run it alone:  harness --deviation count-frozen --filter used-count/ST2\n");
    at("explain it:    harness explain used-count/ST2.1\n");
    // What the run made is gone: its ids are variables.
    let pasted = stdout.lines().filter(|line| line.trim_start().starts_with("curl "));
    let has_id = |line: &str| line.contains("127.0.0.1") || line.contains("=eq.0");
    assert!(pasted.clone().count() > 1 && !pasted.clone().any(has_id), "{:?}", pasted.collect::<Vec<_>>());
}

#[test]
fn unknown_deviation_is_a_usage_error() {
    let cases: [&[&str]; 4] = [
        &["--deviation", "count-frozn"],
        &["serve", "--deviation", "count-frozn"],
        &["selftest", "--filter", "count-frozn"],
        &["explain", "count-frozn"],
    ];
    for words in cases {
        let output = harness(words);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.contains("did you mean `count-frozen`?"), "{words:?}: {stderr}");
    }
}

#[test]
fn what_this_machine_cannot_try_is_left_out_unless_all_must_be_tried() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let output = program::harness().args(words).env("PATH", nowhere.path()).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let both = ["selftest", "--filter", "count-as-text,dashboard-count-stale"];
    let (code, words) = run(&both);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("not tried: 1 deviation, which needs a browser: install chromium"), "{words}");
    assert!(words.contains("deviations: 1 of 1 caught"), "{words}");
    let (code, words) = run(&[&both[..], &["--strict"]].concat());
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("1 deviation could not be tried on this machine, which --strict forbids"),
        "{words}"
    );
    let (code, words) = run(&["selftest", "--filter", "terraform-forgets-tags"]);
    assert_eq!(code, Some(4), "{words}");
    assert!(words.contains("no selected deviation can be tried on this machine"), "{words}");
}

#[test]
fn explain_describes_proofs_and_deviations() {
    let statement = text(&harness(&["explain", "used-count/ST4.3"]).stdout);
    assert!(statement.contains("proven by the deviations:\n  count-moves-on-refusal: "), "{statement}");
    let deviation = text(&harness(&["explain", "count-moves-on-refusal"]).stdout);
    assert!(deviation.contains("a refused registration increases used_count"), "{deviation}");
}

/// Copies the scenarios, leaving out the lines of one file that contain a text.
fn without_check(file: &str, check: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if path.is_dir() {
                copy(&path, &to.join(name));
            } else {
                std::fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&scenarios(), folder.path());
    std::fs::remove_dir_all(folder.path().join("src")).unwrap();
    let path = folder.path().join(file);
    let whole = std::fs::read_to_string(&path).unwrap();
    let less: String =
        whole.lines().filter(|line| !line.contains(check)).map(|line| format!("{line}\n")).collect();
    assert_ne!(less, whole, "{file} has no line with {check}");
    std::fs::write(path, less).unwrap();
    folder
}

/// The missed deviations and the verdict, without times.
fn missed(stdout: &str) -> String {
    let begin = stdout.find("missed:").unwrap_or_default();
    let lines = stdout.get(begin..).unwrap_or_default().lines();
    lines.map(|line| line.split(" after ").next().unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn deleting_a_check_makes_the_selftest_fail() {
    let cases = [
        // The only check of a statement in its sub-test, one of two, and one of several that fail.
        ("auth-keys/generate/ST5.toml", "Admin required", "forbidden-in-other-words", "the_only_check"),
        ("auth-keys/used-count/ST4-race.toml", "exactly = 31", "reuse-under-concurrency", "one_of_two"),
        ("auth-keys/generate/ST1.toml", "length = 75", "keys-short", "one_beside_others"),
    ];
    for (file, check, deviation, name) in cases {
        let folder = without_check(file, check);
        let path = folder.path().display().to_string();
        let output = harness(&["selftest", "--filter", deviation, "--scenarios", &path]);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{file}: {stdout}{}", text(&output.stderr));
        insta::assert_snapshot!(name, missed(&stdout));
    }
}

#[test]
fn output_fits_the_terminal_width() {
    for words in [&["selftest", "--filter", "count-as-text"][..], &["list", "--deviations"]] {
        let stdout = text(&wide(Some("60"), words).stdout);
        let longest = stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(longest <= 60, "{words:?}: {longest}\n{stdout}");
    }
    let wider = text(&wide(Some("110"), &["list", "--deviations"]).stdout);
    assert!(wider.lines().any(|line| line.chars().count() > 60), "{wider}");
}

#[test]
fn deviations_are_listed_by_family() {
    let stdout = text(&harness(&["list", "--deviations"]).stdout);
    assert!(stdout.starts_with("counts\n  count-frozen\n      used_count never increases\n"), "{stdout}");
    let json: Value = serde_json::from_slice(&harness(&["list", "--deviations", "--json"]).stdout).unwrap();
    let listed = json.as_array().unwrap();
    assert!(listed.len() > 170, "{}", listed.len());
    let tags = listed.iter().find(|listed| listed["id"] == "tag-prefix-kept").unwrap();
    assert_eq!(tags["family"], "tags");
    assert_eq!(tags["breaks"], serde_json::json!(["generate/ST3.1"]));
}

#[test]
fn matrix_flags_are_mutually_exclusive() {
    for words in [["--write-matrix", "--check-matrix"], ["--report=json=x.json", "--check-matrix"]] {
        let output = harness(&["selftest", words[0], words[1]]);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(text(&output.stderr).contains("cannot be used with"), "{}", text(&output.stderr));
    }
}

mod slow {
    use super::*;

    /// CI does not run it; use `harness selftest --check-matrix` before a release.
    #[test]
    #[ignore = "takes minutes"]
    fn whole_suites_match_the_kill_matrix() {
        let output = harness(&["selftest", "--check-matrix"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}
