//! Responses, whose JSON is formatted unlike that of the reference.

use serde_json::{Map, Value, json};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    /// `{ data: …, success: true }` with an additional field.
    pub(super) fn data(status: u16, data: Value) -> Self {
        Self::json(status, json!({ "success": true, "data": data, "served_by": "north-2", "warnings": [] }))
    }

    /// JSON without an envelope, with its keys in reverse order.
    pub(super) fn json(status: u16, value: Value) -> Self {
        let mut body = String::new();
        write(&backwards(value), 0, &mut body);
        Self { status, content_type: "application/json; charset=utf-8", body }
    }

    pub(super) fn refusal(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "code": code, "message": message, "help": "https://north.example/errors", "retry": false });
        Self::json(status, json!({ "success": false, "error": error }))
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: String::new() }
    }

    /// An HTML page, for unknown paths.
    pub(super) fn nothing_there() -> Self {
        Self {
            status: 404,
            content_type: "text/html",
            body: "<html><h1>Nothing there</h1></html>".to_owned(),
        }
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
