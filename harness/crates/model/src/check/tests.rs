//! Every expectation, met and unmet.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::evidence::{Evidence, Exchange, ProcessResult};
use super::header::Header;
use super::outcome::{CheckVerdict, Outcome};
use super::snapshot::{SnapshotMode, SnapshotSettings};
use super::{CheckContext, evaluate};
use crate::requirement::Registry;
use crate::scenario::model::{Check, Source};
use crate::scenario::{ScenarioPath, parse};
use crate::secret::Secrets;
use crate::target::RefusalPointers;

mod several;
mod words;

const REGISTRY: &str = r#"
[chapters]
c = { suite = "s", title = "", document = "" }
[[requirement]]
id = "c/F.1"
text = ""
via = ["http"]
level = "must"
[[requirement]]
id = "c/F.2"
text = ""
via = ["http"]
level = "either"
accepts = ["a", "b"]
[[requirement]]
id = "ours/x.1"
text = ""
via = ["http"]
level = "ours"
"#;

fn registry() -> Registry {
    Registry::load(REGISTRY, Path::new("r.toml")).unwrap()
}

/// Returns the check of a step with this verb, and the text of the file.
fn check(verb: &str, expectations: &str) -> (Check, String) {
    let text = format!(
        "title = \"t\"\nmachines = [{{ name = \"M\", up = true, observed = true }}]\n\
         [[step]]\nname = \"n\"\nset = {{ kept = \"x\", days = \"x\", never = \"x\" }}\n\
         [[step]]\nname = \"n\"\n{verb}\ncheck = [{{ verifies = \"c/F.2\", {expectations} }}]\n"
    );
    let source = Arc::new(Source::new("t.toml", text.clone()));
    let path =
        ScenarioPath { suite: "s".into(), chapter: "c".into(), stem: "t".into(), snapshots: "t.snap".into() };
    let parsed = parse(&source, &path, &registry());
    let mut scenario = parsed.scenario.unwrap_or_else(|| panic!("{expectations}: {:#?}", parsed.diagnostics));
    (scenario.steps.remove(1).checks.remove(0), text)
}

fn judged_on(check: &Check, evidence: &Evidence, judges_ours: bool, strict: bool) -> Outcome {
    let variables: BTreeMap<String, Value> = [
        ("kept".to_owned(), json!("a.b")),
        ("days".to_owned(), json!(7)),
        ("org".to_owned(), json!("org_1")),
    ]
    .into();
    let registry = registry();
    let folder = Path::new("/nonexistent");
    let snapshots = SnapshotSettings { folder, mode: SnapshotMode::Compare, strict, run_prefix: "" };
    evaluate(
        check,
        evidence,
        &CheckContext {
            variables: &variables,
            registry: &registry,
            judges_ours,
            refusal: &RefusalPointers::default(),
            snapshots,
            secrets: &Secrets::default(),
        },
    )
}

fn judged(check: &Check, evidence: &Evidence) -> Outcome {
    judged_on(check, evidence, true, false)
}

fn exchange(status: u16, body: &str) -> Exchange {
    Exchange {
        method: "GET".to_owned(),
        url: "http://127.0.0.1/x".to_owned(),
        status,
        headers: vec![Header::new("retry-after", "30"), Header::new("content-type", "application/json")],
        body: body.to_owned(),
        ..Exchange::default()
    }
}

fn http(status: u16, body: &Value) -> Evidence {
    Evidence::Http(vec![exchange(status, &body.to_string())])
}

fn process(exit: Option<i32>, stdout: &str, stderr: &str) -> ProcessResult {
    ProcessResult {
        shell: false,
        command: "ztna up".to_owned(),
        exit,
        running: exit.is_none(),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        ended_by_kit: None,
        requests: Some(vec!["GET /api/db/auth_keys?org_id=org_1&select=a%2Cb".to_owned()]),
        took: Duration::ZERO,
        ended: None,
    }
}

