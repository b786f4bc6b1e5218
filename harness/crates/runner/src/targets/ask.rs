//! JSON requests to the target outside of scenarios: logins, approvals, the clock and the reset hook.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::pointers::Pointers;
use crate::exchange::{Caller, ClientSettings, PreparedRequest, send};

/// Posts JSON and returns the JSON of a 2xx response, or null if it has none.
///
/// # Errors
/// Describes the request and its failure, without secrets.
pub(super) async fn post(
    settings: &ClientSettings,
    url: Url,
    bearer: Option<&str>,
    body: &Value,
) -> Result<Value, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(bearer) = bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {bearer}"))
            .map_err(|_| "the token has characters that are invalid in a header".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let shown = url.clone();
    let request = PreparedRequest {
        method: reqwest::Method::POST,
        url,
        headers,
        body: Some(body.to_string()),
        from: None,
    };
    let caller = Caller::new(settings, None).map_err(|error| error.to_string())?;
    let exchange = send(&caller, &request).await.map_err(|error| error.to_string())?;
    if (200..300).contains(&exchange.status) {
        return Ok(exchange.json.unwrap_or_default());
    }
    let code = exchange.json.as_ref().and_then(|json| json.pointer("/error/code")).and_then(Value::as_str);
    Err(format!("POST {shown} returned {} {}", exchange.status, code.unwrap_or_default()).trim().to_owned())
}

/// Logs in with a password and returns the session token.
///
/// # Errors
/// Describes the request and its failure, without secrets.
pub(super) async fn log_in(
    settings: &ClientSettings,
    url: Url,
    email: &str,
    password: &str,
    pointers: &Pointers,
) -> Result<String, String> {
    let body = serde_json::json!({ "email": email, "password": password });
    let response = post(settings, url.clone(), None, &body).await?;
    let configured = pointers.access_token.as_deref();
    let defaults = ["/data/access_token", "/access_token"];
    let token = configured.into_iter().chain(defaults).find_map(|place| response.pointer(place));
    token.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        format!(
            "the response of POST {url} has no token at {}\nset pointers.access_token to its location",
            configured.unwrap_or("/data/access_token")
        )
    })
}
