//! Compares a response with an accepted snapshot by the fields of the snapshot.

use std::fmt;

use serde_json::Value;

/// The redacted content of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// The text is only compared if there is no JSON.
    Http {
        status: u16,
        json: Option<Value>,
        text: String,
    },
    Text(String),
}

/// The differences between a snapshot and a response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Parts of the snapshot that the response lacks.
    pub(super) differences: Vec<String>,
    /// Fields of the response that the snapshot lacks.
    pub(super) undocumented: Vec<String>,
}

const STATUS_PREFIX: &str = "HTTP ";

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Http { status, json: Some(json), .. } => format!("{STATUS_PREFIX}{status}\n{json:#}"),
            Self::Http { status, json: None, text } => format!("{STATUS_PREFIX}{status}\n{text}"),
            Self::Text(text) => text.clone(),
        };
        f.write_str(&trimmed(&text))
    }
}

/// Compares a response with the text of a snapshot. With `is_reflowed`, the width of table columns is ignored: it
/// depends on the names, whose run prefix has been removed.
pub(super) fn compare(accepted: &str, actual: &Content, is_reflowed: bool) -> Comparison {
    let mut comparison = Comparison::default();
    if let Content::Http { status, json: Some(json), .. } = actual
        && let Some((accepted_status, accepted_json)) = parse(accepted)
    {
        if accepted_status != *status {
            comparison.differences.push(format!("status: expected {accepted_status}, got {status}"));
        }
        compare_values("", &accepted_json, json, &mut comparison);
        return comparison;
    }
    let normalise = |text: &str| if is_reflowed { reflowed(text) } else { trimmed(text) };
    let (accepted, actual) = (normalise(accepted), normalise(&actual.to_string()));
    if accepted != actual {
        let mut lines = accepted.lines().zip(actual.lines()).zip(1..);
        let message = match lines.find(|((accepted, actual), _)| accepted != actual) {
            Some(((accepted, actual), line)) => format!("line {line}: expected `{accepted}`, got `{actual}`"),
            None => format!(
                "number of lines: expected {}, got {}",
                accepted.lines().count(),
                actual.lines().count()
            ),
        };
        comparison.differences.push(message);
    }
    comparison
}

fn parse(accepted: &str) -> Option<(u16, Value)> {
    let (status, json) = accepted.split_once('\n')?;
    Some((status.strip_prefix(STATUS_PREFIX)?.trim().parse().ok()?, serde_json::from_str(json).ok()?))
}

fn compare_values(at: &str, accepted: &Value, actual: &Value, comparison: &mut Comparison) {
    match (accepted, actual) {
        (Value::Object(accepted), Value::Object(actual)) => {
            for (key, value) in accepted {
                let at = format!("{at}/{}", escape(key));
                match actual.get(key) {
                    Some(found) => compare_values(&at, value, found, comparison),
                    None => comparison.differences.push(format!("`{at}`: missing")),
                }
            }
            let undocumented = actual.keys().filter(|key| !accepted.contains_key(*key));
            comparison.undocumented.extend(undocumented.map(|key| format!("`{at}/{}`", escape(key))));
        }
        (Value::Array(accepted), Value::Array(actual)) => {
            if accepted.len() != actual.len() {
                let message = format!("`{at}`: expected {} elements, got {}", accepted.len(), actual.len());
                comparison.differences.push(message);
                return;
            }
            for (index, (accepted, actual)) in accepted.iter().zip(actual).enumerate() {
                compare_values(&format!("{at}/{index}"), accepted, actual, comparison);
            }
        }
        (accepted, actual) if accepted == actual => {}
        (accepted, actual) => {
            comparison.differences.push(format!("`{at}`: expected {accepted}, got {actual}"));
        }
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Removes trailing spaces of lines and trailing empty lines.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Reduces every gap and every horizontal rule to a fixed width.
fn reflowed(text: &str) -> String {
    let mut reflowed = String::new();
    for line in trimmed(text).lines() {
        let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        let mut line = words.join("  ");
        for rule in ['-', '=', '─', '═'] {
            if !line.is_empty() && line.chars().all(|c| c == rule) {
                line = rule.to_string();
            }
        }
        reflowed.push_str(&line);
        reflowed.push('\n');
    }
    reflowed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn http(status: u16, json: Value) -> Content {
        Content::Http { status, text: json.to_string(), json: Some(json) }
    }

    #[test]
    fn accepted_fields_are_required_and_others_are_noted() {
        let accepted = http(201, json!({"success": true, "data": {"id": "[uuid]", "tags": ["a", "b"]}}));
        let text = accepted.to_string();
        for (actual, differences, undocumented) in [
            (accepted, vec![], vec![]),
            (
                http(
                    201,
                    json!({"data": {"tags": ["a", "b"], "id": "[uuid]", "new": 1}, "success": true, "x/y": 0}),
                ),
                vec![],
                vec!["`/data/new`", "`/x~1y`"],
            ),
            (
                http(200, json!({"success": true, "data": {"id": "[uuid]", "tags": ["a", "b"]}})),
                vec!["status: expected 201, got 200"],
                vec![],
            ),
            (
                http(201, json!({"success": "true", "data": {"id": "[uuid]", "tags": ["a", "b"]}})),
                vec!["`/success`: expected true, got \"true\""],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": {"tags": ["a"]}})),
                vec!["`/data/id`: missing", "`/data/tags`: expected 2 elements, got 1"],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": {"id": "[uuid]", "tags": ["b", "a"]}})),
                vec![
                    "`/data/tags/0`: expected \"a\", got \"b\"",
                    "`/data/tags/1`: expected \"b\", got \"a\"",
                ],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": null})),
                vec!["`/data`: expected {\"id\":\"[uuid]\",\"tags\":[\"a\",\"b\"]}, got null"],
                vec![],
            ),
        ] {
            let comparison = compare(&text, &actual, false);
            assert_eq!(comparison.differences, differences, "{actual}");
            assert_eq!(comparison.undocumented, undocumented, "{actual}");
        }
    }

    #[test]
    fn non_json_response_is_compared_as_text() {
        let html = Content::Http { status: 502, json: None, text: "<h1>Bad gateway</h1>".to_owned() };
        let accepted = http(201, json!({})).to_string();
        assert_eq!(
            compare(&accepted, &html, false).differences,
            ["line 1: expected `HTTP 201`, got `HTTP 502`"]
        );
        assert_eq!(compare(&html.to_string(), &html, false), Comparison::default());
    }

    #[test]
    fn column_widths_are_ignored_only_after_prefix_removal() {
        let accepted = "KEY   NAME\n──────────\na     single-use\n";
        let wider = Content::Text("KEY   NAME     \n───────────────\na     single-use     \n\n".to_owned());
        assert_eq!(compare(accepted, &wider, false).differences.len(), 1);
        assert!(compare(accepted, &wider, true).differences.is_empty());
        let other = Content::Text("KEY   NAME\n──────────\na     other\n".to_owned());
        assert!(!compare(accepted, &other, true).differences.is_empty());
        assert_eq!(
            compare(accepted, &Content::Text("KEY   NAME".to_owned()), false).differences,
            ["number of lines: expected 3, got 1"]
        );
    }
}
