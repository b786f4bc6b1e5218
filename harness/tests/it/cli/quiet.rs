//! `-q`: failures and the verdict alone.

use super::wrong_status;
use crate::program::harness;
use crate::small_target::{self, SmallTarget};

#[test]
fn quiet_run_that_passes_prints_the_verdict_alone() {
    let output = harness().args(["-q", "used-count/ST4-http"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), stdout.lines().count()), (Some(0), 1), "{stdout}");
    assert!(stdout.starts_with("verdict: passed (selection: "), "{stdout}");
    assert!(output.stderr.is_empty());
}

#[test]
fn quiet_run_that_fails_prints_the_failure_and_the_verdict() {
    let run = SmallTarget::start(&[wrong_status()]).judge(&["--quiet", "--filter", "keys/ST1"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.starts_with("FAIL keys/ST1"), "{run}");
    for told in ["keys/F.1", "201", "curl", "not cleaned up: "] {
        assert!(run.stdout.contains(told), "{told}: {run}");
    }
    assert!(!run.stdout.contains("statements: "), "{run}");
    let last = run.stdout.lines().rev().take_while(|line| !line.is_empty()).last();
    assert!(last.is_some_and(|line| line.starts_with("verdict: not conformant")), "{run}");
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    let folder = small_target::scenarios();
    let output = harness().arg("--scenarios").arg(folder).args(["-q", "-v"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
