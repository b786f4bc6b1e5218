use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Url, redirect};

use super::error::ExchangeError;
use super::failure::causes;
use super::pace::Pace;

/// Far more than any documented response; a longer one is not read to its end.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Shorter than any server's idle timeout, so that the kit closes idle connections first.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// How clients connect and behave.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The target's base URL, which decides whether certificates and proxies are used.
    pub base_url: Url,
    pub connect_timeout: Duration,
    /// Bounds an exchange as a whole.
    pub timeout: Duration,
    pub tls: Tls,
    /// The maximum size of a response body, in bytes.
    pub max_response_bytes: usize,
    /// Whether `GET` requests are retried when their connection fails.
    pub retries_reads: bool,
    /// The request rate that all sub-tests share.
    pub pace: Pace,
    /// The profile's file, which messages name; `None` for the embedded reference.
    pub profile: Option<Arc<Path>>,
}

/// Trusted authorities and the kit's own certificate.
#[derive(Clone, Default)]
pub struct Tls {
    /// The only trusted authorities; the system's if empty.
    pub authorities: Vec<Certificate>,
    /// The client certificate with its key.
    pub identity: Option<Identity>,
    /// Whether certificates for other host names are accepted.
    pub accepts_any_name: bool,
}

impl ClientSettings {
    /// Returns settings for a server on this host: no TLS, no rate limit, no retries.
    pub fn plain(base_url: Url, connect_timeout: Duration, timeout: Duration) -> Self {
        Self {
            base_url,
            connect_timeout,
            timeout,
            tls: Tls::default(),
            max_response_bytes: MAX_RESPONSE_BYTES,
            retries_reads: false,
            pace: Pace::default(),
            profile: None,
        }
    }
}

/// Creates a client that follows no redirects, uses no proxy to loopback, and has timeouts.
pub fn build(settings: &ClientSettings, from: Option<IpAddr>) -> Result<Client, ExchangeError> {
    // Fails if the provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .local_address(from)
        // Proxies in front of a right implementation send headers that the strict grammar forbids.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        // A server may close an idle connection just as it is reused.
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .user_agent(concat!("quickztna-harness/", env!("CARGO_PKG_VERSION")));
    if settings.base_url.scheme() == "http" {
        // Reading the system's certificates takes longer than an exchange.
        builder = builder.tls_certs_only([]);
    } else if !settings.tls.authorities.is_empty() {
        builder = builder.tls_certs_only(settings.tls.authorities.clone());
    }
    if let Some(identity) = &settings.tls.identity {
        builder = builder.identity(identity.clone());
    }
    if settings.tls.accepts_any_name {
        builder = builder.tls_danger_accept_invalid_hostnames(true);
    }
    // The embedded reference, and that in containers, are on this host.
    if is_loopback(&settings.base_url) || settings.profile.is_none() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| ExchangeError::Client { cause: causes(&error) })
}

/// Appends a path to a base URL, which may have a path itself.
pub fn joined(base_url: &Url, path: &str) -> Url {
    let text = format!("{}{path}", base_url.as_str().trim_end_matches('/'));
    Url::parse(&text).unwrap_or_else(|_| base_url.clone())
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (authorities, identity) = (self.authorities.len(), self.identity.is_some());
        write!(formatter, "Tls {{ {authorities} authorities, identity: {identity} }}")
    }
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
