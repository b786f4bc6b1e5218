//! HTTP requests, and responses in the envelope `{"success", "data" | "error"}`.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Client, Method, Response, StatusCode, Upgraded, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::{ControlError, connection};
use crate::secret::Secret;

/// The largest response that is read; enough for a list of about ten thousand keys.
const MAX_RESPONSE_LEN: usize = 32 << 20;

/// HTTP access to one control plane; connects at the first request.
#[derive(Debug)]
pub(super) struct Http {
    server: Url,
    address: String,
    client: OnceLock<Client>,
}

/// A request body.
pub(super) enum Body<'a, T: ?Sized> {
    Empty,
    Json(&'a T),
    /// A form, as required by RFC 8628.
    Form(&'a [(&'a str, &'a str)]),
}

impl Http {
    pub(super) fn new(server: Url) -> Self {
        let address = server.as_str().trim_end_matches('/').to_owned();
        Self { server, address, client: OnceLock::new() }
    }

    pub(super) fn server(&self) -> &str {
        &self.address
    }

    pub(super) fn is_local(&self) -> bool {
        connection::is_loopback(&self.server)
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        bearer: &Secret,
    ) -> Result<T, ControlError> {
        self.request(Method::GET, path, query, Some(bearer), Body::<Value>::Empty, None).await
    }

    /// Sends a GET request that the control plane may hold for up to `wait`.
    pub(super) async fn get_long_poll<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        bearer: &Secret,
        wait: Duration,
    ) -> Result<T, ControlError> {
        let limit = Some(wait + connection::TIMEOUT);
        self.request(Method::GET, path, query, Some(bearer), Body::<Value>::Empty, limit).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&Secret>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, ControlError> {
        self.request(Method::POST, path, &[], bearer, Body::Json(body), None).await
    }

    pub(super) async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, ControlError> {
        self.request(Method::POST, path, &[], None, Body::<Value>::Form(form), None).await
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        bearer: Option<&Secret>,
        body: Body<'_, impl Serialize + ?Sized>,
        limit: Option<Duration>,
    ) -> Result<T, ControlError> {
        let (status, value) = self.send(method, path, query, bearer, body, limit).await?;
        // Lists may come without an envelope, and RFC 8628 responses never have one.
        let data = match value {
            Value::Object(mut envelope) if envelope.contains_key("success") => {
                envelope.remove("data").unwrap_or_default()
            }
            bare => bare,
        };
        serde_json::from_value(data).map_err(|error| self.unexpected(path, status, &error.to_string()))
    }

    /// Sends a request and returns status and JSON of a successful response.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        bearer: Option<&Secret>,
        body: Body<'_, impl Serialize + ?Sized>,
        limit: Option<Duration>,
    ) -> Result<(u16, Value), ControlError> {
        let mut request = self.client()?.request(method, self.url(path));
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(limit) = limit {
            request = request.timeout(limit);
        }
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer.expose());
        }
        request = match body {
            Body::Empty => request,
            Body::Json(value) => request.json(value),
            Body::Form(fields) => request.form(fields),
        };
        let response = request.send().await.map_err(|error| self.unreachable(&root_cause(&error)))?;
        tracing::debug!(path, status = response.status().as_u16(), "response received");
        self.read_response(path, response).await
    }

    /// Opens a WebSocket (RFC 6455, section 4.1).
    pub(super) async fn upgrade(&self, path: &str, bearer: &Secret) -> Result<Upgraded, ControlError> {
        let lost = |error: reqwest::Error| self.unreachable(&root_cause(&error));
        let key = generate_key();
        let request = connection::open_upgradable(&self.server).map_err(lost)?.get(self.url(path));
        let request = request
            .bearer_auth(bearer.expose())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let answer = tokio::time::timeout(connection::TIMEOUT, request.send()).await;
        let response = answer.map_err(|_| self.unreachable("timed out"))?.map_err(lost)?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            self.read_response(path, response).await?;
            return Err(self.unexpected(path, status.as_u16(), "expected a WebSocket upgrade"));
        }
        let expected = derive_accept_key(key.as_bytes());
        let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accept != Some(expected.as_bytes()) {
            return Err(self.unexpected(path, status.as_u16(), "wrong Sec-WebSocket-Accept header"));
        }
        response.upgrade().await.map_err(lost)
    }

    /// Sends a GET request and checks only the status.
    pub(super) async fn probe(&self, path: &str) -> Result<(), ControlError> {
        let lost = |error: reqwest::Error| self.unreachable(&root_cause(&error));
        let response = self.client()?.get(self.url(path)).send().await.map_err(lost)?;
        let status = response.status();
        // Reads the body to its end so that the connection can be reused.
        self.read_body(path, response).await?;
        match status.is_success() {
            true => Ok(()),
            false => Err(self.unexpected(path, status.as_u16(), "unhealthy")),
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.server.clone();
        url.set_path(&format!("{}{path}", self.server.path().trim_end_matches('/')));
        url
    }

    pub(super) fn unreachable(&self, cause: &str) -> ControlError {
        ControlError::Unreachable { server: self.address.clone(), cause: cause.to_owned() }
    }

    async fn read_response(&self, path: &str, response: Response) -> Result<(u16, Value), ControlError> {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let text = self.read_body(path, response).await?;
        let value: Result<Value, _> = serde_json::from_slice(&text);
        if status.is_success() {
            let value = value.map_err(|error| self.unexpected(path, status.as_u16(), &error.to_string()))?;
            return Ok((status.as_u16(), value));
        }
        match value.ok().as_ref().and_then(refusal) {
            Some((code, message)) => {
                Err(ControlError::Refused { status: status.as_u16(), code, message, retry_after })
            }
            None => Err(self.unexpected(path, status.as_u16(), "no error code")),
        }
    }

    async fn read_body(&self, path: &str, mut response: Response) -> Result<Vec<u8>, ControlError> {
        let status = response.status().as_u16();
        let mut text = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.unreachable(&root_cause(&error)))?
        {
            if text.len() + chunk.len() > MAX_RESPONSE_LEN {
                return Err(self.unexpected(path, status, "larger than 32 MiB"));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }

    fn unexpected(&self, path: &str, status: u16, cause: &str) -> ControlError {
        let (server, path, cause) = (self.address.clone(), path.to_owned(), cause.to_owned());
        ControlError::Unexpected { server, path, status, cause }
    }

    fn client(&self) -> Result<&Client, ControlError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = connection::open(&self.server).map_err(|error| self.unreachable(&root_cause(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Extracts code and message of a refusal: the envelope's, or those of RFC 6749, section 5.2.
fn refusal(answer: &Value) -> Option<(String, String)> {
    let error = answer.get("error")?;
    if let Some(code) = error.as_str() {
        let message = answer.get("error_description").and_then(Value::as_str).unwrap_or_default();
        return Some((code.to_owned(), message.to_owned()));
    }
    let text = |field| error.get(field).and_then(Value::as_str).map(str::to_owned);
    Some((text("code")?, text("message").unwrap_or_default()))
}

/// Returns the root cause: reqwest's own message repeats the address.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusals_are_read_in_both_formats() {
        for (answer, expected) in [
            (json!({"success": false, "error": {"code": "A", "message": "b"}}), Some(("A", "b"))),
            (json!({"error": {"code": "A"}}), Some(("A", ""))),
            (json!({"error": "slow_down"}), Some(("slow_down", ""))),
            (json!({"error": "x", "error_description": "y"}), Some(("x", "y"))),
            (json!({"error": {"message": "b"}}), None),
            (json!([]), None),
        ] {
            let expected =
                expected.map(|(code, message): (&str, &str)| (code.to_owned(), message.to_owned()));
            assert_eq!(refusal(&answer), expected, "{answer}");
        }
    }
}
