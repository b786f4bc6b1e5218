//! Expands `${variables}` in texts and JSON values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::Template;
use super::slice;

/// The built-in variables, besides `${long:N}`.
pub const BUILT_IN: [&str; 14] = [
    "org",
    "other_org",
    "base_url",
    "run",
    "address",
    "token.admin",
    "token.owner",
    "token.member",
    "token.outsider",
    "uuid",
    "public_key",
    "secret_hex",
    "null",
    "absent",
];

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Binding {
    Value(Value),
    /// `${absent}`: the key or array element that contains it is omitted.
    Absent,
}

/// A source of variables.
pub trait Variables {
    /// Returns the value of a variable. Not called for `${null}`, `${absent}` and generated values.
    fn get(&self, name: &str) -> Option<Binding>;
}

impl Variables for BTreeMap<String, Binding> {
    fn get(&self, name: &str) -> Option<Binding> {
        BTreeMap::get(self, name).cloned()
    }
}

impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str) -> Option<Binding> {
        BTreeMap::get(self, name).cloned().map(Binding::Value)
    }
}

/// Generates the values that are new at each use.
pub trait Generators {
    /// Returns a random UUID.
    fn uuid(&self) -> String;
    /// Returns a random WireGuard public key in base64.
    fn public_key(&self) -> String;
    /// Returns 32 random bytes in lower-case hex, as after the prefix of a key.
    fn secret_hex(&self) -> String;
}

/// The variables available to a template.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub variables: &'a dyn Variables,
    /// `None` where a new value makes no sense, as in checks.
    pub generators: Option<&'a dyn Generators>,
}

/// A template that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The variable has no value (yet).
    #[error("cannot expand `{text}`: `${{{name}}}` has no value")]
    Missing {
        name: String,
        /// The template, shortened.
        text: String,
    },
    /// The template has a syntax error.
    #[error("invalid template `{text}`: {reason}")]
    Malformed { reason: String, text: String },
}

/// Expands a template. Returns `None` if the whole template is an absent variable.
///
/// # Errors
/// A variable has no value, or the template has a syntax error.
pub fn fill_template(template: &Template, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    fill_text(&template.text, scope)
}

/// Like [`fill_template`], for plain text.
///
/// # Errors
/// A variable has no value, or the template has a syntax error.
pub fn fill_text(text: &str, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    fill(text, scope, |value| value)
}

/// Like [`fill_text`], for a regular expression: the values of variables are escaped.
///
/// # Errors
/// A variable has no value, or the template has a syntax error.
pub fn fill_pattern(pattern: &str, scope: Scope<'_>) -> Result<String, TemplateError> {
    Ok(fill(pattern, scope, |value| regex::escape(&value))?.unwrap_or_default())
}

/// Expands every string in a value. A string that consists of one variable takes the variable's type; absent keys
/// and elements are omitted. Returns `None` if the whole value is absent.
///
/// # Errors
/// A variable has no value, or the template has a syntax error.
pub fn fill_value(value: &Value, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    match value {
        Value::String(text) => match pieces(text)?.as_slice() {
            [Piece::Variable(name)] => lookup(name, text, scope),
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

/// Returns the names of the variables in a template, in order. `$${` is an escaped `${`.
///
/// # Errors
/// The template has a syntax error.
pub fn names(text: &str) -> Result<Vec<&str>, TemplateError> {
    let names = pieces(text)?.into_iter().filter_map(|piece| match piece {
        Piece::Variable(inner) => Some(slice::split(inner).map_or(inner, |(name, _)| name)),
        Piece::Text(_) => None,
    });
    Ok(names.collect())
}

/// Returns the length of `${long:N}`, or `None` for other names.
pub fn long(name: &str) -> Option<Result<usize, String>> {
    let count = name.strip_prefix("long:")?;
    Some(match count.parse::<usize>() {
        Ok(count) if count <= MAX_LONG_LEN => Ok(count),
        _ => {
            Err(format!("invalid length `{count}` for `${{long:N}}`: expected a number up to {MAX_LONG_LEN}"))
        }
    })
}

/// The maximum length of `${long:N}`.
const MAX_LONG_LEN: usize = 10_000_000;

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let malformed = |reason: String| TemplateError::Malformed { reason, text: shortened(text) };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(before), Piece::Text("${")]);
            rest = after;
            continue;
        }
        let Some((name, after)) = after.split_once('}') else {
            return Err(malformed("missing closing `}`".to_owned()));
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
            return Err(malformed(format!("invalid variable name `{name}`")));
        }
        slice::split(name).map_err(malformed)?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Variable(name));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn fill(
    text: &str,
    scope: Scope<'_>,
    shape: impl Fn(String) -> String,
) -> Result<Option<String>, TemplateError> {
    let pieces = pieces(text)?;
    if let [Piece::Variable(name)] = pieces.as_slice() {
        return Ok(lookup(name, text, scope)?.map(|value| shape(as_text(&value))));
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => {
                // Within a longer text, an absent variable expands to nothing.
                if let Some(value) = lookup(name, text, scope)? {
                    filled.push_str(&shape(as_text(&value)));
                }
            }
        }
    }
    Ok(Some(filled))
}

