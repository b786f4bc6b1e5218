//! A body in either of the two formats that OAuth clients send.

use std::collections::HashMap;

use axum::extract::{FromRequest, Request};
use serde_json::Value;

use super::OAuthError;
use crate::api::body;

/// Text fields: of a form, or of a JSON object. Which it is, the first character tells, so that a client that sends
/// JSON without saying so is understood too.
pub struct Fields(HashMap<String, String>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let bytes = body::collect(request.into_body())
            .await
            .map_err(|_| invalid("the body is longer than 65536 bytes, or broke off"))?;
        Self::parse(&bytes)
    }
}

impl Fields {
    /// Reads a body; nothing at all is a form without fields.
    ///
    /// # Errors
    /// `invalid_request` for what begins as JSON and is no object of texts.
    pub fn parse(bytes: &[u8]) -> Result<Self, OAuthError> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(Self(form_urlencoded::parse(bytes).into_owned().collect()));
        }
        let object: HashMap<String, Value> =
            serde_json::from_slice(bytes).map_err(|_| invalid("the body is not valid JSON"))?;
        let fields = object.into_iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(invalid("every field must be a string")),
        });
        fields.collect::<Result<_, _>>().map(Self)
    }

    /// A field that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn invalid(error_description: &'static str) -> OAuthError {
    OAuthError { error: "invalid_request", error_description }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_and_neither() {
        for body in ["client_id=z%20a&x=", " {\"client_id\": \"z a\", \"x\": \"\"}"] {
            let Ok(fields) = Fields::parse(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(
                (fields.get("client_id"), fields.get("x"), fields.get("y")),
                (Some("z a"), None, None)
            );
        }
        assert!(Fields::parse(b"").is_ok_and(|fields| fields.get("client_id").is_none()));
        for body in ["{", "{\"a\": 1}", "{}x"] {
            assert_eq!(Fields::parse(body.as_bytes()).err().expect(body).error, "invalid_request");
        }
    }
}
