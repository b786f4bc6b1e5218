//! HTTP clients for the control plane.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Returns a client for `server`, which connects at the first request.
pub(super) fn open(server: &Url) -> reqwest::Result<Client> {
    builder(server).timeout(TIMEOUT).build()
}

/// Returns a client for connections that will be upgraded, which requires HTTP/1.1.
pub(super) fn open_upgradable(server: &Url) -> reqwest::Result<Client> {
    builder(server).http1_only().build()
}

fn builder(server: &Url) -> ClientBuilder {
    // Fails if a provider is already installed, which is equally good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("ztna/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would send the request, and with it a key, to another host.
        .redirect(redirect::Policy::none());
    if server.scheme() == "http" {
        // Loading the system's certificates takes longer than the request and fails where there are none.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(server) {
        builder = builder.no_proxy();
    }
    builder
}

/// Returns whether `server` is on this host.
pub(super) fn is_loopback(server: &Url) -> bool {
    server.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses() {
        for (address, loopback) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("https://localhost", true),
            ("https://login.quickztna.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&address.parse().unwrap()), loopback, "{address}");
        }
    }
}
