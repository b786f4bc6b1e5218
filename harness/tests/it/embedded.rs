//! The program with the embedded reference.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::{harness, interrupt};
use serde_json::Value;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded")
}

#[test]
fn every_verb_works_without_leftovers_or_leaks() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.json");
    let machines = tempfile::tempdir().unwrap();
    let output = harness()
        .arg("--scenarios")
        .arg(scenarios())
        .args(["--filter", "keys/ST1", "--repeat", "3", "--report"])
        .arg(format!("json={}", results.display()))
        .env("RUST_LOG", "trace")
        .env("TMPDIR", machines.path())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    let written = std::fs::read_to_string(results).unwrap();
    let results: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(results["totals"]["checks"]["pass"], 9, "{stdout}");
    assert!(std::fs::read_dir(machines.path()).unwrap().next().is_none(), "folders were left behind");

    assert!(stderr.contains("TRACE"), "nothing was logged");
    let secrets = [r"tskey-auth-[0-9a-f]{64}", r"ztm_[0-9a-f]{8}", r"eyJ[\w-]+\.[\w-]+\.", "-runs-acme"];
    for shape in secrets {
        let secret = regex::Regex::new(shape).unwrap();
        for text in [&*stdout, &*stderr, &written] {
            assert_eq!(secret.find(text).map(|found| found.as_str()), None, "{shape} leaked");
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn background_processes_of_a_shell_line_end_with_their_machine() {
    let machines = tempfile::tempdir().unwrap();
    let output = harness()
        .arg("--scenarios")
        .arg(scenarios())
        .args(["--filter", "keys/ST2"])
        .env("TMPDIR", machines.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("PASS ["), "{stdout}");
    assert!(std::fs::read_dir(machines.path()).unwrap().next().is_none(), "folders were left behind");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains(machines.path().to_str().unwrap()), "{environment}");
    }
}

#[test]
fn serve_prints_the_variables_of_the_documented_commands() {
    use std::io::BufRead as _;
    let mut child = harness().arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut assignments = Vec::new();
    // The last variable; afterwards `serve` waits for a signal.
    while assignments.last().is_none_or(|line: &String| !line.contains("OTHER_ORG_ID")) {
        let line = lines.next().unwrap().unwrap();
        assignments.extend(Some(line).filter(|line| !line.starts_with('#')));
    }
    let script = format!(
        "{}\nprintf '%s\\n' \"$ORG_ID\" \"${{TOKEN:+admin}}\" \"${{OWNER_TOKEN:+owner}}\" \"${{MEMBER_TOKEN:+member}}\" \"$BASE_URL\"",
        assignments.join("\n")
    );
    let shell = Command::new("sh").args(["-c", &script]).output().unwrap();
    let printed = String::from_utf8(shell.stdout).unwrap();
    assert!(printed.starts_with("org_9fX2kR\nadmin\nowner\nmember\nhttp://127.0.0.1:"), "{printed}");
    interrupt(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
