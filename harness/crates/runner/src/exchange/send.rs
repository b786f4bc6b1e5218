//! Sends one request and records what was exchanged.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, HOST, HeaderMap};
use reqwest::{Client, Method, Response, Url};

use harness_model::check::evidence::{Exchange, ParsedBody};
use harness_model::check::header::Header;

use super::body;
use super::client::{ClientSettings, build};
use super::error::ExchangeError;
use super::failure::Failure;

/// How often a `GET` request is retried when its connection fails.
const MAX_RETRIES: u32 = 2;
/// The pause before the first retry; it doubles before each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);

/// A request with its templates filled in.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<String>,
    /// The local address to connect from; the system chooses if `None`.
    pub from: Option<IpAddr>,
}

/// An HTTP client that keeps to the profile's limits.
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client,
    settings: Arc<ClientSettings>,
    /// A race's contestant never retries, and its turn was reserved before the race.
    races: bool,
    /// Where requests are sent instead of to the host of their URL.
    gate: Option<SocketAddr>,
}

impl Caller {
    /// Creates a caller that connects from this address.
    pub fn new(settings: &ClientSettings, from: Option<IpAddr>) -> Result<Self, ExchangeError> {
        let client = build(settings, from)?;
        Ok(Self { client, settings: Arc::new(settings.clone()), races: false, gate: None })
    }

    /// Turns this into the caller of a race's contestant.
    #[must_use]
    pub fn racing(self) -> Self {
        Self { races: true, ..self }
    }

    /// Sends all requests to a gate, which forwards them to the host of their URL.
    #[must_use]
    pub fn through(self, gate: SocketAddr) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// Returns how this caller connects, and to where.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    fn may_retry(&self, request: &PreparedRequest, failure: &Failure, retries: u32) -> bool {
        let is_read = request.method == Method::GET;
        self.settings.retries_reads
            && !self.races
            && is_read
            && failure.is_transport()
            && retries < MAX_RETRIES
    }
}

/// Sends a request and reads the whole response. On a shared target a `GET` request whose connection failed is retried,
/// and the retry is counted. Writes and requests that got a response are never retried.
///
/// # Errors
/// No complete response arrived: the target is unreachable, closed the connection, took too long or sent too much.
pub async fn send(caller: &Caller, prepared: &PreparedRequest) -> Result<Exchange, ExchangeError> {
    let mut retries = 0;
    loop {
        let turn = caller.settings.pace.turn(!caller.races).await;
        let failure = match exchange(caller, prepared).await {
            Ok(exchange) => return Ok(exchange),
            Err(failure) => failure,
        };
        drop(turn);
        if !caller.may_retry(prepared, &failure, retries) {
            return Err(ExchangeError::Failed {
                method: prepared.method.to_string(),
                url: prepared.url.to_string(),
                failure: Box::new(failure),
                profile: caller.settings.profile.clone(),
            });
        }
        caller.settings.pace.count_retry();
        tokio::time::sleep(INITIAL_BACKOFF * 2_u32.pow(retries)).await;
        retries += 1;
    }
}

async fn exchange(caller: &Caller, prepared: &PreparedRequest) -> Result<Exchange, Failure> {
    let mut request = caller
        .client
        .request(prepared.method.clone(), reached(&prepared.url, caller.gate))
        .headers(prepared.headers.clone());
    if caller.gate.is_some() && !prepared.headers.contains_key(HOST) {
        request = request.header(HOST, prepared.url.authority());
    }
    if !prepared.headers.contains_key(ACCEPT_ENCODING) {
        request = request.header(ACCEPT_ENCODING, body::ACCEPTED);
    }
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    let begun = Instant::now();
    let classify = |error: reqwest::Error| Failure::of(&error, begun.elapsed());
    let response = request.send().await.map_err(classify)?;
    let status = response.status().as_u16();
    let headers = recorded(response.headers());
    let bytes = read_body(response, caller.settings.max_response_bytes, classify).await?;
    let took = begun.elapsed();
    let body = body::decode(bytes, &headers, caller.settings.max_response_bytes)?;
    Ok(Exchange {
        method: prepared.method.to_string(),
        url: prepared.url.to_string(),
        request_headers: recorded(&prepared.headers),
        request_body: prepared.body.clone(),
        status,
        arrived: None,
        headers,
        not_json: body.not_json,
        body: body.text,
        took,
        parsed: ParsedBody::default(),
    })
}

/// Returns the URL with the gate in place of its host.
fn reached(url: &Url, gate: Option<SocketAddr>) -> Url {
    let mut url = url.clone();
    if let Some(gate) = gate {
        // Neither fails for an HTTP URL.
        let _ = url.set_ip_host(gate.ip());
        let _ = url.set_port(Some(gate.port()));
    }
    url
}

/// Reads the body, unless its announced length already exceeds the limit.
async fn read_body(
    mut response: Response,
    limit: usize,
    classify: impl Fn(reqwest::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let too_long = |length: u64| usize::try_from(length).map_or(true, |length| length > limit);
    if response.content_length().is_some_and(too_long) {
        return Err(Failure::TooLong { limit });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(&classify)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(Failure::TooLong { limit });
        }
    }
    Ok(bytes)
}

fn recorded(headers: &HeaderMap) -> Vec<Header> {
    headers
        .iter()
        .map(|(name, value)| Header::new(name.as_str(), body::header_text(value.as_bytes())))
        .collect()
}
