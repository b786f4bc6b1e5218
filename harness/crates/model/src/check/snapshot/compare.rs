//! Compares a response with an accepted snapshot by the fields of the snapshot.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::redact::Redaction;
use crate::number;
use crate::secret::is_secret_name;
use crate::text::truncated;

/// The content of a response.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// Nothing is redacted yet. The text is only compared if there is no JSON.
    Http {
        status: u16,
        json: Option<&'a Value>,
        text: &'a str,
    },
    Text(&'a str),
    /// The text of a snapshot.
    Redacted(&'a str),
}

/// The differences between a snapshot and a response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Parts of the snapshot that the response lacks; of many the first.
    pub(super) differences: Vec<String>,
    /// Fields of the response that the snapshot lacks; of many the first.
    pub(super) undocumented: Vec<String>,
}

/// Differences and undocumented fields that are named.
const MAX_NAMED: usize = 50;
/// Values in an outline.
const MAX_OUTLINED: usize = 1000;
/// Bytes of a text that are compared.
const MAX_TEXT_LEN: usize = 256 * 1024;
/// Characters of a value in a difference.
const MAX_VALUE_LEN: usize = 500;

impl Comparison {
    fn differs(&mut self, difference: impl FnOnce() -> String) {
        if self.differences.len() < MAX_NAMED {
            self.differences.push(difference());
        }
    }
}

const STATUS_PREFIX: &str = "HTTP ";

impl Content<'_> {
    /// Returns the text of a snapshot of this content.
    pub(super) fn redacted(&self, redaction: &Redaction<'_>) -> String {
        let text = match self {
            Self::Http { status, json: Some(json), .. } => {
                format!("{STATUS_PREFIX}{status}\n{:#}", redaction.value(json))
            }
            Self::Http { status, json: None, text } => {
                format!("{STATUS_PREFIX}{status}\n{}", redaction.text(&beginning(text)))
            }
            Self::Text(text) => redaction.text(&beginning(text)),
            Self::Redacted(text) => return (*text).to_owned(),
        };
        trimmed(&text)
    }

    /// Does the same for a message, which needs no more than the beginning of a long list.
    pub(super) fn outline(&self, redaction: &Redaction<'_>) -> String {
        match self {
            Self::Http { status, json: Some(json), text } => {
                let pruned = pruned(json, &mut { MAX_OUTLINED });
                Content::Http { status: *status, json: Some(&pruned), text }.redacted(redaction)
            }
            _ => self.redacted(redaction),
        }
    }
}

/// Compares a response with the text of a snapshot. With `is_reflowed`, the width of table columns is ignored: it
/// depends on the names, whose run prefix has been removed.
pub(super) fn compare(
    accepted: &str,
    actual: &Content<'_>,
    is_reflowed: bool,
    redaction: &Redaction<'_>,
) -> Comparison {
    let mut comparison = Comparison::default();
    if let Content::Http { status, json: Some(json), .. } = actual
        && let Some((accepted_status, accepted_json)) = parse(accepted)
    {
        if accepted_status != *status {
            comparison.differs(|| format!("status: expected {accepted_status}, got {status}"));
        }
        compare_values(&Place::default(), &accepted_json, json, redaction, &mut comparison);
        return comparison;
    }
    let normalise = |text: &str| if is_reflowed { reflowed(text) } else { trimmed(text) };
    let (accepted, actual) = (normalise(accepted), normalise(&actual.redacted(redaction)));
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
    Some((status.strip_prefix(STATUS_PREFIX)?.trim().parse().ok()?, number::parse(json).ok()?))
}

/// Where a value is.
#[derive(Debug, Default)]
struct Place {
    pointer: String,
    /// Whether the value is a secret by its name.
    is_secret: bool,
}

impl Place {
    fn below(&self, key: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escape(key)), is_secret: is_secret_name(key) }
    }
}

/// Compares what the snapshot has. Only that is redacted: a response may have any number of further fields.
fn compare_values(
    at: &Place,
    accepted: &Value,
    actual: &Value,
    redaction: &Redaction<'_>,
    comparison: &mut Comparison,
) {
    match (accepted, actual) {
        (Value::Object(accepted), Value::Object(actual)) => {
            for (key, value) in accepted {
                let at = at.below(key);
                match actual.get(key) {
                    Some(found) => compare_values(&at, value, found, redaction, comparison),
                    None => comparison.differs(|| format!("`{}`: missing", at.pointer)),
                }
            }
            let room = MAX_NAMED.saturating_sub(comparison.undocumented.len());
            let undocumented = actual.keys().filter(|key| !accepted.contains_key(*key)).take(room);
            comparison.undocumented.extend(undocumented.map(|key| format!("`{}`", at.below(key).pointer)));
        }
        (Value::Array(accepted), Value::Array(actual)) => {
            let (wanted, found) = (accepted.len(), actual.len());
            if wanted != found {
                comparison.differs(|| format!("`{}`: expected {wanted} elements, got {found}", at.pointer));
                return;
            }
            for (index, (accepted, actual)) in accepted.iter().zip(actual).enumerate() {
                compare_values(&at.below(&index.to_string()), accepted, actual, redaction, comparison);
            }
        }
        (accepted, actual) => {
            let actual = redaction.field(&pruned(actual, &mut { MAX_OUTLINED }), at.is_secret);
            if !number::equal(accepted, &actual) {
                let shown = |value: &Value| truncated(&number::json_text(value), MAX_VALUE_LEN).into_owned();
                comparison.differs(|| {
                    format!("`{}`: expected {}, got {}", at.pointer, shown(accepted), shown(&actual))
                });
            }
        }
    }
}

