//! How HTTP clients are made.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Url, redirect};

use super::error::ExchangeError;
use super::failure::causes;
use super::pace::Pace;

/// No answer the documents know comes near this; a longer one is not read to its end.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Less than any server waits before it closes an idle connection.
const IDLE: Duration = Duration::from_secs(3);

/// How clients are made, and how they behave.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The target's base URL: it decides whether certificates and proxies matter.
    pub base_url: Url,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an exchange may take as a whole.
    pub timeout: Duration,
    /// Whom to trust, and who the kit is.
    pub tls: Tls,
    /// Bytes of an answer that are read at most.
    pub longest_answer: usize,
    /// Whether a read is repeated whose connection failed.
    pub repeats_reads: bool,
    /// How fast the target may be asked, by all sub-tests together.
    pub pace: Pace,
    /// The profile whose settings messages name; none of a target without one.
    pub profile: Option<Arc<Path>>,
}

/// Whom to trust, and who the kit is.
#[derive(Clone, Default)]
pub struct Tls {
    /// The only authorities to trust; without any, those of the system.
    pub authorities: Vec<Certificate>,
    /// The kit's own certificate and its key.
    pub identity: Option<Identity>,
    /// Whether a certificate for another name is good, too.
    pub any_name: bool,
}

impl ClientSettings {
    /// For a server beside the kit, which needs no manners.
    pub fn plain(base_url: Url, connect_timeout: Duration, timeout: Duration) -> Self {
        Self {
            base_url,
            connect_timeout,
            timeout,
            tls: Tls::default(),
            longest_answer: LONGEST_ANSWER,
            repeats_reads: false,
            pace: Pace::default(),
            profile: None,
        }
    }
}

/// A client as every part of the kit wants it: no redirects, no proxy to loopback, its time bounded.
///
/// # Errors
/// When the TLS configuration cannot be made.
pub fn build(settings: &ClientSettings, from: Option<IpAddr>) -> Result<Client, ExchangeError> {
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
    } else if !settings.tls.authorities.is_empty() {
        builder = builder.tls_certs_only(settings.tls.authorities.clone());
    }
    if let Some(identity) = &settings.tls.identity {
        builder = builder.identity(identity.clone());
    }
    if settings.tls.any_name {
        builder = builder.tls_danger_accept_invalid_hostnames(true);
    }
    if is_loopback(&settings.base_url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| ExchangeError::Client { cause: causes(&error) })
}

/// A path below a base URL that may have a path of its own.
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
