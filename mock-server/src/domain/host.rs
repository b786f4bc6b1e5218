//! Validation of the Host header (RFC 9110, 7.2).

use std::net::Ipv6Addr;

use super::Refusal;

/// The maximum length of a DNS name (RFC 1035).
const MAX_NAME_LEN: usize = 253;

/// Accepts a host name or an address with an optional port. Strict, because the host ends up in links and in scripts
/// that run as root.
pub fn check(host: &str) -> Result<&str, Refusal> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let colon = host.find(':').unwrap_or(host.len());
            let (name, port) = host.split_at(colon);
            (is_name(name), port)
        }
    };
    let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if name && port {
        return Ok(host);
    }
    Err(Refusal::invalid("Host must be a name or an address with an optional port"))
}

/// Whether labels consist of letters, digits, `-` and `_`; an IPv4 address passes as well.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= MAX_NAME_LEN && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_addresses_are_accepted() {
        let label = "a".repeat(64);
        let name = vec!["a"; 200].join(".");
        for good in [
            "login.quickztna.com",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:65535",
            "[2001:db8::1]",
            "a_b",
            "a.",
        ] {
            assert_eq!(check(good), Ok(good));
        }
        for bad in [
            "", ":80", "a:", "a:0", "a:65536", "a:+1", "a:1:2", "a..b", "-x", ".", "[]", "[::1", "[::1]x",
            "[a]", "::1", "u@a", "a/b", "a b", "a'b", "a\"b", "a$(id)", "a`id`", "a;id", "a\nid", "a\\",
            "a?b", "a#b", "a%20", "ä", &label, &name,
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
