//! The way from the layer to the reference.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use reqwest::{Client, Url};

use harness_runner::exchange::{ClientSettings, build, joined};

use crate::deviation::Asked;

/// Longer than the reference holds a request that waits for news.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Headers that are about one connection stay on it.
const OF_ONE_CONNECTION: [header::HeaderName; 4] =
    [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// The reference behind a layer.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    base_url: Url,
    /// One a peer: the reference sees whom the layer sees.
    clients: Arc<Mutex<HashMap<IpAddr, Client>>>,
}

/// What the reference answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Origin {
    pub(super) fn new(base_url: Url) -> Self {
        Self { base_url, clients: Arc::default() }
    }

    /// Its address without a slash at the end.
    pub(super) fn address(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }

    /// Sends a request as that peer. `body` is sent as it is; none: the request's JSON.
    pub(super) async fn ask(
        &self,
        peer: IpAddr,
        asked: &Asked,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, String> {
        let client = self.client(peer)?;
        let mut request =
            client.request(asked.method.clone(), joined(&self.base_url, &asked.path)).headers(headers);
        if !asked.query.is_empty() {
            request = request.query(&asked.query);
        }
        if let Some(token) = &asked.token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Some(body) => request.body(body),
            None => request.header(header::CONTENT_TYPE, "application/json").body(asked.json.to_string()),
        };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let (status, headers) = (answer.status().as_u16(), end_to_end(answer.headers().clone()));
        let body = answer.bytes().await.map_err(|error| error.to_string())?;
        Ok(Answer { status, headers, body })
    }

    fn client(&self, peer: IpAddr) -> Result<Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&peer) {
            return Ok(client.clone());
        }
        let settings = ClientSettings::plain(self.base_url.clone(), CONNECT_TIMEOUT, TIMEOUT);
        let client = build(&settings, Some(peer)).map_err(|error| error.to_string())?;
        clients.insert(peer, client.clone());
        Ok(client)
    }
}

/// What of the headers goes on.
pub(super) fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_ONE_CONNECTION {
        headers.remove(name);
    }
    headers
}
