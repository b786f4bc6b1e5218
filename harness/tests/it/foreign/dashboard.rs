//! A dashboard of another make, with other words, other addresses and another structure.

use crate::foreign::proxy::Bend;
use crate::foreign::target::Foreign;
use crate::program::{harness, interrupt, wait_for};

const PAGE: &str = include_str!("../../fixtures/dashboard/console.html");

const PROFILE: &str = r#"
[dashboard]
sign_in = [
  { open = "/console" },
  { fill = "Work e-mail", with = "${email}" },
  { fill = "Passphrase", with = "${password}" },
  { click = "Enter" },
]
[dashboard.paths]
"/dashboard" = "/console"
"/api-keys"  = "/console/programs"
[dashboard.words]
"Settings"          = "Administration"
"Auth Keys"         = "Enrolment keys"
"Generate Auth Key" = "Issue an enrolment key"
"Create"            = "Issue"
"Name"              = "Title"
"Reusable"          = "Many machines"
"Ephemeral"         = "Short-lived"
"Expiry"            = "Valid for"
"Tags"              = "Labels"
"Description"       = "Purpose"
"Used"              = "Enrolments"
"Revoke"            = "Withdraw"
"Create API Key"    = "New API key"
"Generate Key"      = "Make the key"
"Done"              = "I have it"
"#;

const SUBTESTS: &str = "used-count/F5-dashboard, headless/ST1-dashboard, headless/ST5-dashboard, issuing/create-dashboard, \
                        api-key/ST5, api-key/ST5-page";

const STATEMENTS: [&str; 9] = [
    "used-count/F.5",
    "headless/ST1.1",
    "headless/ST1.3",
    "headless/ST3.1",
    "headless/ST5.3",
    "api-key/ST5.1",
    "api-key/ST5.2",
    "api-key/ST5.5",
    "issuing/create.4",
];

fn console(page: String) -> Foreign {
    let target = Foreign::start(Bend::default());
    target.proxy.serve_page(page);
    target
}

/// The profile, with the word for the expiry that the form of API keys has.
fn profile(expiry: &str) -> String {
    PROFILE.replace("\"Valid for\"", &format!("\"{expiry}\""))
}

#[test]
#[ignore = "needs chromium and chromium-driver"]
fn another_dashboard_passes_in_its_own_words() {
    let target = console(PAGE.replace("Valid for (days)", "Valid until (days)"));
    let run = target.judge(&profile("Valid until"), &["--filter", SUBTESTS, "--jobs", "2"]);
    assert_eq!(run.code, 0, "{run}");
    for statement in STATEMENTS {
        assert_eq!(run.statement(statement), "verified", "{statement}: {run}");
    }
    assert_eq!(run.results["leftovers"], serde_json::json!(null), "{run}");
}

#[test]
#[ignore = "needs chromium and chromium-driver"]
fn the_references_own_dashboard_is_judged_as_a_vendors() {
    let target = Foreign::start(Bend::default());
    let run = target.judge("[dashboard]\n", &["--filter", SUBTESTS, "--jobs", "2"]);
    assert_eq!(run.code, 0, "{run}");
    for statement in STATEMENTS {
        assert_eq!(run.statement(statement), "verified", "{statement}: {run}");
    }
}

#[test]
#[ignore = "needs chromium and chromium-driver"]
fn wrong_dashboards_fail_at_the_right_statement() {
    let page = PAGE.replace("Valid for (days)", "Valid until (days)");
    for (from, to, subtest, statement, said) in [
        (
            "<dd>${key.used_count}",
            "<dd>0",
            "used-count/F5-dashboard",
            "used-count/F.5",
            "expected \"2\", got `0`",
        ),
        (
            "Issue an enrolment key</button>",
            "Add</button>",
            "issuing/create-dashboard",
            "issuing/create.4",
            "no button named 'Create auth key' or 'Issue an enrolment key'; buttons and links here: 'Home'",
        ),
        (
            "if (!confirm(\"Withdraw it?\")) return;",
            "return;",
            "headless/ST5-dashboard",
            "headless/ST5.3",
            "",
        ),
    ] {
        assert!(page.contains(from), "{from}");
        let target = console(page.replace(from, to));
        let run = target.judge(&profile("Valid until"), &["--filter", subtest]);
        assert_eq!((run.code, run.statement(statement)), (1, "violated"), "{from}: {run}");
        let told: String = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(said), "{said}: {run}");
    }
}

/// The processes whose command line mentions the folder.
fn processes(folder: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mentions = |number: &u32| {
        std::fs::read(format!("/proc/{number}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(folder))
    };
    numbers.filter(mentions).collect()
}

#[test]
#[ignore = "needs chromium and chromium-driver"]
fn nothing_is_left_of_the_browser_however_the_kit_ends() {
    for end in ["passed", "interrupted", "killed"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let mut run = harness().args(["--filter", "api-key/ST5"]).env("TMPDIR", &path).spawn().unwrap();
        // The driver, the browser and its helpers.
        wait_for("the browser runs", || (processes(&path).len() > 4).then_some(()));
        match end {
            "interrupted" => interrupt(run.id()),
            "killed" => run.kill().unwrap(),
            _ => {}
        }
        let status = run.wait().unwrap();
        assert_eq!(status.success(), end == "passed", "{end}: {status}");
        wait_for("the browser has ended", || processes(&path).is_empty().then_some(()));
        let left = std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.file_name());
        let left: Vec<_> = left.collect();
        assert!(
            !left.iter().any(|name| name.to_string_lossy().starts_with("qz-browser-")),
            "{end}: {left:?}"
        );
    }
}

#[test]
#[ignore = "needs chromium and chromium-driver"]
fn a_failed_step_has_a_picture_in_the_page_and_the_bundle() {
    let target = console(
        PAGE.replace("Valid for (days)", "Valid until (days)").replace("<dd>${key.used_count}", "<dd>0"),
    );
    let report = target.path("report.html");
    let html = format!("html={}", report.display());
    let arguments = ["--filter", "used-count/F5-dashboard", "--report", &html];
    let run = target.judge_and_verify(&profile("Valid until"), &arguments);
    assert_eq!(run.code, 1, "{run}");
    let steps = run.results["subtests"][0]["failures"].as_array().unwrap();
    let picture = steps[0]["page"]["picture"].as_str().unwrap();
    assert!(picture.starts_with("iVBOR"), "a PNG: {picture:.20}");
    let page = std::fs::read_to_string(report).unwrap();
    assert!(page.contains(&format!("data:image/png;base64,{picture}")));
}
