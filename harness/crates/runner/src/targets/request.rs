//! Builds requests of the people in a profile.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::exchange::{ExchangeError, PreparedRequest, joined};

/// Builds a request with a session, and with a JSON body if there is one.
///
/// # Errors
/// The token has characters that are invalid in a header.
pub(super) fn authorised(
    base_url: &Url,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<PreparedRequest, ExchangeError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        ExchangeError::Request("the token has characters that are invalid in a header".to_owned())
    })?;
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let url = joined(base_url, path);
    Ok(PreparedRequest { method, url, headers, body: body.map(Value::to_string), from: None })
}