/// Returns the value without what goes beyond so many values in all.
fn pruned(value: &Value, left: &mut usize) -> Value {
    *left = left.saturating_sub(1);
    match value {
        Value::Array(items) => {
            let mut kept = Vec::new();
            for item in items {
                if *left == 0 {
                    kept.push(Value::String(format!("… {} elements more", items.len() - kept.len())));
                    break;
                }
                kept.push(pruned(item, left));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, field) in fields {
                if *left == 0 {
                    kept.insert("…".to_owned(), format!("{} fields more", fields.len() - kept.len()).into());
                    break;
                }
                kept.insert(key.clone(), pruned(field, left));
            }
            Value::Object(kept)
        }
        Value::String(text) => Value::String(beginning(text).into_owned()),
        other => other.clone(),
    }
}

/// Returns what is compared of a text. A snapshot is never that long, so the rest cannot make a difference go away.
fn beginning(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT_LEN {
        return Cow::Borrowed(text);
    }
    let end = (0..=MAX_TEXT_LEN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let kept = text.get(..end).unwrap_or_default();
    Cow::Owned(format!("{kept}\n… {} bytes more", text.len() - end))
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
    use crate::secret::Secrets;

    fn compare(accepted: &str, actual: &Content<'_>, is_reflowed: bool) -> Comparison {
        let secrets = Secrets::default();
        super::compare(accepted, actual, is_reflowed, &Redaction::new(&[], &secrets))
    }

    fn http(status: u16, json: &Value) -> Content<'_> {
        Content::Http { status, text: "", json: Some(json) }
    }

    fn text_of(content: &Content<'_>) -> String {
        let secrets = Secrets::default();
        content.redacted(&Redaction::new(&[], &secrets))
    }

    #[test]
    fn accepted_fields_are_required_and_others_are_noted() {
        let accepted = json!({"success": true, "data": {"id": "[uuid]", "tags": ["a", "b"]}});
        let text = text_of(&http(201, &accepted));
        for (status, actual, differences, undocumented) in [
            (201, accepted, vec![], vec![]),
            (
                201,
                json!({"data": {"tags": ["a", "b"], "id": "[uuid]", "new": 1}, "success": true, "x/y": 0}),
                vec![],
                vec!["`/data/new`", "`/x~1y`"],
            ),
            (
                200,
                json!({"success": true, "data": {"id": "[uuid]", "tags": ["a", "b"]}}),
                vec!["status: expected 201, got 200"],
                vec![],
            ),
            (
                201,
                json!({"success": "true", "data": {"id": "[uuid]", "tags": ["a", "b"]}}),
                vec!["`/success`: expected true, got \"true\""],
                vec![],
            ),
            (
                201,
                json!({"success": true, "data": {"tags": ["a"]}}),
                vec!["`/data/id`: missing", "`/data/tags`: expected 2 elements, got 1"],
                vec![],
            ),
            (
                201,
                json!({"success": true, "data": {"id": "[uuid]", "tags": ["b", "a"]}}),
                vec![
                    "`/data/tags/0`: expected \"a\", got \"b\"",
                    "`/data/tags/1`: expected \"b\", got \"a\"",
                ],
                vec![],
            ),
            (
                201,
                json!({"success": true, "data": null}),
                vec!["`/data`: expected {\"id\":\"[uuid]\",\"tags\":[\"a\",\"b\"]}, got null"],
                vec![],
            ),
        ] {
            let comparison = compare(&text, &http(status, &actual), false);
            assert_eq!(comparison.differences, differences, "{actual}");
            assert_eq!(comparison.undocumented, undocumented, "{actual}");
        }
    }

    #[test]
    fn non_json_response_is_compared_as_text() {
        let html = Content::Http { status: 502, json: None, text: "<h1>Bad gateway</h1>" };
        let accepted = text_of(&http(201, &json!({})));
        assert_eq!(
            compare(&accepted, &html, false).differences,
            ["line 1: expected `HTTP 201`, got `HTTP 502`"]
        );
        assert_eq!(compare(&text_of(&html), &html, false), Comparison::default());
    }

    #[test]
    fn only_what_the_snapshot_has_is_compared() {
        let accepted = text_of(&http(200, &json!({"last": 9_007_199_254_740_993_u64})));
        let rows: Vec<Value> = (0..100_000).map(|row| json!({"id": row, "name": "n"})).collect();
        let begun = std::time::Instant::now();
        let actual = json!({"rows": rows, "last": 9_007_199_254_740_993_u64});
        assert_eq!(compare(&accepted, &http(200, &actual), false).undocumented, ["`/rows`"]);
        let other = json!({"rows": rows, "last": 9_007_199_254_740_992_u64});
        assert_eq!(compare(&accepted, &http(200, &other), false).differences.len(), 1);
        let accepted = text_of(&http(200, &json!({"rows": [], "last": 1})));
        let comparison = compare(&accepted, &http(200, &actual), false);
        assert_eq!(comparison.differences[0], "`/rows`: expected 0 elements, got 100000");
        let secrets = Secrets::default();
        let outline = http(200, &actual).outline(&Redaction::new(&[], &secrets));
        assert!(outline.len() < 100_000 && outline.contains("elements more"), "{}", outline.len());
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn column_widths_are_ignored_only_after_prefix_removal() {
        let accepted = "KEY   NAME\n──────────\na     single-use\n";
        let wider = Content::Text("KEY   NAME     \n───────────────\na     single-use     \n\n");
        assert_eq!(compare(accepted, &wider, false).differences.len(), 1);
        assert!(compare(accepted, &wider, true).differences.is_empty());
        let other = Content::Text("KEY   NAME\n──────────\na     other\n");
        assert!(!compare(accepted, &other, true).differences.is_empty());
        assert_eq!(
            compare(accepted, &Content::Text("KEY   NAME"), false).differences,
            ["number of lines: expected 3, got 1"]
        );
    }
}
