//! JSON requests to the target outside of scenarios: logins, approvals, the clock and the reset hook.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::pointers::Pointers;
use crate::exchange::{Caller, ClientSettings, ExchangeError, PreparedRequest, send};

/// Why a request failed. The messages contain no secrets.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the token has characters that are invalid in a header")]
    InvalidToken,
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    #[error("POST {url} returned {status}{}", code.as_deref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused { url: Url, status: u16, code: Option<String> },
    #[error(
        "the response of POST {url} has no token at {pointer}\nset pointers.access_token to its location"
    )]
    NoToken { url: Url, pointer: String },
}

/// Posts JSON and returns the JSON of a 2xx response, or null if it has none.
///
/// # Errors
/// No complete response arrived, or it was no 2xx response.
pub async fn post_json(
    settings: &ClientSettings,
    url: Url,
    bearer: Option<&str>,
    body: &Value,
) -> Result<Value, PostError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(bearer) = bearer {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {bearer}")).map_err(|_| PostError::InvalidToken)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let request = PreparedRequest {
        method: reqwest::Method::POST,
        url: url.clone(),
        headers,
        body: Some(body.to_string()),
        from: None,
    };
    let caller = Caller::new(settings, None)?;
    let exchange = send(&caller, &request).await?;
    if (200..300).contains(&exchange.status) {
        return Ok(exchange.json().cloned().unwrap_or_default());
    }
    let code = exchange.refusal_code().map(str::to_owned);
    Err(PostError::Refused { url, status: exchange.status, code })
}

/// Logs in with a password and returns the session token.
pub(super) async fn log_in(
    settings: &ClientSettings,
    url: Url,
    email: &str,
    password: &str,
    pointers: &Pointers,
) -> Result<String, PostError> {
    let body = serde_json::json!({ "email": email, "password": password });
    let response = post_json(settings, url.clone(), None, &body).await?;
    let configured = pointers.access_token.as_deref();
    let defaults = ["/data/access_token", "/access_token"];
    let token = configured.into_iter().chain(defaults).find_map(|place| response.pointer(place));
    token.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| PostError::NoToken {
        url,
        pointer: configured.unwrap_or("/data/access_token").to_owned(),
    })
}
