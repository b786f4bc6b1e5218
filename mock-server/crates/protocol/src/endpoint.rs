//! Where a machine can be reached over UDP, as it found out itself.

use std::net::SocketAddr;

/// A machine has at most so many endpoints.
pub const MOST: usize = 16;

/// Reads `ADDRESS:PORT` or `[ADDRESS]:PORT`; `None` for what no datagram can be sent to.
pub fn parse(endpoint: &str) -> Option<SocketAddr> {
    let parsed: SocketAddr = endpoint.trim().parse().ok()?;
    // The number of an interface means something on its own machine only.
    if matches!(parsed, SocketAddr::V6(scoped) if scoped.scope_id() != 0) {
        return None;
    }
    let ip = parsed.ip().to_canonical();
    let broadcast = matches!(ip, std::net::IpAddr::V4(ip) if ip.is_broadcast());
    let nowhere = ip.is_unspecified() || ip.is_multicast() || broadcast || parsed.port() == 0;
    (!nowhere).then(|| SocketAddr::new(ip, parsed.port()))
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