/// Each matcher on `/v` with a matching value and a subtly wrong one.
#[test]
fn matchers_accept_matching_values_and_reject_subtly_wrong_ones() {
    for (matcher, right, wrong) in [
        ("1", json!(1), json!("1")),
        ("1", json!(1.0), json!(1.5)),
        ("100", serde_json::from_str("1e2").unwrap(), json!("100")),
        ("true", json!(true), json!("true")),
        ("\"${null}\"", json!(null), json!("null")),
        ("\"${days}\"", json!(7), json!("7")),
        ("\"${kept}\"", json!("a.b"), json!("a.b ")),
        ("[\"a\", \"b\"]", json!(["a", "b"]), json!(["b", "a"])),
        ("{ equals = { a = 1 } }", json!({"a": 1}), json!({"a": 1, "b": 2})),
        (
            "{ matches = \"^tskey-auth-[0-9a-f]{64}$\" }",
            json!(format!("tskey-auth-{}", "a".repeat(64))),
            json!(format!("tskey-auth-{}", "a".repeat(63))),
        ),
        ("{ matches = \"^${kept}$\" }", json!("a.b"), json!("axb")),
        ("{ matches = \"1\" }", json!("1"), json!(1)),
        (
            "{ type = \"uuid\" }",
            json!("9b2f0c1e-1111-4222-8333-abcdefabcdef"),
            json!("9b2f0c1e111142228333abcdefabcdef"),
        ),
        ("{ type = \"integer\" }", json!(0), json!(0.5)),
        ("{ type = \"integer\" }", json!(-3), json!("3")),
        ("{ type = \"string\" }", json!(""), json!(null)),
        ("{ type = \"boolean\" }", json!(false), json!(0)),
        ("{ type = \"null\" }", json!(null), json!("null")),
        ("{ type = \"array\" }", json!([]), json!({})),
        ("{ type = \"object\" }", json!({}), json!([])),
        ("{ type = \"date-time\" }", json!("2026-03-17T10:00:00.000Z"), json!("2026-03-17 10:00:00")),
        ("{ one_of = [1, \"a\"] }", json!("a"), json!("1")),
        ("{ contains = \"b\" }", json!("abc"), json!("aBc")),
        ("{ contains = \"b\" }", json!(["a", "b"]), json!(["ab"])),
        ("{ contains = 1 }", json!([1]), json!(["1"])),
        ("{ excludes = \"b\" }", json!("ac"), json!("abc")),
        ("{ excludes = \"b\" }", json!(["ab"]), json!(["b"])),
        ("{ excludes = \"b\" }", json!([]), json!(7)),
        ("{ length = 2 }", json!(["a", "b"]), json!(["a"])),
        ("{ length = 2 }", json!("äö"), json!("äöü")),
        ("{ keys = [\"a\", \"b\"] }", json!({"b": 1, "a": 2}), json!({"a": 1, "b": 2, "c": 3})),
        ("{ keys = [\"a\", \"b\"] }", json!({"b": 1, "a": 2}), json!({"a": 1})),
        ("{ has_keys = [\"a\"] }", json!({"a": 1, "b": 2}), json!({"b": 2})),
        ("{ above = 0 }", json!(1), json!(0)),
        ("{ above = 0 }", json!(0.5), json!("1")),
        ("{ below = 1.5 }", json!(1), json!(1.5)),
        ("{ not = 5 }", json!("5"), json!(5)),
        ("{ not = { contains = \"x\" } }", json!("abc"), json!("axc")),
        ("{ every = { \"/a\" = 1 } }", json!([{"a": 1}, {"a": 1, "b": 2}]), json!([{"a": 1}, {"a": 2}])),
        ("{ every = { \"/a\" = 1 } }", json!([{"a": 1}]), json!([])),
        ("{ some = { \"/a\" = 1, \"/b\" = 2 } }", json!([{}, {"a": 1, "b": 2}]), json!([{"a": 1}, {"b": 2}])),
        ("{ line = \"b\" }", json!("a\nb\nc"), json!("a\nb \nc")),
        ("{ lines = [\"a\", { matches = \"^c\" }] }", json!("a\nb\ncd"), json!("cd\nb\na")),
        ("{ absent = false }", json!(null), json!("[absent]")),
    ] {
        let (check, _) = check("get = \"/x\"", &format!("json = {{ \"/v\" = {matcher} }}"));
        let outcome = judged(&check, &http(200, &json!({"v": right})));
        assert_eq!(outcome.verdict, CheckVerdict::Pass, "{matcher} of {right}: {}", outcome.message);
        let answer = if wrong == json!("[absent]") { json!({}) } else { json!({"v": wrong}) };
        let outcome = judged(&check, &http(200, &answer));
        assert_eq!(outcome.verdict, CheckVerdict::Fail, "{matcher} of {wrong}");
        assert!(outcome.message.contains("`/v`: expected "), "{}", outcome.message);
        // An absent value meets no matcher.
        assert_eq!(
            judged(&check, &http(200, &json!({"w": 1}))).verdict,
            CheckVerdict::Fail,
            "{matcher} of nothing"
        );
    }
    for matcher in ["{ absent = true }", "\"${absent}\""] {
        let (check, _) = check("get = \"/x\"", &format!("json = {{ \"/v\" = {matcher} }}"));
        assert_eq!(judged(&check, &http(200, &json!({"w": 1}))).verdict, CheckVerdict::Pass);
        assert_eq!(judged(&check, &http(200, &json!({"v": null}))).verdict, CheckVerdict::Fail);
    }
}

