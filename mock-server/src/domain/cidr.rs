//! The networks an auth key admits, and the client address behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

use super::Refusal;

pub const MAX_NETWORKS: usize = 64;

/// The networks that machines may register from with an auth key (`generate/ST4.2`); empty means any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedCidrs {
    written: Option<Vec<String>>,
    networks: Vec<IpNet>,
}

impl AllowedCidrs {
    /// Parses the networks of a request and keeps their spelling for the response. An empty list means no limit
    /// (`generate/ST4.3`).
    pub fn parse(written: Option<Vec<String>>) -> Result<Self, Refusal> {
        let written = written.filter(|list| !list.is_empty());
        if written.as_ref().is_some_and(|list| list.len() > MAX_NETWORKS) {
            return Err(Refusal::invalid(format!(
                "allowed_cidrs must not have more than {MAX_NETWORKS} networks"
            )));
        }
        let networks = written.iter().flatten().map(|text| parse_network(text)).collect::<Result<_, _>>()?;
        Ok(Self { written, networks })
    }

    /// The networks as the request spelled them; `None` means no limit.
    pub fn written(&self) -> Option<&[String]> {
        self.written.as_deref()
    }

    /// Returns whether a machine may register from this address. One that is not known is in no network.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        self.written.is_none() || address.is_some_and(|address| contains(&self.networks, address))
    }
}

/// Returns the client's address: the peer, or the address that a trusted proxy forwarded for. `None` means that a
/// trusted proxy forwarded for an address that cannot be read, which no network admits.
///
/// `forwarded` holds the values of X-Forwarded-For in order; the rightmost hop that is not a trusted proxy counts. A value
/// that is not text is passed as an empty one.
pub fn client<'a>(
    peer: IpAddr,
    forwarded: impl IntoIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let mut client = peer.to_canonical();
    if !contains(trusted, client) {
        return Some(client);
    }
    let hops: Vec<&str> = forwarded.into_iter().flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        client = parse_hop(hop)?;
        if !contains(trusted, client) {
            break;
        }
    }
    Some(client)
}

/// Whether one of the networks contains the address, comparing IPv4-mapped IPv6 addresses as IPv4.
pub fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Reads an address as proxies write it: with or without a port, IPv6 with or without brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let in_brackets = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match in_brackets {
        Some(address) => address.parse().ok().map(IpAddr::V6),
        None => hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip())),
    };
    address.map(|address| address.to_canonical())
}

fn parse_network(text: &str) -> Result<IpNet, Refusal> {
    let invalid = "allowed_cidrs must contain networks such as 10.0.0.0/8 or 2001:db8::/32";
    network(text).ok_or(Refusal::invalid(invalid))
}

/// Parses a network in the form in which [`contains`] compares it.
pub fn network(text: &str) -> Option<IpNet> {
    let parsed: IpNet = text.parse().ok()?;
    // An IPv4-mapped network contains the same addresses as its IPv4 form, in which peers are compared.
    let mapped = match parsed {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    Some(mapped.and_then(|(v4, length)| Ipv4Net::new(v4, length).ok()).map_or(parsed, IpNet::V4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_match_in_both_families() {
        let list = |text: &str| Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let allowed =
            AllowedCidrs::parse(list("10.0.0.0/8 192.168.1.0/24 2001:db8::/32 ::ffff:172.16.0.0/108"));
        let allowed = allowed.unwrap();
        for (address, expected) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("192.168.1.7", true),
            ("192.168.2.1", false),
            ("::ffff:10.1.2.3", true),
            ("::ffff:11.1.2.3", false),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(allowed.admit(Some(ip(address))), expected, "{address}");
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "example.com/8", "", "::/129"] {
            assert!(AllowedCidrs::parse(list(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_keep_their_spelling() {
        let given = vec!["10.1.2.3/8".to_owned(), "::ffff:172.16.0.0/108".to_owned()];
        let allowed = AllowedCidrs::parse(Some(given.clone())).unwrap();
        assert_eq!(allowed.written(), Some(given.as_slice()));
    }

    #[test]
    fn at_most_64_networks_are_accepted() {
        let list = |length| Some(vec!["10.0.0.0/8".to_owned(); length]);
        assert!(AllowedCidrs::parse(list(64)).is_ok());
        assert!(AllowedCidrs::parse(list(65)).is_err());
    }

    #[test]
    fn an_empty_list_admits_any_address() {
        let none = AllowedCidrs::parse(Some(vec![])).unwrap();
        assert_eq!(none.written(), None);
        assert!(none.admit(Some(ip("203.0.113.1"))));
    }

    #[test]
    fn only_trusted_proxies_can_forward_an_address() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "10.1.1.1", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "192.0.2.66, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9:51234", "203.0.113.9"),
            ("10.0.0.1", "192.0.2.66, 203.0.113.9:1, 10.0.0.2:65535", "203.0.113.9"),
            ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "10.0.0.7", "10.0.0.7"),
        ] {
            assert_eq!(client(ip(peer), [forwarded], &trusted), Some(ip(expected)), "{peer} {forwarded}");
        }
        assert_eq!(
            client(ip("10.0.0.1"), [], &trusted),
            Some(ip("10.0.0.1")),
            "a request of the proxy itself"
        );
    }

    /// Whoever writes a trusted proxy as an IPv4-mapped network trusts its IPv4 addresses.
    #[test]
    fn mapped_networks_of_proxies_are_trusted() {
        let trusted = [network("::ffff:10.0.0.0/104").unwrap()];
        for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert_eq!(client(ip(peer), ["203.0.113.9"], &trusted), Some(ip("203.0.113.9")), "{peer}");
        }
        for bad in ["", "10.0.0.1", "10.0.0.0/33", "10.0.0.0/8 ", "a/8", "::/-1"] {
            assert_eq!(network(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn unreadable_forwarded_addresses_are_no_address() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for forwarded in [
            "",
            " ",
            "unknown",
            "_hidden",
            "spoofed, 10.0.0.2",
            "203.0.113.9,",
            "203.0.113.9:",
            "203.0.113.9:70000",
            "203.0.113.256",
            "203.0.113.9 10.0.0.1",
            "[203.0.113.9]",
            "[2001:db8::1",
            "2001:db8::1]",
            "fe80::1%eth0",
            "for=203.0.113.9",
            "\"203.0.113.9\"",
            "0xcb.0.113.9",
            "203.0.113.09",
            "203.0.113.9:51234:1",
            "203.0.113.9:-1",
            "203.0.113.9:0x1",
            "[2001:db8::1]:",
            "[2001:db8::1]:70000",
            "[[2001:db8::1]]",
            "2001:db8::1:::",
            "203.0.113",
            "3405803777",
            "203.0.113.9/32",
            "203.0.113.9;10.0.0.1",
            "localhost",
            "null",
            "-",
        ] {
            assert_eq!(client(ip("10.0.0.1"), [forwarded], &trusted), None, "{forwarded:?}");
        }
        let earlier_value = ["unknown", "203.0.113.9"];
        assert_eq!(client(ip("10.0.0.1"), earlier_value, &trusted), Some(ip("203.0.113.9")));
        let limited = AllowedCidrs::parse(Some(vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()])).unwrap();
        assert!(!limited.admit(None) && AllowedCidrs::default().admit(None));
    }
}
