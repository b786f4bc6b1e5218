//! Usage errors, and the output of commands.

use serde_json::Value;

use crate::program::harness;
use crate::small_target;

#[test]
fn usage_errors_are_reported_before_anything_runs() {
    let folder = small_target::scenarios();
    let folder = folder.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 20] = [
        (&["--no-such-flag"], 2, "--no-such-flag"),
        (&["--scenarios", folder, "--suite", "prob"], 2, "probe"),
        (&["--scenarios", folder, "--filter", "keys/ST9"], 4, "keys/ST9"),
        (&["--scenarios", folder, "--filter", "("], 2, "("),
        (&["--scenarios", folder, "--report", "yaml=x"], 2, "unknown report format"),
        (&["--scenarios", folder, "--report", "json=/proc/x/y.json"], 2, "cannot write report"),
        (
            &["--scenarios", folder, "--runtime", "containers"],
            2,
            "cargo run -p harness --features containers",
        ),
        (&["--scenarios", folder, "--shard", "3/2"], 2, "expected INDEX/COUNT"),
        (&["--scenarios", folder, "--target", "/no/such.toml"], 2, "/no/such.toml"),
        (&["--scenarios", "/"], 2, "requirements.toml"),
        (&["no-such-command"], 2, "no-such-command"),
        (&["--suite", "x", "list"], 2, "--suite cannot be used with `list`"),
        (&["lst"], 2, "did you mean `list`?"),
        (&["--scenarios", folder, "kesy/ST1"], 4, "did you mean `keys/ST1`?"),
        (&["--scenarios", folder, "--filter", "kesy"], 4, "did you mean `keys`?"),
        (&["--scenarios", folder, "--filter", "verifies=keys/G.1"], 4, "did you mean `verifies=keys/F.1`?"),
        (&["--scenarios", folder, "--filter", "needs=dashbord"], 4, "did you mean `needs=dashboard`?"),
        (&["--scenarios", folder, "list", "--suite", "prob"], 2, "did you mean `probe`?"),
        (&["--scenarios", folder, "list", "--filter", "keys/TS1"], 4, "did you mean `keys/ST1`?"),
        (&["--scenarios", folder, "--report", "jsn=x"], 2, "did you mean `json`?"),
    ];
    for (arguments, code, told) in cases {
        let output = harness().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(told), "{arguments:?}: {stderr}");
    }
}

#[test]
fn invalid_profile_is_rejected_with_location() {
    let cases = [
        ("nmae = \"x\"", "did you mean `name`?"),
        ("name = \"x\"\nbase_url = \"ftp://x\"\norg_id = \"o\"", "it must begin with http:// or https://"),
        (
            "name = \"x\"\nbase_url = \"http://x\"\norg_id = \"o\"\ncapabilities = [\"clock\"]",
            "`clock` requires hooks.clock",
        ),
        (
            "name = \"x\"\nbase_url = \"http://x\"\norg_id = \"o\"\n[tokens]\nadmin = { env = \"NO_SUCH_VARIABLE\" }",
            "NO_SUCH_VARIABLE, which tokens.admin reads, is not set",
        ),
        (
            "name = \"x\"\nbase_url = \"http://x\"\norg_id = \"o\"\n[agent]\ncommand = \"./no-such-agent\"",
            "no-such-agent`",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("target.toml");
    for (text, told) in cases {
        std::fs::write(&profile, text).unwrap();
        let output = harness()
            .arg("--scenarios")
            .arg(small_target::scenarios())
            .arg("--target")
            .arg(&profile)
            .output();
        let output = output.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
        assert!(stderr.contains('^') && stderr.contains("nothing was run"), "no caret: {stderr}");
    }
}

#[test]
fn init_target_creates_a_valid_profile_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = harness();
        let command = command.current_dir(folder.path()).env_remove("ACME_TOKEN").args(arguments);
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), told)
    };
    let known =
        ["--name", "acme", "--base-url", "https://x.example", "--org-id", "o", "--admin", "env:ACME_TOKEN"];
    let write: Vec<&str> = ["init-target", "acme.toml"].into_iter().chain(known).collect();
    let cases: [(&[&str], i32, &[&str]); 8] = [
        (&["init-target", "--name", "acme"], 2, &["missing --base-url, --org-id", "init-target --help"]),
        (&["init-target", "--admin", "vault"], 2, &["expected env:VARIABLE"]),
        (&write, 0, &["export ACME_TOKEN=…", "harness doctor --target acme.toml"]),
        (&write, 2, &["acme.toml already exists"]),
        (
            &["lint", "--target", "acme.toml"],
            0,
            &[
                "ACME_TOKEN, which tokens.admin reads, is not set",
                "capabilities: none (HTTP only)",
                "acme.toml: 1 warning",
            ],
        ),
        (
            &["lint", "--target", "none.toml"],
            2,
            &["failed to read target profile none.toml", "`harness init-target` creates one"],
        ),
        (
            &["init-target", "b.toml", "--name", "b", "--base-url", "x", "--org-id", "o"],
            2,
            &["b.toml was not written", "invalid base_url"],
        ),
        (&["schema", "profile"], 0, &["requests_per_second", "client_certificate", "\"addresses\""]),
    ];
    for (arguments, code, told) in cases {
        let (ended, all) = run(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {all}");
        assert!(told.iter().all(|told| all.contains(told)), "{arguments:?}: {all}");
    }
    assert!(!folder.path().join("b.toml").exists());
}

