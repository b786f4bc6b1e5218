//! Request bodies: a JSON object, regardless of the Content-Type.

use std::fmt;
use std::time::Duration;

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use futures::StreamExt;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::Error;
use crate::domain::Refusal;
use crate::domain::filter::excerpt;

/// The maximum length of a body in bytes.
pub const MAX_BODY_LEN: usize = 64 * 1024;

/// How much of a longer body is read before responding.
const MAX_DRAINED_LEN: usize = 4 * 1024 * 1024;

/// How long a client may take to send a body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A request read from a body.
pub struct Body<T>(pub T);

/// The fields of a body whose type depends on one of them.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub struct Fields(Map<String, Value>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        read(request.into_body()).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Self>, Error> {
        let bytes = collect(request.into_body()).await?;
        if bytes.is_empty() { Ok(None) } else { Ok(Some(Self(parse(&bytes)?))) }
    }
}

impl Fields {
    /// Interprets the fields as a request.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        from_fields(self.0.clone())
    }

    /// Refuses fields that are not among `known`; `verb` completes "cannot be".
    pub fn refuse_unknown(&self, known: &[&str], verb: &str) -> Result<(), Refusal> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Refusal::invalid(format!(
                "{} cannot be {verb}; valid fields: {}",
                excerpt(unknown),
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }
}

/// Reads a whole body as a request.
pub async fn read<T: DeserializeOwned>(body: axum::body::Body) -> Result<T, Error> {
    Ok(parse(&collect(body).await?)?)
}

/// Reads a whole body. Drains a body that is too long, within limits, because a client that is still sending would see a
/// connection reset instead of the response.
pub(super) async fn collect(body: axum::body::Body) -> Result<Vec<u8>, Refusal> {
    collect_within(body, READ_TIMEOUT).await
}

/// Converts the fields of a body to a request.
pub(super) fn from_fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Refusal::InvalidJson(format!("The body is not a valid request: {error}")))
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    match serde_json::from_slice(bytes) {
        Ok(UniqueFields(fields)) => from_fields(fields),
        Err(error) => Err(reason(bytes, &error)),
    }
}

/// Says why a body is no object of unique fields.
fn reason(bytes: &[u8], error: &serde_json::Error) -> Refusal {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(_)) => Refusal::InvalidJson(format!("The body is not a valid request: {error}")),
        Ok(_) => Refusal::InvalidJson("The body must be a JSON object".to_owned()),
        Err(error) => Refusal::InvalidJson(format!("The body is not valid JSON: {error}")),
    }
}

/// An object in which no field is given twice: readers differ in which of the two they use.
struct UniqueFields(Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Map::new()))
    }
}

impl<'de> Visitor<'de> for UniqueFields {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if self.0.contains_key(&name) {
                return Err(serde::de::Error::custom(format_args!("{} was given twice", excerpt(&name))));
            }
            self.0.insert(name, map.next_value()?);
        }
        Ok(self)
    }
}

async fn collect_within(body: axum::body::Body, limit: Duration) -> Result<Vec<u8>, Refusal> {
    let incomplete = || Refusal::InvalidJson(format!("The body was not received within {limit:?}"));
    timeout(limit, collect_all(body)).await.map_err(|_| incomplete())?
}

async fn collect_all(body: axum::body::Body) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::InvalidJson("The body is incomplete".to_owned()))?;
        length = length.saturating_add(chunk.len());
        if length <= MAX_BODY_LEN {
            bytes.extend_from_slice(&chunk);
        } else if length > MAX_DRAINED_LEN {
            break;
        }
    }
    if length > MAX_BODY_LEN { Err(Refusal::PayloadTooLarge { limit: MAX_BODY_LEN }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_accepted() {
        for bad in [
            "",
            "{",
            "[]",
            "7",
            "null",
            "\"x\"",
            "{\"a\":1}x",
            "\u{feff}{}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
        ] {
            assert!(matches!(parse::<Fields>(bad.as_bytes()), Err(Refusal::InvalidJson(_))), "{bad:?}");
        }
        assert!(matches!(parse::<Fields>(&[b'{', 0xff, b'}']), Err(Refusal::InvalidJson(_))));
        let deep = format!("{{\"a\":{}", "[".repeat(30_000));
        assert!(matches!(parse::<Fields>(deep.as_bytes()), Err(Refusal::InvalidJson(_))));
    }

    #[tokio::test]
    async fn a_stalled_body_is_refused() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{\"name\":")]);
        let stalled = axum::body::Body::from_stream(first.chain(futures::stream::pending()));
        let refused = collect_within(stalled, Duration::from_millis(5)).await;
        let message = "The body was not received within 5ms".to_owned();
        assert_eq!(refused, Err(Refusal::InvalidJson(message)));
    }

    #[tokio::test]
    async fn a_body_in_drops_is_refused() {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Some((Ok::<_, std::io::Error>(" "), ()))
        });
        let refused = collect_within(axum::body::Body::from_stream(drops), Duration::from_millis(50)).await;
        let message = "The body was not received within 50ms".to_owned();
        assert_eq!(refused, Err(Refusal::InvalidJson(message)));
    }

    #[test]
    fn unknown_fields_are_named() {
        let fields = parse::<Fields>(b"{\"a\":1,\"b\\n\":2}").unwrap();
        let refused = fields.refuse_unknown(&["a"], "set");
        assert_eq!(refused, Err(Refusal::invalid("b\u{fffd} cannot be set; valid fields: a")));
        assert_eq!(fields.refuse_unknown(&["a", "b\n"], "set"), Ok(()));
    }
}
