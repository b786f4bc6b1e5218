//! The curl lines of the documents, run unchanged against a real `mock-server serve`; only host, token, organisation and
//! key are substituted. The lines themselves need `sh`, `curl` and `python3`.

mod curl_line;
mod shell;

use serde_json::{Value, json};

use curl_line::CurlLine;
use shell::Shell;

/// What the document says about the response of a line.
enum Expected {
    /// The JSON that it shows.
    Shown,
    /// A refusal with this code and message.
    Refused(&'static str, &'static str),
    /// A success whose data has these members.
    Data(Value),
    /// Rows, one of which has these members.
    Row(Value),
}

#[test]
#[ignore = "needs curl and python3"]
fn used_count() {
    let mut shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/used-count.txt"));
    assert_eq!(lines.len(), 6, "{lines:#?}");

    let created =
        check(&shell, &lines[0], &Expected::Data(json!({ "name": "usage-tracking-key", "reusable": true })));
    shell.substitute("KEY_ID_HERE", text(&created, "/data/id"));
    check(&shell, &lines[1], &Expected::Row(json!({ "used_count": 0 })));
    shell.register("Linux-C", text(&created, "/data/key"));
    check(&shell, &lines[2], &Expected::Row(json!({ "used_count": 1 })));
    shell.register("Linux-C", text(&created, "/data/key"));
    let rows =
        check(&shell, &lines[3], &Expected::Row(json!({ "used_count": 2, "name": "usage-tracking-key" })));
    assert_eq!(
        rows.pointer("/data/0").and_then(Value::as_object).map(serde_json::Map::len),
        Some(2),
        "{rows}"
    );

    let single =
        check(&shell, &lines[4], &Expected::Data(json!({ "name": "single-use-key", "reusable": false })));
    shell.register("Linux-C", text(&single, "/data/key"));
    let refused = shell.register("Linux-C", text(&single, "/data/key"));
    assert_eq!(refused["error"], json!({ "code": "KEY_USED", "message": "Auth key already used" }));
    check(&shell, &lines[5], &Expected::Row(json!({ "used_count": 1, "reusable": false })));
}

#[test]
#[ignore = "needs curl and python3"]
fn headless() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/headless.txt"));
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let key = shell.create_auth_key("test-headless-key");
    shell.register("Linux-C", text(&key, "/data/key"));
    check(&shell, &lines[0], &Expected::Row(json!({ "name": "test-headless-key", "used_count": 1 })));
}

#[test]
#[ignore = "needs curl and python3"]
fn issuing() {
    let mut shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/issuing.txt"));
    assert_eq!(lines.len(), 2, "{lines:#?}");

    let created = check(
        &shell,
        &lines[0],
        &Expected::Data(json!({ "name": "Q2 laptop fleet rollout", "reusable": true })),
    );
    shell.substitute("ak_9fX2kR", text(&created, "/data/id"));
    // This line sets no Content-Type, so curl sends its JSON as a form.
    assert!(!lines[1].command.contains("Content-Type"), "{}", lines[1].command);
    check(&shell, &lines[1], &Expected::Data(json!({})));
    let refused = shell.register("Linux-C", text(&created, "/data/key"));
    assert_eq!(refused["error"]["code"], "INVALID_KEY");
}

#[test]
#[ignore = "needs curl and python3"]
fn generate() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/generate.txt"));
    let expected = [
        Expected::Shown,
        Expected::Shown,
        Expected::Shown,
        Expected::Shown,
        Expected::Refused("MISSING_FIELDS", "name required"),
        Expected::Refused("INVALID_INPUT", "expiry_days must be an integer between 1 and 365"),
        Expected::Refused("FORBIDDEN", "Admin required"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        check(&shell, line, expected);
    }
}

#[test]
#[ignore = "needs curl and python3"]
fn api_key() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/api-key.txt"));
    let policy = "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)";
    let expected = [
        Expected::Shown,
        Expected::Shown,
        Expected::Shown,
        Expected::Shown,
        Expected::Row(json!({ "name": "ci-pipeline-key", "rate_limit_rpm": 300 })),
        Expected::Shown,
        Expected::Refused("INVALID_INPUT", policy),
        Expected::Data(json!({ "name": "max-expiry-key", "expiry_days": 90 })),
        Expected::Row(json!({ "name": "max-expiry-key", "revoked": false, "usage_count": 0 })),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        check(&shell, line, expected);
    }
}

/// Runs a line and compares its response with what the document says.
fn check(shell: &Shell, line: &CurlLine, expected: &Expected) -> Value {
    let actual = shell.run(&line.command);
    let place = format!("line {}: {}\nanswered {actual:#}", line.line, line.command);
    match expected {
        Expected::Shown => {
            let shown = line.answer.as_ref().unwrap_or_else(|| panic!("no answer is shown at {place}"));
            assert!(like(shown, &actual), "{place}\nthe document shows {shown:#}");
        }
        Expected::Refused(code, message) => {
            assert_eq!(
                actual,
                json!({ "success": false, "error": { "code": code, "message": message } }),
                "{place}"
            );
        }
        Expected::Data(members) => {
            assert_eq!(actual["success"], true, "{place}");
            assert!(has(&actual["data"], members), "{place}");
        }
        Expected::Row(members) => {
            let rows = actual["data"].as_array().unwrap_or_else(|| panic!("no rows: {place}"));
            assert!(rows.iter().any(|row| has(row, members)), "{place}\nno row has {members}");
        }
    }
    actual
}

/// Whether a response matches what a document shows; placeholders match any value of their kind.
fn like(shown: &Value, actual: &Value) -> bool {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => {
            shown.len() == actual.len()
                && shown.iter().all(|(name, value)| actual.get(name).is_some_and(|other| like(value, other)))
        }
        (Value::String(shown), Value::String(actual)) => like_text(shown, actual),
        _ => shown == actual,
    }
}

fn like_text(shown: &str, actual: &str) -> bool {
    let hex =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if shown == "<uuid>" {
        return actual.len() == 36 && hex(&actual.replace('-', ""), 32);
    }
    if let Some(prefix) = shown.strip_suffix("<64 hex chars>") {
        return actual.strip_prefix(prefix).is_some_and(|rest| hex(rest, 64));
    }
    if let Some(prefix) = shown.strip_suffix("xxxxxxxx...") {
        return actual
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix("..."))
            .is_some_and(|rest| hex(rest, 8));
    }
    shown == actual
}

fn has(object: &Value, members: &Value) -> bool {
    members
        .as_object()
        .is_some_and(|members| members.iter().all(|(name, value)| object.get(name) == Some(value)))
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}
