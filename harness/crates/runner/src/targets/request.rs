//! Builds requests to the target outside of scenarios.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::exchange::{ExchangeError, PreparedRequest};
use harness_model::number::json_text;

/// Builds a request, with a session and with a JSON body if there are any.
///
/// # Errors
/// The token has characters that are invalid in a header.
pub(super) fn json_request(
    token: Option<&str>,
    method: Method,
    url: Url,
    body: Option<&Value>,
) -> Result<PreparedRequest, ExchangeError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            ExchangeError::Request("the token has characters that are invalid in a header".to_owned())
        })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(PreparedRequest { method, url, headers, body: body.map(json_text), from: None })
}
