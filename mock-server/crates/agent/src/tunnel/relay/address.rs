//! Addresses of relays in the network map.

use std::net::IpAddr;

use reqwest::Url;
use thiserror::Error;
use ztna_protocol::address::is_tailnet;

/// Why an address is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum InvalidRelay {
    #[error("expected a URL starting with https:// or http://, without user, password or query")]
    Form,
    /// The machine's token must not be sent unencrypted.
    #[error("it has no TLS, unlike the control plane")]
    Unencrypted,
    /// The tunnel cannot run through itself.
    #[error("it is an address of the tailnet")]
    InTailnet,
}

/// Checks the address of a relay; `encrypted` if the control plane itself has TLS.
pub(super) fn relay_url(text: &str, encrypted: bool) -> Result<Url, InvalidRelay> {
    let url: Url = text.parse().map_err(|_| InvalidRelay::Form)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let host = url.host_str().filter(|host| plain && !host.is_empty()).ok_or(InvalidRelay::Form)?;
    match url.scheme() {
        "https" => {}
        "http" if encrypted => return Err(InvalidRelay::Unencrypted),
        "http" => {}
        _ => return Err(InvalidRelay::Form),
    }
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if address.is_ok_and(is_tailnet) { Err(InvalidRelay::InTailnet) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_reached_over_http_outside_the_tailnet() {
        for (text, encrypted, expected) in [
            ("https://blr1.example", true, Ok(())),
            ("http://127.0.0.1:3340", false, Ok(())),
            ("http://blr1.example", true, Err(InvalidRelay::Unencrypted)),
            ("HTTP://blr1.example", true, Err(InvalidRelay::Unencrypted)),
            ("http://100.64.0.9", false, Err(InvalidRelay::InTailnet)),
            ("http://1681915913", false, Err(InvalidRelay::InTailnet)),
            ("https://[::ffff:100.64.0.9]:1", true, Err(InvalidRelay::InTailnet)),
            ("https://user:secret@blr1.example", true, Err(InvalidRelay::Form)),
            ("https://blr1.example?token=1", true, Err(InvalidRelay::Form)),
            ("file:///etc/passwd", false, Err(InvalidRelay::Form)),
            ("ws://blr1.example", false, Err(InvalidRelay::Form)),
            ("https://", true, Err(InvalidRelay::Form)),
            ("blr1.example", true, Err(InvalidRelay::Form)),
            ("https://blr1.example:99999", true, Err(InvalidRelay::Form)),
            ("", true, Err(InvalidRelay::Form)),
        ] {
            assert_eq!(relay_url(text, encrypted).map(drop), expected, "{text}");
        }
    }
}
