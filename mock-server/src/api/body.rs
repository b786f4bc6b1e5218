//! The body of a request: a JSON object, whatever Content-Type came with it.

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use super::Error;
use crate::domain::Refusal;

/// A body may be this many bytes long.
pub const LIMIT: usize = 64 * 1024;

/// The longest text a field takes where its own rule does not say less.
const LONGEST_TEXT: usize = 1024;

/// The fields of a request's body.
#[derive(Debug)]
pub struct Body(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        let bytes = axum::body::to_bytes(request.into_body(), LIMIT)
            .await
            .map_err(|_| Refusal::PayloadTooLarge { limit: LIMIT })?;
        Ok(Self::parse(&bytes)?)
    }
}

impl Body {
    /// Reads an object; anything else is [`Refusal::InvalidJson`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Refusal::InvalidJson("The body must be a JSON object".to_owned())),
            Err(error) => Err(Refusal::InvalidJson(format!("The body is not valid JSON: {error}"))),
        }
    }

    /// Whether the field is there, be it null.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// The names of the fields, as they came.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The field as it came; absent is `None`, null is a value.
    pub fn raw(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A text that must be there: absent, null and empty are [`Refusal::MissingField`].
    pub fn required(&self, field: &'static str) -> Result<String, Refusal> {
        self.text(field)?.filter(|text| !text.trim().is_empty()).ok_or(Refusal::MissingField(field))
    }

    /// A text without control characters; absent and null are `None`.
    pub fn text(&self, field: &'static str) -> Result<Option<String>, Refusal> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => plain(field, text).map(Some),
            Some(_) => Err(Refusal::invalid(format!("{field} must be a string"))),
        }
    }

    /// A boolean; absent and null are `false`.
    pub fn flag(&self, field: &'static str) -> Result<bool, Refusal> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Refusal::invalid(format!("{field} must be a boolean"))),
        }
    }

    /// A list of texts; absent and null are `None`.
    pub fn texts(&self, field: &'static str) -> Result<Option<Vec<String>>, Refusal> {
        let wrong = || Refusal::invalid(format!("{field} must be an array of strings"));
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| plain(field, item.as_str().ok_or_else(wrong)?))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong()),
        }
    }
}

fn plain(field: &str, text: &str) -> Result<String, Refusal> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::invalid(format!("{field} must not be longer than {LONGEST_TEXT} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!("{field} must not contain control characters")));
    }
    Ok(text.to_owned())
}
