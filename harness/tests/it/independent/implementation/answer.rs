//! Responses, whose JSON is formatted unlike that of the reference.

use serde_json::{Map, Value, json};

use super::nature::Nature;
use crate::independent::choices::Choice;

/// Fields that no document names.
const UNDOCUMENTED: [&str; 13] = [
    "served_by",
    "warnings",
    "help",
    "retry",
    "expires",
    "made_by",
    "links",
    "rotates",
    "colour",
    "version",
    "labels",
    "kernel",
    "uptime",
];

pub(crate) struct Answer {
    pub(crate) status: u16,
    content: Content,
}

enum Content {
    Nothing,
    Json(Value),
    Page(&'static str),
    /// Lines for the agent or for a shell.
    Plain(String),
}

impl Answer {
    /// `{ data: …, success: true }` with additional fields.
    pub(super) fn data(status: u16, data: Value) -> Self {
        Self::json(status, json!({ "success": true, "data": data, "served_by": "north-2", "warnings": [] }))
    }

    /// JSON without an envelope.
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, content: Content::Json(value) }
    }

    pub(super) fn refusal(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "code": code, "message": message, "help": "https://north.example/errors", "retry": false });
        Self::json(status, json!({ "success": false, "error": error }))
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, content: Content::Nothing }
    }

    pub(super) fn plain(text: String) -> Self {
        Self { status: 200, content: Content::Plain(text) }
    }

    /// An HTML page, for unknown paths.
    pub(super) fn nothing_there() -> Self {
        Self { status: 404, content: Content::Page("<html><h1>Nothing there</h1></html>") }
    }

    /// The lines that the agent asked for instead of JSON: `name<TAB>value`, nested names joined by dots, and an empty line
    /// after each row.
    pub(super) fn in_lines(self) -> Self {
        let Content::Json(value) = &self.content else { return self };
        let mut lines = String::new();
        match value {
            Value::Array(rows) => rows.iter().for_each(|row| {
                flatten("", row, &mut lines);
                lines.push('\n');
            }),
            value => flatten("", value, &mut lines),
        }
        Self { status: self.status, content: Content::Plain(lines) }
    }

    /// The content type and the body, whose keys are in reverse order.
    pub(super) fn written(self, nature: &Nature) -> (&'static str, String) {
        let value = match self.content {
            Content::Nothing => return ("text/plain", String::new()),
            Content::Page(page) => return ("text/html", page.to_owned()),
            Content::Plain(text) => return ("text/plain", text),
            Content::Json(value) => value,
        };
        let value = match nature.chooses(Choice::OnlyDocumentedFields) {
            true => documented(value),
            false => value,
        };
        let is_problem = self.status >= 400 && nature.chooses(Choice::RefusalsAsProblems);
        let content_type = match is_problem {
            true => "application/problem+json",
            false => "application/json; charset=utf-8",
        };
        let value = match nature.chooses(Choice::RefusalsAtTheTop) {
            true => value.get("error").cloned().unwrap_or(value),
            false => value,
        };
        let value = match nature.chooses(Choice::NumbersHaveAPoint) {
            true => with_points(value),
            false => value,
        };
        let mut body = match nature.chooses(Choice::CompactJson) {
            true => value.to_string(),
            false => {
                let mut body = String::new();
                write(&backwards(value), 0, &mut body);
                body
            }
        };
        if nature.chooses(Choice::SlashesEscaped) {
            body = body.replace('/', "\\/");
        }
        (content_type, body)
    }
}

fn with_points(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, with_points(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_points).collect()),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        plain => plain,
    }
}

fn documented(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(name, _)| !UNDOCUMENTED.contains(&name.as_str()));
            Value::Object(known.map(|(name, value)| (name, documented(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(documented).collect()),
        plain => plain,
    }
}

fn flatten(name: &str, value: &Value, lines: &mut String) {
    let line = |text: &str| format!("{name}\t{text}\n");
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let inner = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&inner, value, lines);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| flatten(name, item, lines)),
        Value::String(text) => lines.push_str(&line(text)),
        plain => lines.push_str(&line(&plain.to_string())),
    }
}

fn backwards(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(one, _), (other, _)| other.cmp(one));
            Value::Object(
                fields.into_iter().map(|(key, value)| (key, backwards(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(backwards).collect()),
        plain => plain,
    }
}

/// `"key" : value`, tabs, every character beyond ASCII escaped.
fn write(value: &Value, depth: usize, text: &mut String) {
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"\t".repeat(depth));
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (position, (key, value)) in fields.iter().enumerate() {
                text.push(if position == 0 { '{' } else { ',' });
                line(text, depth + 1);
                text.push_str(&format!("{} : ", Value::String(key.clone())));
                write(value, depth + 1, text);
            }
            line(text, depth);
            text.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                text.push_str(if position == 0 { "[ " } else { ", " });
                write(item, depth, text);
            }
            text.push_str(" ]");
        }
        plain => {
            for character in plain.to_string().chars() {
                match character.is_ascii() {
                    true => text.push(character),
                    false => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                        text.push_str(&format!("\\u{unit:04x}"));
                    }),
                }
            }
        }
    }
}
