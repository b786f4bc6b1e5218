//! Expands `${variables}` in texts and JSON values.

mod error;
mod parse;
mod slice;
mod url;
mod variables;

use serde_json::{Map, Value};

use super::model::Template;
use crate::number;

pub use error::{LengthError, TemplateError, TemplateSyntaxError};
pub use parse::variable_names;
pub(super) use variables::long_len;
pub use variables::{BUILT_IN, Binding, Generators, Scope, Variables};

use parse::{Piece, Reference, pieces};

/// Expands a template. Returns `None` if the whole template is an absent variable.
pub fn fill_template(template: &Template, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    fill_text(&template.text, scope)
}

/// Like [`fill_template`], for plain text.
pub fn fill_text(text: &str, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    fill(text, scope, |value| value)
}

/// Like [`fill_text`], for a regular expression: the values of variables are escaped.
pub fn fill_pattern(pattern: &str, scope: Scope<'_>) -> Result<String, TemplateError> {
    Ok(fill(pattern, scope, |value| regex::escape(&value))?.unwrap_or_default())
}

/// Like [`fill_text`], for a path with a query: in the value of a parameter the values of variables are encoded. Elsewhere
/// they may be paths and queries themselves.
pub fn fill_path(template: &Template, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    let mut place = url::Place::default();
    fill_pieces(&template.text, scope, |piece| match piece {
        Filled::Text(text) => {
            place.follow(&text);
            text
        }
        Filled::Variable(value) => place.written(value),
    })
}

/// Expands every string in a value. A string that consists of one variable takes the variable's type; absent keys
/// and elements are omitted. Returns `None` if the whole value is absent.
pub fn fill_value(value: &Value, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    match value {
        Value::String(text) => match pieces(text)?.as_slice() {
            [Piece::Variable(reference)] => lookup(*reference, text, scope),
            _ => Ok(fill_text(text, scope)?.map(Value::String)),
        },
        Value::Array(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                filled.extend(fill_value(item, scope)?);
            }
            Ok(Some(Value::Array(filled)))
        }
        Value::Object(fields) => {
            let mut filled = Map::new();
            for (key, field) in fields {
                if let Some(field) = fill_value(field, scope)? {
                    filled.insert(key.clone(), field);
                }
            }
            Ok(Some(Value::Object(filled)))
        }
        other => Ok(Some(other.clone())),
    }
}

fn fill(
    template: &str,
    scope: Scope<'_>,
    transform: impl Fn(String) -> String,
) -> Result<Option<String>, TemplateError> {
    fill_pieces(template, scope, |piece| match piece {
        Filled::Text(text) => text,
        Filled::Variable(value) => transform(value),
    })
}

/// A piece of a template whose variable has been looked up.
enum Filled {
    Text(String),
    Variable(String),
}

fn fill_pieces(
    template: &str,
    scope: Scope<'_>,
    mut write: impl FnMut(Filled) -> String,
) -> Result<Option<String>, TemplateError> {
    let pieces = pieces(template)?;
    if let [Piece::Variable(reference)] = pieces.as_slice() {
        let value = lookup(*reference, template, scope)?;
        return Ok(value.map(|value| write(Filled::Variable(as_text(&value)))));
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(&write(Filled::Text(text.to_owned()))),
            Piece::Variable(reference) => {
                // Within a longer text, an absent variable expands to nothing.
                if let Some(value) = lookup(reference, template, scope)? {
                    filled.push_str(&write(Filled::Variable(as_text(&value))));
                }
            }
        }
    }
    Ok(Some(filled))
}

fn lookup(
    reference: Reference<'_>,
    template: &str,
    scope: Scope<'_>,
) -> Result<Option<Value>, TemplateError> {
    let value = lookup_whole(reference.name, template, scope)?;
    Ok(match (value, reference.form) {
        (Some(value), Some(form)) => Some(Value::String(form.of(&as_text(&value)))),
        (value, _) => value,
    })
}

fn lookup_whole(name: &str, template: &str, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    match (name, scope.generators) {
        ("null", _) => return Ok(Some(Value::Null)),
        ("absent", _) => return Ok(None),
        ("uuid", Some(generators)) => return Ok(Some(Value::String(generators.uuid()))),
        ("public_key", Some(generators)) => return Ok(Some(Value::String(generators.public_key()))),
        ("secret_hex", Some(generators)) => return Ok(Some(Value::String(generators.secret_hex()))),
        _ => {}
    }
    if let Some(length) = long_len(name) {
        let length = length.map_err(|cause| TemplateError::malformed(cause, template))?;
        return Ok(Some(Value::String("a".repeat(length))));
    }
    match scope.variables.get(name) {
        Some(Binding::Value(value)) => Ok(Some(value)),
        Some(Binding::Absent) => Ok(None),
        None => Err(TemplateError::missing(name, template)),
    }
}

/// Returns strings unchanged and other values as compact JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => number::plain_text(text).to_owned(),
        other => number::json_text(other),
    }
}

#[cfg(test)]
mod tests;