fn lookup(inner: &str, template: &str, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    let malformed = |reason| TemplateError::Malformed { reason, text: shortened(template) };
    let (name, form) = slice::split(inner).map_err(malformed)?;
    let value = lookup_whole(name, template, scope)?;
    Ok(match (value, form) {
        (Some(value), Some(form)) => Some(Value::String(form.of(&as_text(&value)))),
        (value, _) => value,
    })
}

fn lookup_whole(name: &str, template: &str, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    let text = || shortened(template);
    match (name, scope.generators) {
        ("null", _) => return Ok(Some(Value::Null)),
        ("absent", _) => return Ok(None),
        ("uuid", Some(generators)) => return Ok(Some(Value::String(generators.uuid()))),
        ("public_key", Some(generators)) => return Ok(Some(Value::String(generators.public_key()))),
        ("secret_hex", Some(generators)) => return Ok(Some(Value::String(generators.secret_hex()))),
        _ => {}
    }
    if let Some(count) = long(name) {
        let count = count.map_err(|reason| TemplateError::Malformed { reason, text: text() })?;
        return Ok(Some(Value::String("a".repeat(count))));
    }
    match scope.variables.get(name) {
        Some(Binding::Value(value)) => Ok(Some(value)),
        Some(Binding::Absent) => Ok(None),
        None => Err(TemplateError::Missing { name: name.to_owned(), text: text() }),
    }
}

/// Returns strings unchanged and other values as compact JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(79).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    struct Fixed;

    impl Generators for Fixed {
        fn uuid(&self) -> String {
            "a-uuid".to_owned()
        }
        fn public_key(&self) -> String {
            "a-key".to_owned()
        }
        fn secret_hex(&self) -> String {
            "00ff".to_owned()
        }
    }

    fn variables() -> BTreeMap<String, Binding> {
        BTreeMap::from([
            ("org".to_owned(), Binding::Value(json!("org_1"))),
            ("days".to_owned(), Binding::Value(json!(1.5))),
            ("list".to_owned(), Binding::Value(json!(["a"]))),
            ("gone".to_owned(), Binding::Absent),
        ])
    }

    #[test]
    fn single_variable_keeps_its_type_and_absent_values_are_omitted() {
        let variables = variables();
        let scope = Scope { variables: &variables, generators: Some(&Fixed) };
        for (value, expected) in [
            (json!("${days}"), Some(json!(1.5))),
            (json!("${days} days"), Some(json!("1.5 days"))),
            (json!("x${list}"), Some(json!("x[\"a\"]"))),
            (json!("${null}"), Some(json!(null))),
            (json!("${absent}"), None),
            (json!("${gone}"), None),
            (json!("x${gone}y"), Some(json!("xy"))),
            (json!({"a": "${gone}", "b": ["${absent}", "${org}"]}), Some(json!({"b": ["org_1"]}))),
            (json!("${uuid}/${public_key}/${secret_hex}"), Some(json!("a-uuid/a-key/00ff"))),
            (json!("${org:upper}"), Some(json!("ORG_1"))),
            (json!("${long:3}"), Some(json!("aaa"))),
            (json!("$${org} costs $5"), Some(json!("${org} costs $5"))),
            (json!(7), Some(json!(7))),
        ] {
            assert_eq!(fill_value(&value, scope).unwrap(), expected, "{value}");
        }
        assert_eq!(fill_text("${gone}", scope).unwrap(), None);
        assert_eq!(fill_text("${days}", scope).unwrap().as_deref(), Some("1.5"));
    }

    #[test]
    fn errors_name_the_variable_and_the_template() {
        let variables = variables();
        let scope = Scope { variables: &variables, generators: None };
        let message = |text| fill_text(text, scope).unwrap_err().to_string();
        assert_eq!(message("id=${id}"), "cannot expand `id=${id}`: `${id}` has no value");
        assert!(message("${uuid}").contains("`${uuid}` has no value"));
        assert!(message("a ${b").contains("missing closing `}`"));
        assert!(message("${a b}").contains("invalid variable name `a b`"));
        assert!(message("${long:x}").contains("invalid length `x`"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_does_not_panic(text in r"[$\{\}a-z:é ]{0,40}") {
            let variables = variables();
            let _ = fill_text(&text, Scope { variables: &variables, generators: Some(&Fixed) });
            let _ = names(&text);
        }

        #[test]
        fn text_without_variables_is_unchanged(text in r"[^$]{0,40}") {
            let variables = variables();
            let scope = Scope { variables: &variables, generators: None };
            prop_assert_eq!(fill_text(&text, scope).unwrap(), Some(text.clone()));
            let quoted = format!("$${{{text}");
            prop_assert_eq!(fill_text(&quoted, scope).unwrap(), Some(format!("${{{text}")));
        }

        #[test]
        fn single_variable_expands_to_its_value(value in any::<Option<i64>>(), word in "[a-z$ ]{0,9}") {
            for value in [json!(value), json!(word), json!({ "x": [word] })] {
                let variables = BTreeMap::from([("v".to_owned(), value.clone())]);
                let scope = Scope { variables: &variables, generators: None };
                prop_assert_eq!(fill_value(&json!("${v}"), scope).unwrap(), Some(value));
            }
        }
    }
}
