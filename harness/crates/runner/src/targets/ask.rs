//! Asks an endpoint for something with JSON in both directions: sessions, approvals, the clock.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::pointers::Pointers;
use crate::exchange::{Caller, ClientSettings, PreparedRequest, send};

/// Posts JSON and wants a 2xx; the answer's JSON, or null.
///
/// # Errors
/// A line without secrets: what was asked and what came.
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
            .map_err(|_| "the token has characters that no header may have".to_owned())?;
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
    Err(format!("POST {shown} answered {} {}", exchange.status, code.unwrap_or_default()).trim().to_owned())
}

/// Logs in with a password.
///
/// # Errors
/// A line without secrets: what was asked and what came.
pub(super) async fn log_in(
    settings: &ClientSettings,
    url: Url,
    email: &str,
    password: &str,
    pointers: &Pointers,
) -> Result<String, String> {
    let body = serde_json::json!({ "email": email, "password": password });
    let answer = post(settings, url.clone(), None, &body).await?;
    let named = pointers.access_token.as_deref();
    let usual = ["/data/access_token", "/access_token"];
    let token = named.into_iter().chain(usual).find_map(|place| answer.pointer(place));
    token.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        format!(
            "POST {url} answered without a token at {}; set pointers.access_token to where it is",
            named.unwrap_or("/data/access_token")
        )
    })
}