#[test]
fn http_responses_are_judged() {
    let answer = json!({"success": false, "error": {"code": "KEY_USED", "message": "Auth key already used"}});
    for (expectations, holds) in [
        ("status = 401", true),
        ("status = [200, 401]", true),
        ("status = 403", false),
        ("error = \"KEY_USED\"", true),
        ("error = \"KEY_USE\"", false),
        ("message = { contains = \"already\" }", true),
        ("message = \"already\"", false),
        ("header = { Retry-After = \"30\" }", true),
        ("header = { Retry-After = { above = 29 } }", true),
        ("header = { Retry-After = { above = 30 } }", false),
        ("header = { Location = { absent = true } }", true),
        ("header = { Location = { matches = \".\" } }", false),
        ("body = \"KEY_USED\"", true),
        ("body = { excludes = \"hash\" }", true),
        ("body = { excludes = \"Auth\" }", false),
        ("json = { \"rows/0\" = { absent = true } }", true),
        ("status = 401, error = \"INVALID_KEY\"", false),
        ("any = [{ status = 409 }, { status = 401, error = \"KEY_USED\" }]", true),
        ("any = [{ status = 401, error = \"INVALID_KEY\" }, { status = 409 }]", false),
        ("status = 401, any = [{ error = \"A\" }, { error = \"KEY_USED\" }]", true),
        ("status = 400, any = [{ error = \"A\" }, { error = \"KEY_USED\" }]", false),
    ] {
        let outcome = judged(&check("get = \"/x\"", expectations).0, &http(401, &answer));
        let verdict = if holds { CheckVerdict::Pass } else { CheckVerdict::Fail };
        assert_eq!(outcome.verdict, verdict, "{expectations}: {}", outcome.message);
    }
}

