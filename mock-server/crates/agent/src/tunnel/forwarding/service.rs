use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// A port of the tailnet address and the local service that it forwards to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    /// The port that peers connect to.
    pub(crate) port: u16,
    pub(crate) address: SocketAddr,
}

/// An invalid argument of `--serve`.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum ServiceError {
    #[error("expected PORT=ADDRESS:PORT, such as 8080=127.0.0.1:3000")]
    Shape,
    #[error("invalid port '{0}' before the '=': expected a number from 1 to 65535")]
    Port(String),
    #[error(
        "invalid address '{0}' after the '=': expected ADDRESS:PORT such as 127.0.0.1:3000, [::1]:3000 or localhost:3000, with a port from 1 to 65535"
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
        let target = address.trim();
        let local = |port: &str| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
        let parsed = target.strip_prefix("localhost:").map_or_else(|| target.parse().ok(), local);
        let parsed = parsed.filter(|parsed| parsed.port() != 0);
        let address = parsed.ok_or_else(|| ServiceError::Address(address.to_owned()))?;
        Ok(Self { port, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_parsed_and_validated() {
        for (text, port, address) in [
            ("8080=127.0.0.1:3000", 8080, "127.0.0.1:3000"),
            ("80=[::1]:65535", 80, "[::1]:65535"),
            (" 80 = localhost:1 ", 80, "127.0.0.1:1"),
            ("80=10.0.0.7:80", 80, "10.0.0.7:80"),
        ] {
            assert_eq!(text.parse(), Ok(Service { port, address: address.parse().unwrap() }), "{text}");
        }
        for (text, words) in [
            ("8080", "expected PORT=ADDRESS:PORT"),
            ("", "expected PORT=ADDRESS:PORT"),
            ("0=127.0.0.1:1", "invalid port '0' before the '='"),
            ("65536=127.0.0.1:1", "invalid port '65536' before the '='"),
            ("http=127.0.0.1:1", "invalid port 'http'"),
            ("-1=127.0.0.1:1", "invalid port '-1'"),
            ("1=3000", "invalid address '3000' after the '='"),
            ("1=127.0.0.1", "invalid address '127.0.0.1'"),
            ("1=127.0.0.1:0", "invalid address '127.0.0.1:0'"),
            ("1=localhost:http", "invalid address 'localhost:http'"),
            ("1=example.com:80", "invalid address 'example.com:80'"),
        ] {
            let error = text.parse::<Service>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
