//! The curl lines of the documents, run as they stand against a real `mock-server serve`: only host, token,
//! organisation and key are put in. Needs `sh`, `curl` and `python3`, which the lines themselves use.

mod curl_line;
mod shell;

use serde_json::{Value, json};

use curl_line::CurlLine;
use shell::Shell;

/// What the prose around a line says of its answer, where the document shows no JSON for it.
enum Said {
    /// The JSON that the document shows.
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
        check(&shell, &lines[0], &Said::Data(json!({ "name": "usage-tracking-key", "reusable": true })));
    shell.put_in("KEY_ID_HERE", text(&created, "/data/id"));
    check(&shell, &lines[1], &Said::Row(json!({ "used_count": 0 })));
    shell.register("Linux-C", text(&created, "/data/key"));
    check(&shell, &lines[2], &Said::Row(json!({ "used_count": 1 })));
    shell.register("Linux-C", text(&created, "/data/key"));
    let rows = check(&shell, &lines[3], &Said::Row(json!({ "used_count": 2, "name": "usage-tracking-key" })));
    assert_eq!(
        rows.pointer("/data/0").and_then(Value::as_object).map(serde_json::Map::len),
        Some(2),
        "{rows}"
    );

    let single =
        check(&shell, &lines[4], &Said::Data(json!({ "name": "single-use-key", "reusable": false })));
    shell.register("Linux-C", text(&single, "/data/key"));
    let refused = shell.register("Linux-C", text(&single, "/data/key"));
    assert_eq!(refused["error"], json!({ "code": "KEY_USED", "message": "Auth key already used" }));
    check(&shell, &lines[5], &Said::Row(json!({ "used_count": 1, "reusable": false })));
}

#[test]
#[ignore = "needs curl and python3"]
fn headless() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/headless.txt"));
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let key = shell.create_auth_key("test-headless-key");
    shell.register("Linux-C", text(&key, "/data/key"));
    check(&shell, &lines[0], &Said::Row(json!({ "name": "test-headless-key", "used_count": 1 })));
}

#[test]
#[ignore = "needs curl and python3"]
fn issuing() {
    let mut shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/issuing.txt"));
    assert_eq!(lines.len(), 2, "{lines:#?}");

    let created =
        check(&shell, &lines[0], &Said::Data(json!({ "name": "Q2 laptop fleet rollout", "reusable": true })));
    shell.put_in("ak_9fX2kR", text(&created, "/data/id"));
    // This line sends no Content-Type of its own, so curl calls its JSON a form.
    assert!(!lines[1].command.contains("Content-Type"), "{}", lines[1].command);
    check(&shell, &lines[1], &Said::Data(json!({})));
    let refused = shell.register("Linux-C", text(&created, "/data/key"));
    assert_eq!(refused["error"]["code"], "INVALID_KEY");
}

#[test]
#[ignore = "needs curl and python3"]
fn generate() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/generate.txt"));
    let said = [
        Said::Shown,
        Said::Shown,
        Said::Shown,
        Said::Shown,
        Said::Refused("MISSING_FIELDS", "name required"),
        Said::Refused("INVALID_INPUT", "expiry_days must be an integer between 1 and 365"),
        Said::Refused("FORBIDDEN", "Admin required"),
    ];
    assert_eq!(lines.len(), said.len(), "{lines:#?}");
    for (line, said) in lines.iter().zip(&said) {
        check(&shell, line, said);
    }
}

#[test]
#[ignore = "needs curl and python3"]
fn api_key() {
    let shell = Shell::start();
    let lines = curl_line::of(include_str!("../../../../fixtures/documents/api-key.txt"));
    let policy = "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)";
    let said = [
        Said::Shown,
        Said::Shown,
        Said::Shown,
        Said::Shown,
        Said::Row(json!({ "name": "ci-pipeline-key", "rate_limit_rpm": 300 })),
        Said::Shown,
        Said::Refused("INVALID_INPUT", policy),
        Said::Data(json!({ "name": "max-expiry-key", "expiry_days": 90 })),
        Said::Row(json!({ "name": "max-expiry-key", "revoked": false, "usage_count": 0 })),
    ];
    assert_eq!(lines.len(), said.len(), "{lines:#?}");
    for (line, said) in lines.iter().zip(&said) {
        check(&shell, line, said);
    }
}

/// Runs a line and holds its answer against what the document says.
fn check(shell: &Shell, line: &CurlLine, said: &Said) -> Value {
    let actual = shell.run(&line.command);
    let place = format!("line {}: {}\nanswered {actual:#}", line.line, line.command);
    match said {
        Said::Shown => {
            let shown = line.answer.as_ref().unwrap_or_else(|| panic!("no answer is shown at {place}"));
            assert!(like(shown, &actual), "{place}\nthe document shows {shown:#}");
        }
        Said::Refused(code, message) => {
            assert_eq!(
                actual,
                json!({ "success": false, "error": { "code": code, "message": message } }),
                "{place}"
            );
        }
        Said::Data(members) => {
            assert_eq!(actual["success"], true, "{place}");
            assert!(has(&actual["data"], members), "{place}");
        }
        Said::Row(members) => {
            let rows = actual["data"].as_array().unwrap_or_else(|| panic!("no rows: {place}"));
            assert!(rows.iter().any(|row| has(row, members)), "{place}\nno row has {members}");
        }
    }
    actual
}

/// Whether an answer is what a document shows, its placeholders standing for any value of their kind.
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
