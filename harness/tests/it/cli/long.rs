//! Answers of any length are judged and reported in bounded time and space.

use std::path::Path;

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::cli::{copied, json};
use crate::run::Run;
use crate::small_target::SmallTarget;

/// Judges a creation that answers with this body by a snapshot, by the text, and by its lines.
fn judged(body: &str, content_type: &str) -> (Run, u64) {
    let scenarios = copied();
    let subtest = scenarios.path().join("probe/keys/ST1.toml");
    let text = std::fs::read_to_string(&subtest).unwrap().replace(
        "check = [\n  { verifies = \"keys/F.1\"",
        "check = [\n  { verifies = \"keys/F.1\", snapshot = \"made\" },\n  \
         { verifies = \"keys/F.1\", body = { equals = \"a\\nb\\nc\" } },\n  \
         { verifies = \"keys/F.1\", body = { lines = [{ matches = \"^x+$\" }, \"never\"] } },\n  \
         { verifies = \"keys/F.1\", json = { \"/data\" = { every = { \"/id\" = 1 } } } },\n  \
         { verifies = \"keys/F.1\"",
    );
    std::fs::write(&subtest, text).unwrap();
    std::fs::create_dir_all(subtest.with_extension("snap")).unwrap();
    let rows: Vec<_> = (0..14_000).map(|row| json!({ "id": row, "name": format!("y{row}") })).collect();
    let accepted = json!({ "success": true, "data": rows });
    let snapshot = format!("---\nsource: x\nexpression: made\n---\nHTTP 201\n{accepted:#}\n");
    std::fs::write(subtest.with_extension("snap").join("made.snap"), snapshot).unwrap();
    let target = SmallTarget::start(&[(
        "create",
        ResponseTemplate::new(201).set_body_raw(body.as_bytes(), content_type),
    )]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = target.command(scenarios.path(), folder.path());
    for (format, file) in [("html", "r.html"), ("markdown", "r.md"), ("tap", "r.tap")] {
        command.arg("--report").arg(format!("{format}={}", folder.path().join(file).display()));
    }
    let run = Run::of(command.args(["--filter", "keys/ST1", "-v"]), folder.path());
    (run, size(folder.path()))
}

fn size(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn long_answers_are_judged_within_the_time_limit() {
    let rows = |name: &str| -> Vec<_> {
        (0..14_000).map(|row| json!({ "id": row, "name": format!("{name}{row}") })).collect()
    };
    for (case, body, content_type) in [
        ("a long array", json!({ "success": true, "data": rows("x") }).to_string(), "application/json"),
        (
            "many fields",
            {
                let fields: serde_json::Map<_, _> =
                    (0..30_000).map(|n| (format!("field-{n}"), n.into())).collect();
                json!({ "success": true, "data": fields }).to_string()
            },
            "application/json",
        ),
        ("arrays in arrays", format!("{}1{}", "[".repeat(120), "]".repeat(120)), "application/json"),
        ("one long string", json!({ "data": "x".repeat(400_000) }).to_string(), "application/json"),
        ("one long line", "x".repeat(400_000), "text/plain"),
        ("many short lines", "x\n".repeat(200_000), "text/plain"),
        ("many different lines", (0..60_000).map(|n| format!("{n}\n")).collect(), "text/plain"),
        ("four megabytes", "\\u0078%78 &#120; ".repeat(4_000_000 / 17), "text/plain"),
    ] {
        let (run, size) = judged(&body, content_type);
        assert_eq!(run.code, 1, "{case}: {run}");
        assert!(run.checks("verdict").len() >= 8, "{case}: {run}");
        assert!(run.results["duration_ms"].as_u64().unwrap() < 30_000, "{case}: {:?}", run.took);
        assert!(size < 3_000_000, "{case}: {size} bytes of reports");
        assert!(run.stdout.len() < 60_000, "{case}: {} bytes printed", run.stdout.len());
    }
}

#[test]
fn what_the_kit_cannot_read_is_not_the_failure_of_the_target() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let encoded = |encoding: &str| json(201, "{}").insert_header("content-encoding", encoding);
    for (case, create) in [
        ("nested too deep", json(201, &deep)),
        ("is encoded with `br`", encoded("br")),
        ("is no whole gzip", encoded("gzip")),
    ] {
        let run = SmallTarget::start(&[("create", create)]).judge(&["--filter", "keys/ST1"]);
        assert_eq!(run.code, 3, "{case}: {run}");
        assert!(run.text.contains(case), "{case}: {run}");
    }
}
