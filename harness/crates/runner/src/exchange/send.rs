//! Sends one request and records what was exchanged.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response, Url};

use harness_model::check::evidence::Exchange;

use super::client::{ClientSettings, build};
use super::error::ExchangeError;
use super::failure::Failure;

/// How often a read is repeated whose connection failed.
const MOST_RETRIES: u32 = 2;
/// Before the first repetition; before each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A request with everything filled in.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// Headers, `Authorization` among them.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Option<String>,
    /// The local address to connect from.
    pub from: Option<IpAddr>,
}

/// Asks a target as its profile wants to be asked.
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client,
    settings: ClientSettings,
    /// A contestant of a race repeats nothing, and its turn was taken before.
    races: bool,
}

impl Caller {
    /// One that connects from this address.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn new(settings: &ClientSettings, from: Option<IpAddr>) -> Result<Self, ExchangeError> {
        Ok(Self { client: build(settings, from)?, settings: settings.clone(), races: false })
    }

    /// The same for a contestant of a race.
    #[must_use]
    pub fn racing(self) -> Self {
        Self { races: true, ..self }
    }

    fn may_repeat(&self, request: &PreparedRequest, failure: &Failure, done: u32) -> bool {
        let is_read = request.method == Method::GET;
        self.settings.repeats_reads && !self.races && is_read && failure.is_transport() && done < MOST_RETRIES
    }
}

/// Sends a request and reads the whole answer. Where the target is shared, a read whose connection failed is
/// repeated, and that is counted; a write never is, and neither is anything that was answered.
///
/// # Errors
/// When no whole answer came: the target cannot be reached, cut the connection, took too long or sent too much.
pub async fn send(caller: &Caller, prepared: &PreparedRequest) -> Result<Exchange, ExchangeError> {
    let mut done = 0;
    loop {
        let turn = caller.settings.pace.turn(!caller.races).await;
        let failure = match exchange(caller, prepared).await {
            Ok(exchange) => return Ok(exchange),
            Err(failure) => failure,
        };
        drop(turn);
        if !caller.may_repeat(prepared, &failure, done) {
            return Err(ExchangeError::Failed {
                method: prepared.method.to_string(),
                url: prepared.url.to_string(),
                cause: failure.told(caller.settings.profile.as_deref()),
            });
        }
        caller.settings.pace.count_retry();
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(done)).await;
        done += 1;
    }
}

async fn exchange(caller: &Caller, prepared: &PreparedRequest) -> Result<Exchange, Failure> {
    let mut request = caller
        .client
        .request(prepared.method.clone(), prepared.url.clone())
        .headers(prepared.headers.clone());
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    let begun = Instant::now();
    let broken = |error: reqwest::Error| Failure::of(&error, begun.elapsed());
    let response = request.send().await.map_err(broken)?;
    let status = response.status().as_u16();
    let headers = texts(response.headers());
    let bytes = whole(response, caller.settings.longest_answer, broken).await?;
    let took = begun.elapsed();
    Ok(Exchange {
        method: prepared.method.to_string(),
        url: prepared.url.to_string(),
        request_headers: texts(&prepared.headers),
        request_body: prepared.body.clone(),
        status,
        headers,
        json: serde_json::from_slice(&bytes).ok(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        took,
    })
}

/// The whole body. One that says itself that it is too long is not even begun.
async fn whole(
    mut response: Response,
    longest: usize,
    broken: impl Fn(reqwest::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let too_long = |length: u64| usize::try_from(length).map_or(true, |length| length > longest);
    if response.content_length().is_some_and(too_long) {
        return Err(Failure::TooLong { limit: longest });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(&broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > longest {
            return Err(Failure::TooLong { limit: longest });
        }
    }
    Ok(bytes)
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
