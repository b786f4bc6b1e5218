//! The exit codes, and the reports written before exiting.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cli::{copied, json, wrong_status};
use crate::program::{harness, interrupt, wait_for};
use crate::run::Run;
use crate::small_target::{self, SmallTarget};

#[test]
fn each_outcome_has_its_exit_code() {
    let right = SmallTarget::start(&[]);
    assert_eq!(right.judge(&[]).code, 0);
    assert_eq!(SmallTarget::start(&[wrong_status()]).judge(&[]).code, 1);
    assert_eq!(right.judge(&["--shard", "0/0"]).code, 2);
    assert_eq!(small_target::judge_at("http://127.0.0.1:1", &[]).code, 3);
    assert_eq!(right.judge(&["--filter", "keys/ST9"]).code, 4);
    // Everything was skipped: not a success.
    let skipped = right.judge(&["--filter", "keys/ST3"]);
    assert_eq!((skipped.code, skipped.results["verdict"].as_str()), (5, Some("incomplete")), "{skipped}");
}

/// Runs the scenarios with this snapshot in one check.
fn with_snapshot(name: &str, prepare: impl Fn(&Path)) -> Run {
    let scenarios = copied();
    let subtest = scenarios.path().join("probe/keys/ST1.toml");
    let text = std::fs::read_to_string(&subtest)
        .unwrap()
        .replace("status = 201, ", &format!("status = 201, snapshot = {}, ", Value::from(name)));
    std::fs::write(&subtest, text).unwrap();
    prepare(&subtest.with_extension("snap"));
    let (target, folder) = (SmallTarget::start(&[]), tempfile::tempdir().unwrap());
    Run::of(&mut target.command(scenarios.path(), folder.path()), folder.path())
}

#[test]
fn unusable_snapshot_is_a_scenario_error_with_a_caret() {
    let in_folder = |file: fn(&Path)| {
        move |folder: &Path| {
            std::fs::create_dir_all(folder).unwrap();
            file(&folder.join("made.snap"));
        }
    };
    let accepted = "---\nsource: x\nexpression: made\n---\nHTTP 201\n";
    let runs = [
        (
            "it is not in insta's format",
            with_snapshot("made", in_folder(|file| std::fs::write(file, "half a snap").unwrap())),
        ),
        (
            "it is a symbolic link",
            with_snapshot("made", in_folder(|file| symlink("/nonexistent/other.snap", file).unwrap())),
        ),
        (
            "it is a symbolic link",
            with_snapshot(
                "made",
                in_folder(|file| {
                    let other = file.with_file_name("other");
                    std::fs::write(&other, "---\nsource: x\nexpression: x\n---\nHTTP 201\n").unwrap();
                    symlink(other, file).unwrap();
                }),
            ),
        ),
        ("it is not a file", with_snapshot("made", in_folder(|file| std::fs::create_dir(file).unwrap()))),
        (
            "it cannot be read",
            with_snapshot("made", in_folder(|file| std::fs::write(file, b"---\n\xff\xfe").unwrap())),
        ),
        (
            "its folder is a symbolic link",
            with_snapshot("made", |folder| {
                let other = folder.with_extension("other");
                std::fs::create_dir_all(&other).unwrap();
                std::fs::write(other.join("made.snap"), accepted).unwrap();
                symlink(other, folder).unwrap();
            }),
        ),
        ("its folder is not a folder", with_snapshot("made", |folder| std::fs::write(folder, "").unwrap())),
        ("invalid snapshot name", with_snapshot(&"a".repeat(300), |_| {})),
        ("invalid snapshot name", with_snapshot("a/b", |_| {})),
        ("invalid snapshot name", with_snapshot("..", |_| {})),
        ("invalid snapshot name", with_snapshot("../../outside", |_| {})),
        ("invalid snapshot name", with_snapshot("nul\0l", |_| {})),
        ("invalid snapshot name", with_snapshot("", |_| {})),
    ];
    for (message, run) in runs {
        assert_eq!(run.code, 2, "{message}: {run}");
        assert!(run.stderr.contains(message) && run.stderr.contains("ST1.toml:10:"), "{message}: {run}");
        assert!(run.stderr.contains("^^"), "{message}: {run}");
    }
    let usable = with_snapshot(
        "made",
        in_folder(|file| {
            let text = "---\r\nsource: x\r\nexpression: made\r\n---\r\nHTTP 201\r\n{\r\n  \"success\": true\r\n}\r\n";
            std::fs::write(file, text).unwrap();
        }),
    );
    assert_eq!(usable.code, 0, "a checkout may have changed the line ends: {usable}");
}

