//! The connection from the proxy to the reference.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use harness_runner::exchange::{ClientSettings, ExchangeError, build, joined};
use reqwest::{Client, Url};

use crate::deviation::ProxyRequest;

/// Longer than the reference holds a long-polling request.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Hop-by-hop headers (RFC 9110, section 7.6.1), and those that the client sets itself.
const NOT_FORWARDED: [header::HeaderName; 4] =
    [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

#[derive(Debug, Clone)]
pub(super) struct Upstream {
    base_url: Url,
    /// One client for each peer, so that the reference sees the addresses that the proxy sees.
    clients: Arc<Mutex<HashMap<IpAddr, Client>>>,
}

pub(super) struct UpstreamResponse {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The reference could not be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error(transparent)]
    Client(#[from] ExchangeError),
    #[error("no response from the reference: {0}")]
    NoResponse(#[from] reqwest::Error),
}

impl Upstream {
    pub(super) fn new(base_url: Url) -> Self {
        Self { base_url, clients: Arc::default() }
    }

    /// The base URL without a slash at the end.
    pub(super) fn address(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }

    /// Sends a request from that address. Without a `body` the request's JSON is sent.
    pub(super) async fn send(
        &self,
        peer: IpAddr,
        request: &ProxyRequest,
        body: Option<Bytes>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let url = joined(&self.base_url, &request.path);
        let mut outgoing = self.client(peer)?.request(request.method.clone(), url);
        outgoing = outgoing.headers(request.headers.clone());
        if !request.query.is_empty() {
            outgoing = outgoing.query(&request.query);
        }
        if let Some(token) = &request.token {
            outgoing = outgoing.bearer_auth(token);
        }
        outgoing = match body {
            Some(body) => outgoing.body(body),
            None => outgoing.header(header::CONTENT_TYPE, "application/json").body(request.json.to_string()),
        };
        let response = outgoing.send().await?;
        let (status, headers) = (response.status().as_u16(), end_to_end(response.headers().clone()));
        let body = response.bytes().await?;
        Ok(UpstreamResponse { status, headers, body })
    }

    fn client(&self, peer: IpAddr) -> Result<Client, UpstreamError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&peer) {
            return Ok(client.clone());
        }
        let settings = ClientSettings::plain(self.base_url.clone(), CONNECT_TIMEOUT, TIMEOUT);
        let client = build(&settings, Some(peer))?;
        clients.insert(peer, client.clone());
        Ok(client)
    }
}

/// The headers that are passed on.
pub(super) fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
    headers
}
