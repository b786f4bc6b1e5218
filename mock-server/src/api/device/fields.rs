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
        once_each(pairs(bytes)?)
    };
    body::from_fields(fields)
}

/// RFC 6749, 3.2: parameters must not be included more than once, and unknown ones are ignored. A repeated one becomes an
/// array, which no known parameter accepts.
fn once_each(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in pairs {
        let value = match fields.remove(&name) {
            None => Value::String(value),
            Some(earlier) => Value::Array(vec![earlier, Value::String(value)]),
        };
        fields.insert(name, value);
    }
    fields
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
    }

    #[test]
    fn known_fields_are_given_once() {
        #[derive(Debug, serde::Deserialize)]
        struct Known {
            #[serde(rename = "a")]
            _a: String,
        }
        for body in ["a=1&a=2", "a=1&b=2&%61=1", "a=1&a=1&a=1"] {
            assert!(parse::<Known>(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse::<Known>(b"a=1&b=1&b=2&=1&=2").is_ok());
    }
}
