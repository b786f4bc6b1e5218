//! The UDP endpoints of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use ztna_protocol::address::is_tailnet;
use ztna_protocol::endpoint;

/// Returns the IPv4 addresses of the interfaces that are up, each with `port`, as many as the control plane accepts.
///
/// Excludes tailnet addresses, which would route the tunnel into itself. Includes loopback addresses if `loopback`,
/// when the control plane and so perhaps other machines are on this host. Returns nothing if the system fails to list
/// the addresses; peers then learn the endpoint once this machine contacts them.
pub(super) fn gather(port: u16, loopback: bool) -> Vec<SocketAddr> {
    let interfaces = match getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            tracing::warn!(%error, "listing the addresses of the network interfaces failed");
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
    // The nearest first: loopback needs no network.
    chosen.sort_by_key(|address| !address.is_loopback());
    chosen.truncate(endpoint::MAX_ENDPOINTS);
    chosen.into_iter().map(|address| SocketAddr::new(IpAddr::V4(address), port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_addresses_are_skipped() {
        let found = ["10.0.0.7", "127.0.0.1", "100.64.0.2", "169.254.3.4", "10.0.0.7", "203.0.113.9"];
        let chosen = |loopback| -> Vec<String> {
            let addresses = found.iter().map(|text| text.parse().unwrap());
            choose(addresses, 7, loopback).iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(chosen(false), ["10.0.0.7:7", "203.0.113.9:7"]);
        assert_eq!(chosen(true), ["127.0.0.1:7", "10.0.0.7:7", "203.0.113.9:7"]);
        let many = (0..40).map(|last| Ipv4Addr::new(10, 0, 0, last));
        assert_eq!(choose(many, 7, false).len(), endpoint::MAX_ENDPOINTS);
    }

    #[test]
    fn loopback_comes_first() {
        assert_eq!(gather(7, true).first(), Some(&SocketAddr::from(([127, 0, 0, 1], 7))));
    }
}
