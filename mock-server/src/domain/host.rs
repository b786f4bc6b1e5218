//! Validation of the Host header (RFC 9110, 7.2) and of base URLs.

use std::net::{IpAddr, Ipv6Addr};

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

/// Accepts a base URL: `http` or `https`, a host that [`check`] accepts, and an optional path of plain characters. Returns
/// it without trailing slashes, or `None`. Strict for the same reason.
pub fn base_url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    let valid = check(host).is_ok() && path.bytes().all(is_plain) && !path.contains("//");
    let climbs = path.split('/').any(|part| part == "." || part == "..");
    (valid && !climbs).then(|| text.trim_end_matches('/').to_owned())
}

/// Whether a host with an optional port is `localhost` or a loopback address.
pub fn is_loopback(host: &str) -> bool {
    name(host).eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.is_loopback())
}

/// Returns the address of a host that is one, with an optional port.
pub fn address(host: &str) -> Option<IpAddr> {
    Some(name(host).parse::<IpAddr>().ok()?.to_canonical())
}

/// Removes the port, and the brackets of an IPv6 address.
fn name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether the host of a URL [`is_loopback`].
pub fn is_loopback_url(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    is_loopback(rest.split('/').next().unwrap_or(rest))
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

    #[test]
    fn base_urls_are_scheme_host_and_plain_path() {
        for (good, kept) in [
            ("https://login.quickztna.com", "https://login.quickztna.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
            ("https://a.example/ztna/v1/", "https://a.example/ztna/v1"),
        ] {
            assert_eq!(base_url(good).as_deref(), Some(kept), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "//a.example",
            "ftp://a.example",
            "HTTPS://a.example",
            "https://",
            "https:///x",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a b",
            "https://a'b",
            "https://a.example/$(id)",
            "https://a.example/`id`",
            "https://a.example/a b",
            "https://a.example/'",
            "https://a.example/\n",
            "https://a.example/%0a",
            "https://a.example/../x",
            "https://a.example//x",
            "https://a.example:0",
            "https://a.example:99999",
            "https://ä.example",
            "javascript:alert(1)",
            " https://a.example",
            "https://a.example ",
            "https://a.example\n",
        ] {
            assert_eq!(base_url(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for local in [
            "localhost",
            "LocalHost:80",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(local) && is_loopback_url(&format!("http://{local}/x")), "{local}");
        }
        for other in
            ["localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "[::]", "a", ""]
        {
            assert!(!is_loopback(other) && !is_loopback_url(&format!("http://{other}")), "{other}");
        }
    }
}
