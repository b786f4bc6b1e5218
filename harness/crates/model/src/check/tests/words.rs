//! The messages of failed checks, with the reason where the value alone does not show it.

use super::*;

#[test]
fn matcher_messages_explain_the_mismatch() {
    for (matcher, value, message) in [
        ("1", json!(2), "expected 1, got 2"),
        ("\"1\"", json!(1), "expected \"1\", got 1: it is a number"),
        ("1", json!("1"), "expected 1, got \"1\": it is a string"),
        ("true", json!("true"), "expected true, got \"true\": it is a string"),
        ("1", json!(1.5), "expected 1, got 1.5"),
        ("{ type = \"uuid\" }", json!("x"), "expected a UUID, got \"x\""),
        (
            "{ contains = 1 }",
            json!("a1"),
            "expected an array containing 1, got \"a1\": a string can only contain a string",
        ),
        (
            "{ contains = \"x\" }",
            json!(7),
            "expected a string or array containing `x`, got 7: it is neither a string nor an array",
        ),
        (
            "{ keys = [\"a\", \"b\"] }",
            json!({"a": 1, "c": 2}),
            "expected an object with exactly the keys a, b, got {\"a\":1,\"c\":2}: missing b; unexpected c",
        ),
        (
            "{ length = 1 }",
            json!({"a": 1, "b": 2}),
            "expected length 1, got {\"a\":1,\"b\":2}: its length is 2",
        ),
        ("{ length = 1 }", json!(7), "expected length 1, got 7: it has no length"),
        (
            "{ every = { \"/a\" = 1 } }",
            json!([{"a": 1}, {"a": 2}]),
            "expected an array in which every element has /a = 1, got [{\"a\":1},{\"a\":2}]: element 1: /a: expected 1, got 2",
        ),
        (
            "{ some = { \"/a\" = 1 } }",
            json!([{}]),
            "expected an array with an element that has /a = 1, got [{}]: /a: expected 1, got no value",
        ),
        (
            "{ lines = [\"a\", \"c\"] }",
            json!("c\na\nb"),
            "expected text with these lines in this order: ⏎ \"a\" ⏎ \"c\", got c ⏎ a ⏎ b: missing line after `a`: \"c\"",
        ),
    ] {
        let (check, _) = check("get = \"/x\"", &format!("json = {{ \"/v\" = {matcher} }}"));
        let outcome = judged(&check, &http(200, &json!({"v": value})));
        assert_eq!(outcome.message, format!("`/v`: {message}"), "{matcher}");
    }
    let (object, _) = check("get = \"/x\"", "json = { \"/v\" = { length = 2 } }");
    assert_eq!(judged(&object, &http(200, &json!({"v": {"a": 1, "b": 2}}))).verdict, CheckVerdict::Pass);
}

#[test]
fn wrong_exit_code_is_shown_with_standard_error() {
    let killed = ProcessResult { running: false, ..process(None, "", "") };
    let awaited = Some("waited 20s for a line with “started”".to_owned());
    let ended = ProcessResult { ended_by_kit: awaited, ..killed.clone() };
    for (process, message) in [
        (process(Some(1), "", ""), "1"),
        (process(Some(1), "", "boom\n"), "1; standard error: boom"),
        (process(None, "", ""), "none (still running)"),
        (killed, "none (terminated by a signal)"),
        (ended.clone(), "none (ended by the kit, which waited 20s for a line with “started”)"),
    ] {
        let outcome = judged(&check("on = \"M\"\nztna = \"x\"", "exit = 0").0, &Evidence::Process(process));
        assert_eq!(outcome.message, format!("exit code: expected 0, got {message}"));
    }
    let outcome = judged(&check("on = \"M\"\nztna = \"x\"", "running = true").0, &Evidence::Process(ended));
    assert_eq!(
        outcome.message,
        "process: expected running, got ended by the kit, which waited 20s for a line with “started”"
    );
}

#[test]
fn a_refusal_explains_why_there_is_no_value() {
    let (check, _) = check("get = \"/x\"", "json = { \"rows\" = { length = 0 } }");
    let refused = judged(&check, &http(400, &json!({"error": {"code": "INVALID_FILTER"}})));
    assert!(refused.message.ends_with("; the response was 400 INVALID_FILTER"), "{}", refused.message);
    let other = judged(&check, &http(200, &json!({"data": {}})));
    assert!(!other.message.contains("the response was"), "{}", other.message);
}

#[test]
fn stderr_starts_on_a_new_line_in_combined_output() {
    let (check, _) = check("on = \"M\"\nztna = \"x\"", "output = { equals = \"a\\nb\" }");
    for (stdout, stderr) in [("a\n", "b"), ("a", "b"), ("", "a\nb"), ("a\nb", "")] {
        let outcome = judged(&check, &Evidence::Process(process(Some(0), stdout, stderr)));
        // A newline is added after an unterminated line of standard output, even if standard error is empty.
        let expected = if stderr.is_empty() { CheckVerdict::Fail } else { CheckVerdict::Pass };
        assert_eq!(outcome.verdict, expected, "{stdout:?} {stderr:?}: {}", outcome.actual);
    }
}

#[test]
fn multi_line_text_is_shown_unchanged_with_a_line_diff() {
    let (check, _) = check("on = \"M\"\nztna = \"x\"", "stdout = { equals = \"a\\nb\\n\" }");
    let outcome = judged(&check, &Evidence::Process(process(Some(0), "a", "")));
    assert_eq!(outcome.expected, "standard output: a\nb");
    assert!(outcome.actual.contains("\n-b"), "{}", outcome.actual);
}