#[test]
fn full_disk_is_reported_and_other_reports_are_written() {
    let target = SmallTarget::start(&[]);
    let run = target.judge(&["--report", "json=/dev/full"]);
    assert_eq!(run.code, 3, "{run}");
    assert!(run.stderr.contains("writing report /dev/full failed"), "{run}");
    assert_eq!(run.verdict("keys/ST1"), "pass");
    assert!(run.junit.contains("<testsuites"));
    assert!(!Path::new("/dev/full").is_file(), "a file took the place of the device");
    // Non-conformance takes precedence over the write error.
    let failed = SmallTarget::start(&[wrong_status()]).judge(&["--report", "json=/dev/full"]);
    assert_eq!(failed.code, 1, "{failed}");
}

#[test]
fn report_can_be_written_to_a_pipe() {
    let run = SmallTarget::start(&[]).judge(&["--report", "junit=/dev/stdout"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("<testsuites"), "{run}");
}

fn stopped_by(signal: &str) -> Run {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = target.command(&small_target::endless(), folder.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    small_target::pid_in(&target.pids().join("stuck"));
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    let run = Run::read(folder.path(), status.code(), &mut child);
    assert_eq!(target.asked("DELETE", "/api/keys/9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e"), 1, "{run}");
    run
}

#[test]
fn terminated_run_cleans_up_and_is_incomplete() {
    let run = stopped_by("-TERM");
    assert_eq!(run.code, 5, "{run}");
    assert_eq!(run.results["verdict"], "incomplete");
    assert!(run.junit.contains("<error"), "{}", run.junit);
    let agent = &run.results["levels"][1];
    assert_eq!((&agent["level"], &agent["state"]), (&"agent".into(), &"incomplete".into()), "{run}");
}

#[test]
fn interrupted_run_cleans_up() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = target.command(&small_target::endless(), folder.path());
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let [up, stuck] = ["up", "stuck"].map(|name| small_target::pid_in(&target.pids().join(name)));
    interrupt(child.id());
    let status = child.wait().unwrap();
    let run = Run::read(folder.path(), status.code(), &mut child);
    assert_eq!(run.code, 130, "{run}");
    assert_eq!(run.results["verdict"], "interrupted");
    assert_eq!(target.asked("DELETE", "/api/keys/9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e"), 1, "{run}");
    for pid in [up, stuck] {
        // The kernel may take a moment to end what was killed; by itself neither would end.
        wait_for("the end of the agent", || {
            (!Path::new(&format!("/proc/{pid}/cwd/.")).exists()).then_some(())
        });
    }
}

#[test]
fn report_folder_must_be_empty() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("of-this-run");
    let named =
        |folder: &Path| target.judge(&["--filter", "keys/ST2", "--report-dir", folder.to_str().unwrap()]);
    assert_eq!(named(&reports).code, 0);
    let again = named(&reports);
    assert_eq!(again.code, 2, "{again}");
    assert!(again.stderr.contains("is not empty"), "{again}");
    for _ in 0..2 {
        let mut command = target.command(&small_target::scenarios(), folder.path());
        command.current_dir(folder.path()).args(["--filter", "keys/ST2", "--report-dir"]);
        assert_eq!(Run::of(&mut command, folder.path()).code, 0);
    }
    assert_eq!(folder.path().join("reports").read_dir().unwrap().count(), 2);
}

#[test]
fn max_fail_stops_after_n_failures() {
    let refused = json(500, "{}");
    let run = SmallTarget::start(&[("create", refused)]).judge(&["--max-fail", "1", "--jobs", "1"]);
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(run.verdict("keys/ST1"), "fail");
    for id in ["keys/ST2", "keys/ST4"] {
        assert_eq!((run.verdict(id), run.reason(id)), ("skip", "not run: --max-fail 1 was reached"));
        let case = run.junit.split("<testcase").find(|case| case.contains(id)).unwrap();
        assert!(case.contains("<skipped message=\"not run: --max-fail 1 was reached\""), "{case}");
    }
    assert!(run.text.contains("0 passed, 1 failed, 2 not run, 1 skipped, 0 errors"), "{run}");
    assert_eq!(run.results["gaps"][0]["kind"], "not-run");
    assert_eq!(run.verdict("keys/ST3"), "skip");
}

#[test]
fn prove_isolation_passes_on_a_stateless_target() {
    let run = SmallTarget::start(&[]).judge(&["--prove-isolation"]);
    assert_eq!(run.code, 0, "{run}");
    for way in ["sequentially", "concurrently", "concurrently, shuffled"] {
        assert!(run.stdout.contains(way), "{way}: {run}");
    }
    assert_eq!(run.results["subtests"][0]["repetitions"]["pass"], 3);
}

