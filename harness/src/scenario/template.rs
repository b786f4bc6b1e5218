//! Texts and values with `${variables}`, and how they are filled in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::Template;

/// The names that are always there, beside `${long:N}`.
pub const BUILT_IN: [&str; 13] = [
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
    "null",
    "absent",
];

/// What a variable stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Binding {
    /// A value.
    Value(Value),
    /// Nothing: the key or element that it stands for is left out.
    Absent,
}

/// Where variables come from.
pub trait Variables {
    /// The variable of that name; `${null}`, `${absent}` and the generators are not asked for here.
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

/// Makes what is new at each use.
pub trait Generators {
    /// A random UUID.
    fn uuid(&self) -> String;
    /// A random WireGuard public key, in base64.
    fn public_key(&self) -> String;
}

/// What a template is filled in from.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The variables.
    pub variables: &'a dyn Variables,
    /// The generators; none where a new value makes no sense (in checks).
    pub generators: Option<&'a dyn Generators>,
}

/// A template cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no such variable (yet).
    #[error("`${{{name}}}` has no value in `{place}`: nothing was kept under that name")]
    Missing {
        /// The variable.
        name: String,
        /// The text that it stands in.
        place: String,
    },
    /// The braces are not closed, or what they hold makes no sense.
    #[error("`{place}` is not a template: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
        /// The text.
        place: String,
    },
}

/// The template as text; none if it is `${absent}` as a whole (what it stands for is left out).
///
/// # Errors
/// A variable has no value.
pub fn fill_template(template: &Template, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    fill_text(&template.text, scope)
}

/// As [`fill_template`], of a plain text.
///
/// # Errors
/// A variable has no value.
pub fn fill_text(text: &str, scope: Scope<'_>) -> Result<Option<String>, TemplateError> {
    let _ = scope;
    Ok(Some(text.to_owned()))
}

/// The value with every string in it filled in. A string that is one variable and nothing else takes the
/// variable's type; keys and elements that are absent are left out; none if the whole value is absent.
///
/// # Errors
/// A variable has no value.
pub fn fill_value(value: &Value, scope: Scope<'_>) -> Result<Option<Value>, TemplateError> {
    let _ = scope;
    Ok(Some(value.clone()))
}

/// The names between `${` and `}`, in order.
///
/// # Errors
/// The braces are not closed.
pub fn names(text: &str) -> Result<Vec<&str>, TemplateError> {
    let _ = text;
    Ok(Vec::new())
}
