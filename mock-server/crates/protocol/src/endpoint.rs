//! UDP endpoints of machines, as their agents report them.

use std::net::SocketAddr;

/// The maximum number of endpoints per machine.
pub const MAX_ENDPOINTS: usize = 16;

/// Parses `ADDRESS:PORT` or `[ADDRESS]:PORT`; returns `None` for an address that no datagram can be sent to.
pub fn parse(endpoint: &str) -> Option<SocketAddr> {
    let parsed: SocketAddr = endpoint.trim().parse().ok()?;
    // A scope id is only meaningful on its own machine.
    if matches!(parsed, SocketAddr::V6(scoped) if scoped.scope_id() != 0) {
        return None;
    }
    let ip = parsed.ip().to_canonical();
    let broadcast = matches!(ip, std::net::IpAddr::V4(ip) if ip.is_broadcast());
    let unreachable = ip.is_unspecified() || ip.is_multicast() || broadcast || parsed.port() == 0;
    (!unreachable).then(|| SocketAddr::new(ip, parsed.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unicast_addresses_with_a_port_are_endpoints() {
        for (text, expected) in [
            ("203.0.113.7:51820", Some("203.0.113.7:51820")),
            (" [2001:DB8:0::7]:1 ", Some("[2001:db8::7]:1")),
            ("[::ffff:203.0.113.7]:51820", Some("203.0.113.7:51820")),
            ("203.0.113.7:0", None),
            ("0.0.0.0:51820", None),
            ("[::ffff:0.0.0.0]:51820", None),
            ("255.255.255.255:1", None),
            ("224.0.0.1:1", None),
            ("[ff02::1]:1", None),
            ("[fe80::1%3]:1", None),
            ("2001:db8::7", None),
        ] {
            assert_eq!(parse(text).map(|endpoint| endpoint.to_string()).as_deref(), expected, "{text}");
        }
    }
}