#[test]
fn commands_are_judged() {
    let failed = Evidence::Process(process(Some(1), "", "auth key registration failed: KEY_USED\n"));
    let up = Evidence::Process(process(None, "Starting\nRegistered: M\n", "WARNING: x\n"));
    let listed = Evidence::Process(process(Some(0), "[{\"used_count\": 1}]", ""));
    let stopped = |ended| Evidence::Process(ProcessResult { ended, ..process(Some(0), "", "") });
    for (expectations, evidence, holds) in [
        ("exit = 1", &failed, true),
        ("exit = [0, 2]", &failed, false),
        ("exit = \"failure\"", &failed, true),
        ("exit = \"failure\"", &up, false),
        ("exit = \"failure\"", &listed, false),
        ("exit = 0", &up, false),
        ("stderr = \"KEY_USED\"", &failed, true),
        ("stdout = \"KEY_USED\"", &failed, false),
        ("stderr = { line = \"auth key registration failed: KEY_USED\" }", &failed, true),
        ("stderr = { line = \"KEY_USED\" }", &failed, false),
        ("output = { lines = [{ contains = \"Registered\" }, { contains = \"WARNING\" }] }", &up, true),
        ("stdout = { excludes = \"WARNING\" }", &up, true),
        ("ended = true", &up, false),
        ("ended = true", &stopped(Some(true)), true),
        ("ended = true", &stopped(Some(false)), false),
        ("ended = false", &stopped(Some(false)), true),
        ("ended = false", &stopped(None), false),
        ("running = true", &up, true),
        ("running = true", &failed, false),
        ("json = { \"rows/0/used_count\" = 1 }", &listed, true),
        ("json = { \"/0/used_count\" = 2 }", &listed, false),
        ("json = { \"\" = { length = 1 } }", &up, false),
        ("requests = [\"GET /api/db/auth_keys?select=a,b&org_id=${org}\"]", &listed, true),
        ("requests = [\"GET /api/db/auth_keys\"]", &listed, false),
        ("requests = [\"POST /api/db/auth_keys?select=a,b&org_id=${org}\"]", &listed, false),
    ] {
        let outcome = judged(&check("on = \"M\"\nztna = \"x\"", expectations).0, evidence);
        let verdict = if holds { CheckVerdict::Pass } else { CheckVerdict::Fail };
        assert_eq!(outcome.verdict, verdict, "{expectations}: {}", outcome.message);
    }
}

#[test]
fn colours_are_no_part_of_what_a_program_printed() {
    let coloured = "\u{1b}[1mQuickZTNA\u{1b}[0m ready\r\u{1b}[2K\u{1b}[32mAuthenticated: true\u{1b}[0m\n";
    let printed = Evidence::Process(process(Some(0), coloured, ""));
    for (expectation, is_met) in [
        ("output = { line = \"Authenticated: true\" }", true),
        ("stdout = { matches = \"(?m)^Authenticated: +true$\" }", true),
        ("output = { lines = [\"QuickZTNA ready\", \"Authenticated: true\"] }", true),
        ("output = { excludes = \"QuickZTNA ready\" }", false),
        ("output = { line = \"Authenticated: false\" }", false),
    ] {
        let (check, _) = check("on = \"M\"\nztna = \"status\"", expectation);
        assert_eq!(judged(&check, &printed).verdict == CheckVerdict::Pass, is_met, "{expectation}");
    }
}

#[test]
fn escaped_characters_of_a_json_body_are_read() {
    let body = r#"{"data":[{"public_key":"ab\/c","name":"caf\u00e9"}]}"#;
    let escaped = Evidence::Http(vec![exchange(200, body)]);
    for (expectation, is_met) in [
        ("body = { contains = \"ab/c\" }", true),
        ("body = { excludes = \"ab/c\" }", false),
        ("body = { not = { matches = \"café\" } }", false),
        ("body = { contains = \"ab\\\\/c\" }", true),
        ("body = { excludes = \"abc\" }", true),
    ] {
        let (check, _) = check("get = \"/x\"", expectation);
        assert_eq!(judged(&check, &escaped).verdict == CheckVerdict::Pass, is_met, "{expectation}");
    }
}

