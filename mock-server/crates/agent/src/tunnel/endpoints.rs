//! Where this machine may be reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use ztna_protocol::address::is_tailnet;
use ztna_protocol::endpoint;

/// The addresses of the interfaces that are up, each with `port`, as many as the control plane takes.
///
/// The tailnet's are none of them: a tunnel would lead into itself.
/// Loopback is one of them if `loopback` (the control plane is on this host, so its other machines may be too).
/// A system that does not tell leaves the machine to be found by those it speaks to first.
pub(super) fn gather(port: u16, loopback: bool) -> Vec<SocketAddr> {
    let interfaces = match getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            tracing::warn!(%error, "the system does not tell the addresses of its interfaces");
            return Vec::new();
        }
    };
    let up = interfaces.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    let addresses = up.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
    choose(addresses, port, loopback)
}

fn choose(addresses: impl Iterator<Item = Ipv4Addr>, port: u16, loopback: bool) -> Vec<SocketAddr> {
    let mut chosen: Vec<Ipv4Addr> = Vec::new();
    for address in addresses {
        let wanted = !address.is_link_local()
            && !address.is_unspecified()
            && !is_tailnet(address.into())
            && (loopback || !address.is_loopback());
        if wanted && !chosen.contains(&address) {
            chosen.push(address);
        }
    }
    // The nearest first: what is on this host needs no network.
    chosen.sort_by_key(|address| !address.is_loopback());
    chosen.truncate(endpoint::MOST);
    chosen.into_iter().map(|address| SocketAddr::new(IpAddr::V4(address), port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_others_can_use() {
        let found = ["10.0.0.7", "127.0.0.1", "100.64.0.2", "169.254.3.4", "10.0.0.7", "203.0.113.9"];
        let chosen = |loopback| -> Vec<String> {
            let addresses = found.iter().map(|text| text.parse().unwrap());
            choose(addresses, 7, loopback).iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(chosen(false), ["10.0.0.7:7", "203.0.113.9:7"]);
        assert_eq!(chosen(true), ["127.0.0.1:7", "10.0.0.7:7", "203.0.113.9:7"]);
        let many = (0..40).map(|last| Ipv4Addr::new(10, 0, 0, last));
        assert_eq!(choose(many, 7, false).len(), endpoint::MOST);
    }

    #[test]
    fn this_host_has_a_loopback_address() {
        assert_eq!(gather(7, true).first(), Some(&SocketAddr::from(([127, 0, 0, 1], 7))));
    }
}
