//! The Host that a client named (RFC 9110, 7.2), before anything is built from it.

use std::net::Ipv6Addr;

use super::Refusal;

/// The longest name that DNS has.
const LONGEST_NAME: usize = 253;

/// `host`, if it is a name or an address with or without a port, and nothing besides: it goes into links and
/// into scripts that run as root.
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
    Err(Refusal::invalid("Host must be a name or an address, with a port if need be"))
}

/// Letters, digits, `-` and `_` in labels; an IPv4 address is such a name too.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= LONGEST_NAME && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_pass_and_nothing_else() {
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
