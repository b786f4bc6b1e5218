//! What a vendor meets between a new profile and the first verdict.

mod served;

use served::Served;

/// A change of the right profile, the exit code of a run, and what both the run and the doctor say.
struct Case {
    name: &'static str,
    change: fn(&Served, &str) -> String,
    code: i32,
    says: &'static [&'static str],
}

const MISTAKES: [Case; 9] = [
    Case {
        name: "a wrong token",
        change: |served, text| text.replace(&served.token("admin"), "wrong"),
        code: 3,
        says: &["the token of `admin` was refused with 401", "tokens.admin in"],
    },
    Case {
        name: "an unknown organisation",
        change: |_, text| text.replace("org_id = \"org_9fX2kR\"", "org_id = \"org_unknown\""),
        code: 3,
        says: &["`admin` is not in organisation org_unknown", "lists org_9fX2kR", "set org_id to"],
    },
    Case {
        name: "a member as the admin",
        change: |served, text| {
            let without_member = text.replace(&format!("member = \"{}\"\n", served.token("member")), "");
            without_member.replace(&served.token("admin"), &served.token("member"))
        },
        code: 3,
        says: &[
            "the role of `admin` in org_9fX2kR is member",
            "returned 403 FORBIDDEN",
            "set tokens.admin to",
        ],
    },
    Case {
        name: "an admin as the member",
        change: |served, text| text.replace(&served.token("member"), &served.new_token("admin")),
        code: 3,
        says: &["the role of `member` in org_9fX2kR is admin", "returned 201", "set tokens.member to"],
    },
    Case {
        name: "one session twice",
        change: |served, text| text.replace(&served.token("owner"), &served.token("admin")),
        code: 3,
        says: &["tokens.owner and tokens.admin are the same session"],
    },
    Case {
        name: "no admin",
        change: |served, text| text.replace(&format!("admin = \"{}\"\n", served.token("admin")), ""),
        code: 3,
        says: &["tokens.admin is not set", "to [tokens] in"],
    },
    Case {
        name: "nothing there",
        change: |served, text| text.replace(&served.base_url(), "http://127.0.0.1:9"),
        code: 3,
        says: &["target http://127.0.0.1:9/ is unreachable", "is the target running? check base_url in"],
    },
    Case {
        name: "https to http",
        change: |served, text| {
            text.replace(&served.base_url(), &served.base_url().replace("http:", "https:"))
        },
        code: 3,
        says: &["does not speak TLS", "is it plain HTTP? check the scheme"],
    },
    Case {
        name: "a doubled path",
        change: |served, text| text.replace(&served.base_url(), &format!("{}/api", served.base_url())),
        code: 2,
        says: &["every path begins with /api", "target.toml:2:12"],
    },
];

#[test]
fn a_mistake_in_the_profile_is_one_message_with_its_line() {
    let served = Served::start();
    let filter = "generate/ST5, generate/owner, api-key/ST2";
    served.read_only(filter);
    for case in MISTAKES {
        let profile = (case.change)(&served, &served.profile());
        let run = served.run(&profile, &["--filter", filter]);
        assert_eq!(run.code, case.code, "{}: {run}", case.name);
        let doctor = served.doctor(&profile);
        assert_eq!(doctor.code, case.code, "{}: {doctor}", case.name);
        for says in case.says {
            assert!(run.text.contains(says), "{}: {says} is missing: {run}", case.name);
            assert!(doctor.text.contains(says), "{}: {says} is missing: {doctor}", case.name);
        }
        assert!(run.stderr.contains("--> "), "{}: no line of the profile: {run}", case.name);
        assert!(case.code == 2 || doctor.stdout.contains("✗ "), "{}: {doctor}", case.name);
        if case.code == 3 {
            assert_eq!(run.results["totals"]["checks"]["total"], 0, "{}: {run}", case.name);
        }
    }
    served.assert_all_keys_revoked();
}

#[test]
fn a_right_profile_is_a_checklist_without_crosses() {
    let served = Served::start();
    let doctor = served.doctor(&served.profile());
    assert_eq!(doctor.code, 0, "{doctor}");
    for line in [
        "✓ session of `admin`: role admin in org_9fX2kR",
        "✓ auth key as `admin`: created and revoked",
        "✓ session of `member`: role member in org_9fX2kR",
        "– capability `clock`: not in the profile",
    ] {
        assert!(doctor.stdout.contains(line), "{line} is missing: {doctor}");
    }
    assert!(!doctor.stdout.contains('✗'), "{doctor}");
    served.assert_all_keys_revoked();
}

#[test]
fn only_what_the_selection_needs_is_examined() {
    let served = Served::start();
    // api-key/ST2 acts as the admin alone.
    let profile = served.profile().replace(&served.token("member"), "wrong");
    let run = served.run(&profile, &["--filter", "api-key/ST2"]);
    assert_eq!(run.code, 0, "{run}");
    let run = served.run(&profile, &["--filter", "generate/ST5"]);
    assert_eq!(run.code, 3, "{run}");
}

#[test]
fn a_missing_session_skips_what_needs_it() {
    let served = Served::start();
    let profile = served.profile().replace(&format!("owner = \"{}\"\n", served.token("owner")), "");
    let run = served.run(&profile, &["--filter", "generate/owner, generate/ST5"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!((run.verdict("generate/owner"), run.verdict("generate/ST5")), ("skip", "pass"), "{run}");
    assert_eq!(run.reason("generate/owner"), "needs a session of `owner`, which served lacks");
}

#[test]
fn agents_that_share_tun_devices_run_one_at_a_time() {
    let served = Served::start();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let agent = format!(
        "[agent]\ncommand = \"sh {}\"\nenv = {{ AGENT_PIDS = \"{}\" }}\n",
        fixtures.join("agent.sh").display(),
        served.folder().display()
    );
    let profile =
        served.profile().replace("[tokens]", "capabilities = [\"agent\", \"tun\"]\n[tokens]") + &agent;
    let scenarios = fixtures.join("tun");
    let words = ["--scenarios", scenarios.to_str().unwrap(), "--jobs", "4", "--repeat", "2"];
    let run = served.run(&profile, &words);
    assert_eq!(run.subtests("pass").len(), 4, "{run}");
    assert_eq!(run.results["totals"]["checks"]["fail"], 0, "{run}");
}
