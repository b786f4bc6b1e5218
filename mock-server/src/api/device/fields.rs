//! Bodies in either of the two formats that OAuth clients send.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::OAuthError;
use crate::api::body;
use crate::api::pairs::pairs;
use crate::domain::Refusal;

/// A request read from a form or a JSON object. The first character decides on the format, so that clients that send JSON
/// without the right Content-Type are understood.
pub struct FormOrJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormOrJson<T> {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let bytes = body::collect(request.into_body()).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// Parses a body; an empty one is a form without fields.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let fields: Map<String, Value> = if bytes.trim_ascii_start().starts_with(b"{") {
        return body::parse(bytes);
    } else if !bytes.is_empty() && !bytes.contains(&b'=') {
        return Err(Refusal::InvalidJson("The body is neither a form nor a JSON object".to_owned()));
    } else {
        let mut fields = Map::new();
        for (name, value) in pairs(bytes)? {
            // A parameter must not be included more than once (RFC 6749, 3.2): as a list, it is no value of any field.
            let value = match fields.remove(&name) {
                None => value.into(),
                Some(first) => vec![first, value.into()].into(),
            };
            fields.insert(name, value);
        }
        fields
    };
    body::from_fields(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::body::Fields;

    #[test]
    fn forms_and_json_are_accepted() {
        for body in ["client_id=z%20a&x=", " {\"client_id\": \"z a\", \"x\": \"\"}"] {
            let fields: Map<String, Value> = parse(body.as_bytes()).unwrap();
            assert_eq!((&fields["client_id"], &fields["x"]), (&"z a".into(), &"".into()), "{body}");
        }
        assert!(parse::<Map<String, Value>>(b"").unwrap().is_empty());
        for body in ["{", "{}x", "null", "x", r#"{"a": 1, "a": 2}"#] {
            assert!(matches!(parse::<Fields>(body.as_bytes()), Err(Refusal::InvalidJson(_))), "{body}");
        }
        for body in ["a=%ff", "%e2%82=x"] {
            assert!(matches!(parse::<Fields>(body.as_bytes()), Err(Refusal::InvalidInput(_))), "{body}");
        }
        for body in ["a=1&a=2", "a=1&%61=1", "a=1&a=2&a=3"] {
            let fields: Map<String, Value> = parse(body.as_bytes()).unwrap();
            assert!(fields["a"].is_array(), "{body}");
        }
    }
}