#[test]
fn failure_shows_actual_value_and_span_of_the_expectation() {
    let (check, text) =
        check("get = \"/x\"", "status = 401, json = { \"/data/used_count\" = 2 }, error = \"A\"");
    let outcome = judged(&check, &http(401, &json!({"data": {"used_count": "2"}})));
    assert_eq!(&text[outcome.span.clone()], "\"/data/used_count\" = 2");
    insta::assert_debug_snapshot!((outcome.expected, outcome.actual, outcome.message), @r#"
    (
        "`/data/used_count`: 2",
        "`/data/used_count`: \"2\"",
        "`/data/used_count`: expected 2, got \"2\": it is a string (also unmet: `/error/code`)",
    )
    "#);
}

#[test]
fn non_json_responses_and_absent_values_are_explained() {
    let (check, _) = check("get = \"/x\"", "json = { \"/data/kye\" = 2 }");
    let html = Evidence::Http(vec![exchange(502, "<h1>Bad gateway</h1>")]);
    let message = judged(&check, &html).message;
    assert!(
        message.starts_with("response is not JSON: <h1>Bad gateway</h1>; the response probably"),
        "{message}"
    );
    let outcome = judged(&check, &http(200, &json!({"data": {"key": 2, "id": 1}})));
    assert_eq!(
        outcome.message,
        "`/data/kye`: expected 2, got no value (`/data` is an object with keys key, id)"
    );
}

#[test]
fn multi_line_texts_are_shown_as_a_diff() {
    let (check, _) = check("on = \"M\"\nztna = \"x\"", "stdout = { equals = \"a\\nb\\nc\\n\" }");
    let outcome = judged(&check, &Evidence::Process(process(Some(0), "a\nB\nc\n", "")));
    assert!(outcome.actual.contains("-b\n+B"), "{}", outcome.actual);
}

#[test]
fn every_unmet_alternative_is_explained() {
    let (check, text) =
        check("get = \"/x\"", "any = [{ status = 401, error = \"KEY_USED\" }, { status = 409 }]");
    let outcome = judged(&check, &http(401, &json!({"error": {"code": "INVALID_KEY"}})));
    assert_eq!(outcome.verdict, CheckVerdict::Fail);
    assert!(text[outcome.span.clone()].starts_with("{ verifies"));
    insta::assert_snapshot!(outcome.message, @r#"no alternative is met: (1) `/error/code`: expected "KEY_USED", got "INVALID_KEY"; (2) status: expected 409, got 401"#);
}

#[test]
fn race_counts_matching_responses() {
    let race = |statuses: &[(u16, usize)]| {
        let exchanges = statuses.iter().flat_map(|(status, count)| vec![exchange(*status, "{}"); *count]);
        Evidence::Http(exchanges.collect())
    };
    let one_winner = [(201, 1), (401, 31)];
    let three_winners = [(201, 3), (401, 29)];
    for (expectations, statuses, holds) in [
        ("status = 201, exactly = 1", &one_winner[..], true),
        ("status = 201, exactly = 1", &three_winners, false),
        ("status = 201, exactly = 0", &one_winner, false),
        ("status = 409, exactly = 0", &one_winner, true),
        ("status = 201, at_least = 2", &one_winner, false),
        ("status = 201, at_least = 2", &three_winners, true),
        ("status = 201, at_most = 2", &one_winner, true),
        ("status = 201, at_most = 3", &three_winners, true),
        ("status = 201, at_most = 2", &three_winners, false),
        ("status = 201", &one_winner, false),
        ("status = [201, 401]", &one_winner, true),
    ] {
        let outcome = judged(&check("post = \"/x\"\nrace = 32", expectations).0, &race(statuses));
        let verdict = if holds { CheckVerdict::Pass } else { CheckVerdict::Fail };
        assert_eq!(outcome.verdict, verdict, "{expectations} {statuses:?}: {}", outcome.message);
    }
    let outcome =
        judged(&check("post = \"/x\"\nrace = 32", "status = 201, exactly = 1").0, &race(&three_winners));
    assert_eq!(outcome.actual, "3 of 32: 201×3, 401×29");
    assert_eq!(outcome.expected, "exactly 1 of 32 responses: status: 201");
    assert_eq!(outcome.message, "expected exactly 1 of 32 responses to match, got 3: 201×3, 401×29");
}

#[test]
fn ours_statements_are_skipped_on_other_targets() {
    let (mut check, _) = check("get = \"/x\"", "status = 201");
    check.verifies = vec!["ours/x.1".to_owned()];
    let wrong = http(200, &json!({}));
    assert_eq!(judged_on(&check, &wrong, true, false).verdict, CheckVerdict::Fail);
    let skipped = judged_on(&check, &wrong, false, false);
    assert_eq!((skipped.verdict, skipped.statements), (CheckVerdict::Skip, vec!["ours/x.1".to_owned()]));
    check.verifies.push("c/F.1".to_owned());
    let outcome = judged_on(&check, &wrong, false, false);
    assert_eq!((outcome.verdict, outcome.statements), (CheckVerdict::Fail, vec!["c/F.1".to_owned()]));
}

#[test]
fn missing_evidence_is_an_error_and_missing_variable_a_failure() {
    let (status, _) = check("get = \"/x\"", "status = 200");
    assert_eq!(judged(&status, &Evidence::Nothing).verdict, CheckVerdict::Error);
    assert_eq!(judged(&status, &Evidence::Http(Vec::new())).verdict, CheckVerdict::Error);
    assert_eq!(judged(&status, &Evidence::Process(process(Some(0), "", ""))).verdict, CheckVerdict::Error);
    let (unrecorded, _) = check("on = \"M\"\nztna = \"x\"", "requests = [\"GET /x\"]");
    let blind = ProcessResult { requests: None, ..process(Some(0), "", "") };
    assert_eq!(judged(&unrecorded, &Evidence::Process(blind)).verdict, CheckVerdict::Error);
    let (kept, _) = check("get = \"/x\"", "json = { \"/a\" = \"${never}\" }");
    let outcome = judged(&kept, &http(200, &json!({"a": 1})));
    assert_eq!(outcome.verdict, CheckVerdict::Fail);
    assert!(outcome.message.contains("`${never}` has no value"), "{}", outcome.message);
}

#[test]
fn undocumented_fields_fail_only_with_strict() {
    let folder = tempfile::tempdir().unwrap();
    let (mut check, _) = check("get = \"/x\"", "snapshot = \"a\"");
    let registry = registry();
    let variables: BTreeMap<String, Value> = BTreeMap::new();
    let judged = |check: &Check, mode, strict, answer: &Value| {
        let snapshots = SnapshotSettings { folder: folder.path(), mode, strict, run_prefix: "" };
        let context = CheckContext {
            variables: &variables,
            registry: &registry,
            judges_ours: true,
            refusal: &RefusalPointers::default(),
            snapshots,
            secrets: &Secrets::default(),
        };
        evaluate(check, &http(200, answer), &context)
    };
    assert_eq!(judged(&check, SnapshotMode::Accept, false, &json!({"a": 1})).verdict, CheckVerdict::Pass);
    let noted = judged(&check, SnapshotMode::Compare, false, &json!({"a": 1, "b": 2}));
    assert_eq!(
        (noted.verdict, noted.notes),
        (CheckVerdict::Pass, vec!["undocumented field `/b`".to_owned()])
    );
    let strict = judged(&check, SnapshotMode::Compare, true, &json!({"a": 1, "b": 2}));
    assert_eq!(
        (strict.verdict, strict.message.as_str()),
        (CheckVerdict::Fail, "under --strict: undocumented field `/b`")
    );
    check = self::check("get = \"/x\"", "snapshot = \"a\", status = 500").0;
    let wrong = judged(&check, SnapshotMode::Compare, true, &json!({"a": 1, "b": 2}));
    assert_eq!(
        (wrong.verdict, wrong.message.as_str()),
        (CheckVerdict::Fail, "status: expected 500, got 200")
    );
}

#[test]
fn unmet_response_is_never_accepted_as_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let (check, _) = check("get = \"/x\"", "snapshot = \"a\", status = 201");
    let registry = registry();
    let variables: BTreeMap<String, Value> = BTreeMap::new();
    for mode in [SnapshotMode::Accept, SnapshotMode::New] {
        let snapshots = SnapshotSettings { folder: folder.path(), mode, strict: false, run_prefix: "" };
        let context = CheckContext {
            variables: &variables,
            registry: &registry,
            judges_ours: true,
            refusal: &RefusalPointers::default(),
            snapshots,
            secrets: &Secrets::default(),
        };
        let outcome = evaluate(&check, &http(500, &json!({})), &context);
        assert_eq!(outcome.verdict, CheckVerdict::Fail);
        assert!(outcome.message.starts_with("status: expected 201, got 500"), "{}", outcome.message);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
