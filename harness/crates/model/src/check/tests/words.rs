//! What a failure says: where the value alone does not tell, the reason.

use super::*;

#[test]
fn a_matcher_says_what_it_wanted_and_why_this_is_not_it() {
    for (matcher, value, message) in [
        ("1", json!(2), "should be 1, but is 2"),
        ("\"1\"", json!(1), "should be \"1\", but is 1: it is a number"),
        ("1", json!("1"), "should be 1, but is \"1\": it is text"),
        ("true", json!("true"), "should be true, but is \"true\": it is text"),
        ("1", json!(1.0), "should be 1, but is 1.0: one is a fraction, the other an integer"),
        ("{ type = \"uuid\" }", json!("x"), "should be a UUID, but is \"x\""),
        (
            "{ contains = 1 }",
            json!("a1"),
            "should be an array that contains 1, but is \"a1\": text contains only text",
        ),
        (
            "{ contains = \"x\" }",
            json!(7),
            "should be something that contains `x`, but is 7: it is neither text nor an array",
        ),
        (
            "{ keys = [\"a\", \"b\"] }",
            json!({"a": 1, "c": 2}),
            "should be an object with these keys and no other: a, b, but is {\"a\":1,\"c\":2}: it lacks b and it has c too",
        ),
        (
            "{ length = 1 }",
            json!({"a": 1, "b": 2}),
            "should be of length 1, but is {\"a\":1,\"b\":2}: its length is 2",
        ),
        ("{ length = 1 }", json!(7), "should be of length 1, but is 7: it has no length"),
        (
            "{ every = { \"/a\" = 1 } }",
            json!([{"a": 1}, {"a": 2}]),
            "should be an array whose every element has /a = 1, but is [{\"a\":1},{\"a\":2}]: element 1: /a should be 1, but is 2",
        ),
        (
            "{ some = { \"/a\" = 1 } }",
            json!([{}]),
            "should be an array with an element that has /a = 1, but is [{}]: /a should be 1, but is not there",
        ),
        (
            "{ lines = [\"a\", \"c\"] }",
            json!("c\na\nb"),
            "should be text with these lines in this order: ⏎ \"a\" ⏎ \"c\", but is c ⏎ a ⏎ b: after `a` there is no line that is \"c\"",
        ),
    ] {
        let (check, _) = check("get = \"/x\"", &format!("json = {{ \"/v\" = {matcher} }}"));
        let outcome = judged(&check, &http(200, &json!({"v": value})));
        assert_eq!(outcome.message, format!("`/v` {message}"), "{matcher}");
    }
    let (object, _) = check("get = \"/x\"", "json = { \"/v\" = { length = 2 } }");
    assert_eq!(judged(&object, &http(200, &json!({"v": {"a": 1, "b": 2}}))).verdict, CheckVerdict::Pass);
}

#[test]
fn an_exit_code_that_is_wrong_comes_with_what_the_program_said() {
    let killed = ProcessResult { running: false, ..process(None, "", "") };
    for (process, message) in [
        (process(Some(1), "", ""), "is 1"),
        (process(Some(1), "", "boom\n"), "is 1; standard error: boom"),
        (process(None, "", ""), "is none: it is still running"),
        (killed, "is none: it was ended by a signal"),
    ] {
        let outcome = judged(&check("on = \"M\"\nztna = \"x\"", "exit = 0").0, &Evidence::Process(process));
        assert_eq!(outcome.message, format!("the exit code should be 0, but {message}"));
    }
}

#[test]
fn the_two_outputs_meet_at_a_line_of_their_own() {
    let (check, _) = check("on = \"M\"\nztna = \"x\"", "output = { equals = \"a\\nb\" }");
    for (stdout, stderr) in [("a\n", "b"), ("a", "b"), ("", "a\nb"), ("a\nb", "")] {
        let outcome = judged(&check, &Evidence::Process(process(Some(0), stdout, stderr)));
        // With nothing on standard error, the line that standard output did not end is ended.
        let expected = if stderr.is_empty() { CheckVerdict::Fail } else { CheckVerdict::Pass };
        assert_eq!(outcome.verdict, expected, "{stdout:?} {stderr:?}: {}", outcome.actual);
    }
}

#[test]
fn text_of_several_lines_is_shown_as_it_stands_and_compared_line_by_line() {
    let (check, _) = check("on = \"M\"\nztna = \"x\"", "stdout = { equals = \"a\\nb\\n\" }");
    let outcome = judged(&check, &Evidence::Process(process(Some(0), "a", "")));
    assert_eq!(outcome.expected, "standard output: a\nb");
    assert!(outcome.actual.contains("\n-b"), "{}", outcome.actual);
}