#[test]
fn all_scenario_errors_are_listed_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let chapter = folder.path().join("probe/keys");
    std::fs::create_dir_all(&chapter).unwrap();
    std::fs::copy(
        small_target::scenarios().join("requirements.toml"),
        folder.path().join("requirements.toml"),
    )
    .unwrap();
    std::fs::write(chapter.join("ST1.toml"), "titel = \"x\"\n[[step]]\nname = \"a\"\nget = 1\n").unwrap();
    std::fs::write(chapter.join("ST2.toml"), "title = \"y\"\nsetp = 1\n").unwrap();
    let output = harness().arg("--scenarios").arg(folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for told in ["titel", "did you mean `title`", "ST1.toml:4", "setp", "nothing was run"] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}

#[test]
fn commands_list_and_explain() {
    let folder = small_target::scenarios();
    let folder = folder.to_str().unwrap();
    let cases: [(&[&str], &[&str]); 9] = [
        (&["list"], &["probe", "keys/ST1", "(4 checks)", "skipped: needs the dashboard"]),
        (
            &["explain", "keys/F.2"],
            &["never its hash", "must, observed through http", "keys.txt", "ST1.toml:20"],
        ),
        (&["explain", "keys/ST1"], &["GET /api/db/keys", "keys/F.1: A new key"]),
        (&["explain", "keys"], &["Keys of a small target", "keys/ST2"]),
        (&["explain", "st2"], &["keys/ST2", "steps:"]),
        (&["list", "--filter", "keys/ST[12]"], &["keys/ST1", "keys/ST2"]),
        (&["lint"], &["4 scenarios:"]),
        (&["schema", "results"], &["\"exit_code\"", "\"environment-error\""]),
        (&["schema", "scenario"], &["$schema"]),
    ];
    for (arguments, told) in cases {
        let output = harness().args(["--scenarios", folder]).args(arguments).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        for told in told {
            assert!(stdout.contains(told), "{arguments:?}: {told} is missing: {stdout}");
        }
    }
    let listed = harness().args(["--scenarios", folder, "list", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["checks"], 4);
    let unknown = harness().args(["--scenarios", folder, "explain", "kesy/F.2"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean `keys/F.2`?"));
}

#[test]
fn a_part_of_an_id_lists_the_candidates() {
    let output = harness().args(["explain", "ST4"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for told in ["`ST4` is not a whole id", "used-count/ST4", "generate/ST4", "api-key/ST4"] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}

#[test]
fn a_subtest_can_be_named_without_a_flag() {
    let target = small_target::SmallTarget::start(&[]);
    for (arguments, subtests) in [
        (&["keys/ST1"][..], &["keys/ST1"][..]),
        (&["ST1", "keys/ST2"], &["keys/ST1", "keys/ST2"]),
        (&["keys", "--filter", "!ST1 !ST3"], &["keys/ST2", "keys/ST4"]),
    ] {
        let run = target.judge(arguments);
        assert_eq!(run.code, 0, "{run}");
        let ids = run.results["subtests"].as_array().unwrap().iter().map(|of| of["id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), subtests, "{arguments:?}");
        assert!(run.results["selection"]["filter"].is_string());
    }
}

#[test]
fn closed_stdout_does_not_panic() {
    use std::process::Stdio;
    let mut child = harness()
        .arg("--scenarios")
        .arg(small_target::scenarios())
        .args(["explain", "keys/ST1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}
