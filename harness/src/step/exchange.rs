//! Sends one request and records what was exchanged.

use std::collections::HashMap;
use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Url, redirect};

use crate::check::evidence::Exchange;
use crate::step::StepError;

/// No answer the documents know comes near this; a longer one is not read to its end.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Less than any server waits before it closes an idle connection.
const IDLE: Duration = Duration::from_secs(3);

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

/// The HTTP clients of one sub-test: one a source address, each with its pool of connections.
#[derive(Debug)]
pub struct Clients {
    settings: ClientSettings,
    by_address: HashMap<Option<IpAddr>, Client>,
}

/// How clients are made.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The target's base URL: it decides whether certificates and proxies matter.
    pub base_url: Url,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an exchange may take as a whole.
    pub timeout: Duration,
}

impl Clients {
    /// No client yet: each is made when it is first needed.
    pub fn new(settings: ClientSettings) -> Self {
        Self { settings, by_address: HashMap::new() }
    }

    /// The pooled client that connects from this address.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn from_address(&mut self, from: Option<IpAddr>) -> Result<Client, StepError> {
        if let Some(client) = self.by_address.get(&from) {
            return Ok(client.clone());
        }
        let client = build(&self.settings, from)?;
        self.by_address.insert(from, client.clone());
        Ok(client)
    }

    /// A client that shares its connection with nobody, for a contestant of a race.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn separate(&self, from: Option<IpAddr>) -> Result<Client, StepError> {
        build(&self.settings, from)
    }
}

/// A client as every part of the kit wants it: no redirects, no proxy to loopback, its time bounded.
///
/// # Errors
/// When the TLS configuration cannot be made.
pub fn build(settings: &ClientSettings, from: Option<IpAddr>) -> Result<Client, StepError> {
    // A second call finds the provider installed, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .local_address(from)
        // A server may close an idle connection at the very moment that it is used again.
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("quickztna-harness/", env!("CARGO_PKG_VERSION")));
    if settings.base_url.scheme() == "http" {
        // Reading the system's certificates costs more than a whole exchange.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(&settings.base_url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| StepError::Client { cause: causes(&error) })
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When no whole answer came: the target cannot be reached, cut the connection, took too long or sent too much.
pub async fn send(client: &Client, prepared: &PreparedRequest) -> Result<Exchange, StepError> {
    let failed = |cause: String| StepError::Exchange {
        method: prepared.method.to_string(),
        url: prepared.url.to_string(),
        cause,
    };
    let mut request =
        client.request(prepared.method.clone(), prepared.url.clone()).headers(prepared.headers.clone());
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    let begun = Instant::now();
    let broken = |error: reqwest::Error| {
        failed(match error.is_timeout() {
            true => format!("no whole answer within {:.1} s", begun.elapsed().as_secs_f64()),
            false => causes(&error),
        })
    };
    let mut response = request.send().await.map_err(broken)?;
    let status = response.status().as_u16();
    let headers = texts(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_ANSWER {
            return Err(failed(format!("the answer is longer than {LONGEST_ANSWER} bytes")));
        }
    }
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

/// An error and what it came from, in one line and without the URL, which may hold secrets.
pub fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "no whole answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else if error.is_body() || error.is_decode() {
        "the answer broke off".to_owned()
    } else {
        "the connection failed before an answer came".to_owned()
    };
    // The chain's last link says what happened; the ones between repeat each other.
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(Error::source) {
        innermost = Some(next);
    }
    if let Some(innermost) = innermost {
        text.push_str(": ");
        text.push_str(&innermost.to_string());
    }
    text
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
