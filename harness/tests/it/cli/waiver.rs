use crate::cli::wrong_status;
use crate::program::harness;
use crate::run::Run;
use crate::small_target::{self, SmallTarget};

fn waived(target: &SmallTarget, text: &str, arguments: &[&str]) -> Run {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    target.judge(&[&["--waivers", file.path().to_str().unwrap()], arguments].concat())
}

fn waiver(of: &str, expires: &str) -> String {
    format!(
        "# who answers for it\n[[waiver]]\n{of}\nreason = \"ACME-17\"\nowner = \"ada\"\nexpires = {expires}\n"
    )
}

const FAR: &str = "9999-12-31";

#[test]
fn waived_failure_passes_and_is_reported() {
    let wrong = SmallTarget::start(&[wrong_status()]);
    for of in
        ["statement = \"keys/F.1\"", "check = \"keys/ST1:10\"", "check = \"keys/ST1/an admin creates a key\""]
    {
        let run = waived(&wrong, &waiver(of, FAR), &[]);
        assert_eq!(run.code, 0, "{of}: {run}");
        assert_eq!(run.verdict("keys/ST1"), "waived");
        assert_eq!(run.statement("keys/F.1"), "violated", "a waiver makes nothing true");
        assert_eq!(run.results["waivers"][0]["state"], "used");
        assert_eq!(run.results["subtests"][0]["checks"][0]["waiver"]["owner"], "ada");
        assert_eq!(run.results["verdict"], "passed");
        assert!(run.stdout.contains("verdict: passed with 1 waiver (4 of 5 statements judged)"), "{run}");
    }
    let other = waived(&wrong, &waiver("statement = \"keys/F.2\"", FAR), &[]);
    assert_eq!((other.code, other.verdict("keys/ST1")), (1, "fail"), "{other}");
}

#[test]
fn stale_waiver_fails_the_run_with_its_location() {
    let (wrong, right) = (SmallTarget::start(&[wrong_status()]), SmallTarget::start(&[]));
    let of = "statement = \"keys/F.1\"";
    let cases = [
        (&wrong, waiver(of, "2020-01-01"), "waiver expired: keys/F.1", "non-conformant", "expired"),
        (&right, waiver(of, "2020-01-01"), "waiver expired: keys/F.1", "stale-waiver", "expired"),
        (&right, waiver(of, FAR), "waiver no longer needed: keys/F.1", "stale-waiver", "unneeded"),
    ];
    for (target, text, told, verdict, state) in cases {
        let run = waived(target, &text, &[]);
        assert_eq!(run.code, 1, "{run}");
        assert!(run.stdout.contains(told) && run.stdout.contains(":2)"), "{told}: {run}");
        assert_eq!(
            (run.results["verdict"].as_str(), run.results["waivers"][0]["state"].as_str()),
            (Some(verdict), Some(state))
        );
    }
}

#[test]
fn waiver_of_unselected_subtest_is_not_stale() {
    let right = SmallTarget::start(&[]);
    for expires in [FAR, "2020-01-01"] {
        let run = waived(&right, &waiver("statement = \"keys/F.1\"", expires), &["--filter", "keys/ST2"]);
        assert_eq!(run.code, 0, "{run}");
        assert!(run.stdout.contains("waiver not judged in this run"), "{run}");
    }
}

#[test]
fn environment_error_is_never_waived() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), waiver("statement = \"keys/F.1\"", FAR)).unwrap();
    let arguments = ["--filter", "keys/ST1", "--waivers", file.path().to_str().unwrap()];
    let run = small_target::judge_at(&small_target::cutting_server(), &arguments);
    assert_eq!((run.code, run.verdict("keys/ST1")), (3, "error"), "{run}");
}

#[test]
fn all_waiver_errors_are_shown_with_locations() {
    let right = SmallTarget::start(&[]);
    let run = waived(&right, "[[waiver]]\nstatement = \"keys/F.9\"\nownr = \"ada\"\nexpires = \"x\"\n", &[]);
    assert_eq!(run.code, 2, "{run}");
    for told in
        ["unknown statement `keys/F.9`", "did you mean `owner`?", "`expires` must be a date", "^^^", ":2:13"]
    {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
    let schema = harness().args(["schema", "waivers"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["title"], "Waivers");
}
