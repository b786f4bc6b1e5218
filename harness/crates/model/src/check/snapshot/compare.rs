//! An answer against an accepted snapshot, by the fields that the snapshot has.

use std::fmt;

use serde_json::Value;

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Status and body; the text counts only where there is no JSON.
    Http { status: u16, json: Option<Value>, text: String },
    /// Text.
    Text(String),
}

/// How they differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// What was accepted and did not come.
    pub(super) differences: Vec<String>,
    /// Fields that came and are not in the snapshot.
    pub(super) surplus: Vec<String>,
}

const STATUS: &str = "HTTP ";

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Http { status, json: Some(json), .. } => format!("{STATUS}{status}\n{json:#}"),
            Self::Http { status, json: None, text } => format!("{STATUS}{status}\n{text}"),
            Self::Text(text) => text.clone(),
        };
        f.write_str(&normal(&text))
    }
}

/// Compares an answer with the text of a snapshot. Where names had a prefix that was removed, columns are as wide
/// as the names were: then only that there is space between them counts.
pub(super) fn compare(accepted: &str, came: &Content, is_reflowed: bool) -> Comparison {
    let mut comparison = Comparison::default();
    if let Content::Http { status, json: Some(json), .. } = came
        && let Some((accepted_status, accepted_json)) = parse(accepted)
    {
        if accepted_status != *status {
            comparison.differences.push(format!("the status was {accepted_status} and is {status}"));
        }
        values("", &accepted_json, json, &mut comparison);
        return comparison;
    }
    let shape = |text: &str| if is_reflowed { reflowed(text) } else { normal(text) };
    let (accepted, came) = (shape(accepted), shape(&came.to_string()));
    if accepted != came {
        let mut lines = accepted.lines().zip(came.lines()).zip(1..);
        let message = match lines.find(|((accepted, came), _)| accepted != came) {
            Some(((accepted, came), line)) => format!("line {line} was `{accepted}` and is `{came}`"),
            None => format!("it had {} lines and has {}", accepted.lines().count(), came.lines().count()),
        };
        comparison.differences.push(message);
    }
    comparison
}

fn parse(accepted: &str) -> Option<(u16, Value)> {
    let (status, json) = accepted.split_once('\n')?;
    Some((status.strip_prefix(STATUS)?.trim().parse().ok()?, serde_json::from_str(json).ok()?))
}

fn values(at: &str, accepted: &Value, came: &Value, comparison: &mut Comparison) {
    match (accepted, came) {
        (Value::Object(accepted), Value::Object(came)) => {
            for (key, value) in accepted {
                let at = format!("{at}/{}", escape(key));
                match came.get(key) {
                    Some(found) => values(&at, value, found, comparison),
                    None => comparison.differences.push(format!("`{at}` is missing")),
                }
            }
            let surplus = came.keys().filter(|key| !accepted.contains_key(*key));
            comparison.surplus.extend(surplus.map(|key| format!("`{at}/{}`", escape(key))));
        }
        (Value::Array(accepted), Value::Array(came)) => {
            if accepted.len() != came.len() {
                let message = format!("`{at}` had {} elements and has {}", accepted.len(), came.len());
                comparison.differences.push(message);
                return;
            }
            for (index, (accepted, came)) in accepted.iter().zip(came).enumerate() {
                values(&format!("{at}/{index}"), accepted, came, comparison);
            }
        }
        (accepted, came) if accepted == came => {}
        (accepted, came) => comparison.differences.push(format!("`{at}` was {accepted} and is {came}")),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Without what no one sees: spaces at the ends of lines, empty lines at the end.
fn normal(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// With one width for every gap and every rule.
fn reflowed(text: &str) -> String {
    let mut shaped = String::new();
    for line in normal(text).lines() {
        let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        let mut line = words.join("  ");
        for rule in ['-', '=', '─', '═'] {
            if !line.is_empty() && line.chars().all(|c| c == rule) {
                line = rule.to_string();
            }
        }
        shaped.push_str(&line);
        shaped.push('\n');
    }
    shaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn http(status: u16, json: Value) -> Content {
        Content::Http { status, text: json.to_string(), json: Some(json) }
    }

    #[test]
    fn what_was_accepted_must_come_and_more_is_noted() {
        let accepted = http(201, json!({"success": true, "data": {"id": "[uuid]", "tags": ["a", "b"]}}));
        let text = accepted.to_string();
        for (came, differences, surplus) in [
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
                vec!["the status was 201 and is 200"],
                vec![],
            ),
            (
                http(201, json!({"success": "true", "data": {"id": "[uuid]", "tags": ["a", "b"]}})),
                vec!["`/success` was true and is \"true\""],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": {"tags": ["a"]}})),
                vec!["`/data/id` is missing", "`/data/tags` had 2 elements and has 1"],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": {"id": "[uuid]", "tags": ["b", "a"]}})),
                vec!["`/data/tags/0` was \"a\" and is \"b\"", "`/data/tags/1` was \"b\" and is \"a\""],
                vec![],
            ),
            (
                http(201, json!({"success": true, "data": null})),
                vec!["`/data` was {\"id\":\"[uuid]\",\"tags\":[\"a\",\"b\"]} and is null"],
                vec![],
            ),
        ] {
            let comparison = compare(&text, &came, false);
            assert_eq!(comparison.differences, differences, "{came}");
            assert_eq!(comparison.surplus, surplus, "{came}");
        }
    }

    #[test]
    fn an_answer_that_is_no_json_is_compared_as_text() {
        let html = Content::Http { status: 502, json: None, text: "<h1>Bad gateway</h1>".to_owned() };
        let accepted = http(201, json!({})).to_string();
        assert_eq!(compare(&accepted, &html, false).differences, ["line 1 was `HTTP 201` and is `HTTP 502`"]);
        assert_eq!(compare(&html.to_string(), &html, false), Comparison::default());
    }

    #[test]
    fn columns_count_unless_names_were_shortened() {
        let accepted = "KEY   NAME\n──────────\na     single-use\n";
        let wider = Content::Text("KEY   NAME     \n───────────────\na     single-use     \n\n".to_owned());
        assert_eq!(compare(accepted, &wider, false).differences.len(), 1);
        assert!(compare(accepted, &wider, true).differences.is_empty());
        let other = Content::Text("KEY   NAME\n──────────\na     other\n".to_owned());
        assert!(!compare(accepted, &other, true).differences.is_empty());
        assert_eq!(
            compare(accepted, &Content::Text("KEY   NAME".to_owned()), false).differences,
            ["it had 3 lines and has 1"]
        );
    }
}
