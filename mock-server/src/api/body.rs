//! The body of a request: a JSON object, whatever Content-Type came with it.

use std::time::Duration;

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::Error;
use crate::domain::Refusal;

/// A body may be this many bytes long.
pub const LIMIT: usize = 64 * 1024;

/// Of a body that is too long, this much is read before the answer.
const DRAINED: usize = 4 * 1024 * 1024;

/// How long a body may pause: a client that went silent must not be waited for without end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest text a field takes where its own rule does not say less.
const LONGEST_TEXT: usize = 1024;

/// The fields of a request's body.
#[derive(Debug)]
pub struct Body(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        Self::read(request.into_body()).await
    }
}

impl<S: Send + Sync> OptionalFromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Self>, Error> {
        let bytes = collect(request.into_body()).await?;
        if bytes.is_empty() { Ok(None) } else { Ok(Some(Self::parse(&bytes)?)) }
    }
}

impl Body {
    /// Reads a request's body to its end.
    pub async fn read(body: axum::body::Body) -> Result<Self, Error> {
        Ok(Self::parse(&collect(body).await?)?)
    }

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

    /// Whether the field is there to be looked at: absent, null and empty texts are not.
    pub fn present(&self, field: &str) -> bool {
        match self.0.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        }
    }

    /// Accepts the body if the field is [present](Self::present), whatever it holds.
    pub fn require(&self, field: &'static str) -> Result<(), Refusal> {
        if self.present(field) { Ok(()) } else { Err(Refusal::MissingField(field)) }
    }

    /// A text that must be there: absent, null and empty are [`Refusal::MissingField`].
    pub fn required(&self, field: &'static str) -> Result<String, Refusal> {
        self.require(field)?;
        self.text(field)?.ok_or(Refusal::MissingField(field))
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

/// Reads to the end even what is too long (within reason): a client that is still sending would
/// otherwise see its connection reset instead of the answer.
pub(super) async fn collect(body: axum::body::Body) -> Result<Vec<u8>, Refusal> {
    collect_patiently(body, PATIENCE).await
}

async fn collect_patiently(body: axum::body::Body, patience: Duration) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    loop {
        let chunk = timeout(patience, chunks.next())
            .await
            .map_err(|_| Refusal::InvalidJson(format!("The body stopped coming for {patience:?}")))?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|_| Refusal::InvalidJson("The body broke off".to_owned()))?;
        length = length.saturating_add(chunk.len());
        if length <= LIMIT {
            bytes.extend_from_slice(&chunk);
        } else if length > DRAINED {
            break;
        }
    }
    if length > LIMIT { Err(Refusal::PayloadTooLarge { limit: LIMIT }) } else { Ok(bytes) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        Body::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_objects_are_bodies() {
        for bad in ["", "{", "[]", "7", "null", "\"x\"", "{\"a\":1}x", "\u{feff}{}", "{\"a\":\"\u{1}\"}"] {
            assert!(matches!(Body::parse(bad.as_bytes()), Err(Refusal::InvalidJson(_))), "{bad:?}");
        }
        assert!(matches!(Body::parse(&[b'{', 0xff, b'}']), Err(Refusal::InvalidJson(_))));
        let deep = "[".repeat(30_000);
        assert!(matches!(Body::parse(format!("{{\"a\":{deep}").as_bytes()), Err(Refusal::InvalidJson(_))));
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_not_waited_for() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{\"name\":")]);
        let silent = axum::body::Body::from_stream(first.chain(futures::stream::pending()));
        let refused = collect_patiently(silent, Duration::from_millis(5)).await;
        assert_eq!(refused, Err(Refusal::InvalidJson("The body stopped coming for 5ms".to_owned())));
    }

    #[test]
    fn absent_null_and_empty_are_missing() {
        for text in ["{}", "{\"name\":null}", "{\"name\":\"\"}", "{\"name\":\"  \"}"] {
            assert_eq!(body(text).required("name"), Err(Refusal::MissingField("name")), "{text}");
        }
        assert_eq!(body("{\"name\":\"x\"}").required("name"), Ok("x".to_owned()));
    }

    #[test]
    fn wrong_types_name_their_field() {
        let wrong = body(r#"{"t":1,"f":"true","l":"x","m":[1],"c":"a\u0000b"}"#);
        for refused in [
            wrong.text("t").err(),
            wrong.flag("f").err(),
            wrong.texts("l").err(),
            wrong.texts("m").err(),
            wrong.text("c").err(),
            body(&format!("{{\"n\":{:?}}}", "x".repeat(10_000))).text("n").err(),
        ] {
            assert!(matches!(refused, Some(Refusal::InvalidInput(_))), "{refused:?}");
        }
    }
}