#[test]
fn rerun_failed_runs_only_failures() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("first.json");
    let report = format!("json={}", stored.display());
    let path = stored.to_str().unwrap();
    SmallTarget::start(&[wrong_status()]).judge(&["--report", &report]);
    let right = SmallTarget::start(&[]);
    let again = right.judge(&["--rerun-failed", path]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(again.results["subtests"].as_array().unwrap().len(), 1);
    assert_eq!(again.verdict("keys/ST1"), "pass");
    assert_eq!(again.results["selection"]["rerun"], true);
    right.judge(&["--report", &report]);
    let nothing = right.judge(&["--rerun-failed", path]);
    assert_eq!(nothing.code, 4, "{nothing}");
    let unreadable = harness().args(["--rerun-failed", "/no/such.json"]).output().unwrap();
    assert_eq!(unreadable.status.code(), Some(2));
}

/// Runs ST1 with these lines in its first step, and this check.
fn with_step(lines: &str, check: &str) -> Run {
    let scenarios = copied();
    let text = format!(
        "title = \"t\"\n[[step]]\nname = \"n\"\nas = \"admin\"\npost = \"/api/keys\"\n\
         json = {{ org_id = \"${{org}}\", name = \"first\" }}\nkeep = {{ key = \"/data/key\" }}\n{lines}\n\
         check = [{{ verifies = \"keys/F.1\", status = 201, {check} }}]\n"
    );
    std::fs::write(scenarios.path().join("probe/keys/ST1.toml"), text).unwrap();
    let (target, folder) = (SmallTarget::start(&[]), tempfile::tempdir().unwrap());
    Run::of(target.command(scenarios.path(), folder.path()).args(["--filter", "keys/ST1"]), folder.path())
}

#[test]
fn requests_that_http_cannot_express_are_scenario_errors() {
    let id = "json = { \"/data/id\" = { type = \"uuid\" } }";
    for (lines, check, message) in [
        ("headers = { \"bad header\" = \"x\" }", id, "invalid header name `bad header`"),
        ("headers = { \"x-${key}\" = \"x\" }", id, "invalid header name"),
        ("headers = { \"\" = \"x\" }", id, "invalid header name ``"),
        ("headers = { x = \"a\\nb\" }", id, "invalid value of the header `x`"),
        ("headers = { x = \"a\\u0000b\" }", id, "invalid value of the header `x`"),
        ("from = \"nonsense\"", id, "invalid IP address `nonsense`"),
        ("", "header = { \"bad name\" = \"x\" }", "invalid header name `bad name`"),
    ] {
        let run = with_step(lines, check);
        assert_eq!(run.code, 2, "{lines} {check}: {run}");
        assert!(run.stderr.contains(message) && run.stderr.contains("^^"), "{lines} {check}: {run}");
    }
    assert_eq!(with_step("headers = { x-note = \"\\ta b\" }", id).code, 0);
}

#[test]
fn full_disk_behind_standard_output_is_an_environment_error() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for arguments in
        [&["list"][..], &["lint"], &["--help"], &["schema", "results"], &["explain", "used-count/ST4"]]
    {
        let ended = harness().args(arguments).stdout(full()).output().unwrap();
        assert_eq!(ended.status.code(), Some(3), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let ended = target.command(&small_target::scenarios(), folder.path()).stdout(full()).output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("writing to standard output failed"), "{stderr}");
    assert!(folder.path().join("results.json").exists(), "the reports are written all the same");
    // Non-conformance says more.
    let wrong = SmallTarget::start(&[wrong_status()]);
    let ended = wrong.command(&small_target::scenarios(), folder.path()).stdout(full()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn reports_to_standard_output_keep_what_was_printed() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let printed = folder.path().join("printed");
    let mut command = target.command(&small_target::scenarios(), folder.path());
    command.args(["--report", "tap=/dev/stdout"]).stdout(std::fs::File::create(&printed).unwrap());
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let text = std::fs::read_to_string(&printed).unwrap();
    for part in ["sub-tests against small", "TAP version 13", "verdict: "] {
        assert_eq!(text.matches(part).count(), 1, "{part}: {text}");
    }
}

#[test]
fn reports_that_cannot_be_written_are_refused_before_the_run() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(folder.path().join("file"), "").unwrap();
    symlink(folder.path().join("file"), folder.path().join("link")).unwrap();
    for (path, message) in [
        (at("file/report.json"), "cannot write report"),
        ("/proc/nowhere/report.json".to_owned(), "cannot write report"),
        (at(""), "cannot write report"),
    ] {
        let run = target.judge(&["--report", &format!("json={path}")]);
        assert_eq!(run.code, 2, "{path}: {run}");
        assert!(run.stderr.contains(message), "{path}: {run}");
        assert_eq!(target.asked("POST", "/api/keys"), 0, "{path}: nothing ran");
    }
    let (json, junit) = (format!("json={}", at("file")), format!("junit={}", at("link")));
    let run = target.judge(&["--report", &json, "--report", &junit]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("two reports are written to the same file"), "{run}");
}
