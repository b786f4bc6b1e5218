//! HTTP requests, and responses in the envelope `{"success", "data" | "error"}`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Client, Method, Response, StatusCode, Upgraded, Url};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use ztna_protocol::registration::IDEMPOTENCY_KEY;

use super::response::{Refusal, Success, decode, retry_after, root_cause, seconds_ahead};
use super::{ControlError, connection};
use crate::checked::shortened;
use crate::secret::Secret;

/// The largest list or network map that is read; enough for about ten thousand keys.
const MAX_LIST_LEN: usize = 32 << 20;

/// The largest other response that is read.
const MAX_RESPONSE_LEN: usize = 1 << 20;

/// Before the first response.
const UNKNOWN_SKEW: i64 = i64::MIN;

/// HTTP access to one control plane; connects at the first request.
#[derive(Debug)]
pub(super) struct Http {
    server: Url,
    address: String,
    client: OnceLock<Client>,
    /// By how many seconds this host's clock was ahead of the control plane's at the last response.
    seconds_ahead: AtomicI64,
}

pub(super) struct Request<'a, B: ?Sized> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) bearer: Option<&'a Secret>,
    pub(super) body: Body<'a, B>,
    /// Replaces the usual time limit.
    pub(super) limit: Option<Duration>,
    pub(super) max_len: usize,
    pub(super) idempotency_key: Option<&'a Secret>,
}

pub(super) enum Body<'a, T: ?Sized> {
    Empty,
    Json(&'a T),
    /// A form, as required by RFC 8628.
    Form(&'a [(&'a str, &'a str)]),
}

impl Http {
    pub(super) fn new(server: Url) -> Self {
        let address = server.as_str().trim_end_matches('/').to_owned();
        Self { server, address, client: OnceLock::new(), seconds_ahead: AtomicI64::new(UNKNOWN_SKEW) }
    }

    pub(super) fn server(&self) -> &str {
        &self.address
    }

    pub(super) fn seconds_ahead(&self) -> Option<i64> {
        Some(self.seconds_ahead.load(Ordering::Relaxed)).filter(|seconds| *seconds != UNKNOWN_SKEW)
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
        let request = Request { query, bearer: Some(bearer), max_len: MAX_LIST_LEN, ..Request::get(path) };
        self.request(request).await
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
        let bearer = Some(bearer);
        self.request(Request { query, bearer, limit, max_len: MAX_LIST_LEN, ..Request::get(path) }).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&Secret>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, ControlError> {
        self.request(Request::post(path, bearer, Body::Json(body))).await
    }

    pub(super) async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, ControlError> {
        self.request(Request::post(path, None, Body::<Value>::Form(form))).await
    }

    pub(super) async fn request<T: DeserializeOwned>(
        &self,
        request: Request<'_, impl Serialize + ?Sized>,
    ) -> Result<T, ControlError> {
        let path = request.path;
        let Success { status, body } = self.exchange(request).await?;
        decode(&body).map_err(|error| self.unexpected(path, status, &shortened(&error.to_string())))
    }

    /// Sends a request of which only the success matters.
    pub(super) async fn send(
        &self,
        request: Request<'_, impl Serialize + ?Sized>,
    ) -> Result<(), ControlError> {
        self.request(request).await.map(|_: IgnoredAny| ())
    }

    /// Sends a request and returns a successful response.
    async fn exchange(&self, request: Request<'_, impl Serialize + ?Sized>) -> Result<Success, ControlError> {
        let Request { method, path, query, bearer, body, limit, max_len, idempotency_key } = request;
        let mut builder = self.client()?.request(method, self.url(path));
        if !query.is_empty() {
            builder = builder.query(query);
        }
        if let Some(limit) = limit {
            builder = builder.timeout(limit);
        }
        if let Some(bearer) = bearer {
            builder = builder.bearer_auth(bearer.expose());
        }
        if let Some(key) = idempotency_key {
            builder = builder.header(IDEMPOTENCY_KEY, key.expose());
        }
        builder = match body {
            Body::Empty => builder,
            Body::Json(value) => builder.json(value),
            Body::Form(fields) => builder.form(fields),
        };
        let request = builder.build();
        let request = request.map_err(|error| ControlError::Unsendable { cause: root_cause(&error) })?;
        let response = self.client()?.execute(request).await;
        let response = response.map_err(|error| self.unreachable(&root_cause(&error)))?;
        tracing::debug!(path, status = response.status().as_u16(), "response received");
        self.read_response(path, response, max_len).await
    }

    /// Opens a WebSocket (RFC 6455, section 4.1).
    pub(super) async fn upgrade(&self, path: &str, bearer: &Secret) -> Result<Upgraded, ControlError> {
        let upgrade = self.upgrade_without_limit(path, bearer);
        tokio::time::timeout(connection::TIMEOUT, upgrade)
            .await
            .unwrap_or_else(|_| Err(self.unreachable("timed out")))
    }

    async fn upgrade_without_limit(&self, path: &str, bearer: &Secret) -> Result<Upgraded, ControlError> {
        let lost = |error: reqwest::Error| self.unreachable(&root_cause(&error));
        let key = generate_key();
        let request = connection::open_upgradable(&self.server).map_err(lost)?.get(self.url(path));
        let request = request
            .bearer_auth(bearer.expose())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            self.read_response(path, response, MAX_RESPONSE_LEN).await?;
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
        self.read_body(path, response, MAX_RESPONSE_LEN).await?;
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

    async fn read_response(
        &self,
        path: &str,
        response: Response,
        max_len: usize,
    ) -> Result<Success, ControlError> {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        if let Some(seconds) = seconds_ahead(response.headers(), time::OffsetDateTime::now_utc()) {
            self.seconds_ahead.store(seconds, Ordering::Relaxed);
        }
        let body = self.read_body(path, response, max_len).await?;
        if status.is_success() {
            return Ok(Success { status: status.as_u16(), body });
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match value.as_ref().and_then(Refusal::read) {
            Some(Refusal { code, message, in_envelope }) => Err(ControlError::Refused {
                status: status.as_u16(),
                code,
                message,
                retry_after,
                in_envelope,
            }),
            None => Err(self.unexpected(path, status.as_u16(), "no error code")),
        }
    }

    async fn read_body(
        &self,
        path: &str,
        mut response: Response,
        max_len: usize,
    ) -> Result<Vec<u8>, ControlError> {
        let status = response.status().as_u16();
        let mut text = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.unreachable(&root_cause(&error)))?
        {
            if text.len().saturating_add(chunk.len()) > max_len {
                return Err(self.unexpected(path, status, &format!("larger than {} MiB", max_len >> 20)));
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

impl<'a> Request<'a, Value> {
    fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path, None, Body::Empty)
    }
}

impl<'a, B: ?Sized> Request<'a, B> {
    pub(super) fn post(path: &'a str, bearer: Option<&'a Secret>, body: Body<'a, B>) -> Self {
        Self::new(Method::POST, path, bearer, body)
    }

    fn new(method: Method, path: &'a str, bearer: Option<&'a Secret>, body: Body<'a, B>) -> Self {
        let (limit, max_len, idempotency_key) = (None, MAX_RESPONSE_LEN, None);
        Self { method, path, query: &[], bearer, body, limit, max_len, idempotency_key }
    }
}
