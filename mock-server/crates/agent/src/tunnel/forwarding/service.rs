//! What `--serve` names.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// A port of the tailnet address, and the service of this host behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    /// The port peers connect to.
    pub(crate) port: u16,
    /// Where the service listens.
    pub(crate) address: SocketAddr,
}

/// Why a text names no service.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum ServiceError {
    /// There is no `=`.
    #[error("it has to be PORT=ADDRESS:PORT, such as 8080=127.0.0.1:3000")]
    Shape,
    /// The first port.
    #[error("'{0}' before the = is no port; one is a number from 1 to 65535")]
    Port(String),
    /// The address.
    #[error(
        "'{0}' after the = is no address with a port; one is 127.0.0.1:3000, [::1]:3000 or localhost:3000, with a port from 1 to 65535"
    )]
    Address(String),
}

impl FromStr for Service {
    type Err = ServiceError;

    fn from_str(text: &str) -> Result<Self, ServiceError> {
        let (port, address) = text.split_once('=').ok_or(ServiceError::Shape)?;
        let port = match port.trim().parse() {
            Ok(0) | Err(_) => return Err(ServiceError::Port(port.to_owned())),
            Ok(port) => port,
        };
        let place = address.trim();
        let local = |port: &str| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
        let parsed = place.strip_prefix("localhost:").map_or_else(|| place.parse().ok(), local);
        let parsed = parsed.filter(|parsed| parsed.port() != 0);
        let address = parsed.ok_or_else(|| ServiceError::Address(address.to_owned()))?;
        Ok(Self { port, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_as_people_write_them() {
        for (text, port, address) in [
            ("8080=127.0.0.1:3000", 8080, "127.0.0.1:3000"),
            ("80=[::1]:65535", 80, "[::1]:65535"),
            (" 80 = localhost:1 ", 80, "127.0.0.1:1"),
            ("80=10.0.0.7:80", 80, "10.0.0.7:80"),
        ] {
            assert_eq!(text.parse(), Ok(Service { port, address: address.parse().unwrap() }), "{text}");
        }
        for (text, words) in [
            ("8080", "it has to be PORT=ADDRESS:PORT"),
            ("", "it has to be PORT=ADDRESS:PORT"),
            ("0=127.0.0.1:1", "'0' before the = is no port"),
            ("65536=127.0.0.1:1", "'65536' before the = is no port"),
            ("http=127.0.0.1:1", "'http' before the ="),
            ("-1=127.0.0.1:1", "'-1' before the ="),
            ("1=3000", "'3000' after the = is no address"),
            ("1=127.0.0.1", "'127.0.0.1' after the ="),
            ("1=127.0.0.1:0", "'127.0.0.1:0' after the ="),
            ("1=localhost:http", "'localhost:http' after the ="),
            ("1=example.com:80", "'example.com:80' after the ="),
        ] {
            let error = text.parse::<Service>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
