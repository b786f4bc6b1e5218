//! The path of a datagram: direct or through a relay.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use boringtun::x25519::PublicKey;
use ztna_protocol::region::Region;

/// A path to or from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PeerPath {
    /// UDP datagrams to and from this endpoint.
    Direct(SocketAddr),
    /// Through a relay, which authenticates the sender of each datagram.
    Relayed {
        /// The region of the relay.
        region: Region,
        /// The key of the peer that the relay received a datagram from or delivers it to.
        peer: PublicKey,
    },
}

impl PeerPath {
    /// Returns the endpoint of a direct path.
    pub(crate) fn direct(self) -> Option<SocketAddr> {
        match self {
            Self::Direct(address) => Some(address),
            Self::Relayed { .. } => None,
        }
    }

    /// Returns the region of a relayed path.
    pub(crate) fn region(self) -> Option<Region> {
        match self {
            Self::Direct(_) => None,
            Self::Relayed { region, .. } => Some(region),
        }
    }

    /// Returns the address by which handshakes are counted and to which cookies are bound. Datagrams through a relay all
    /// come from the relay's address, where a flood would use up the quota of honest peers. Therefore the sender's key is
    /// mapped to a unique local address (RFC 4193).
    pub(super) fn ip(self) -> IpAddr {
        match self {
            Self::Direct(address) => address.ip(),
            Self::Relayed { peer, .. } => {
                let mut octets = [0; 16];
                octets.copy_from_slice(peer.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
                octets[0] = 0xfd;
                IpAddr::V6(Ipv6Addr::from(octets))
            }
        }
    }

    /// Returns whether a datagram of `peer` may come from here: a relay names the sender.
    pub(super) fn admits(self, peer: &PublicKey) -> bool {
        match self {
            Self::Direct(_) => true,
            Self::Relayed { peer: named, .. } => named == *peer,
        }
    }
}

impl From<SocketAddr> for PeerPath {
    fn from(address: SocketAddr) -> Self {
        Self::Direct(address)
    }
}

impl fmt::Display for PeerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(address) => write!(f, "DIRECT {address}"),
            Self::Relayed { region, .. } => write!(f, "RELAY {region}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_behind_a_relay_has_its_own_address() {
        let region: Region = "blr1".parse().unwrap();
        let relayed = |key: u8| PeerPath::Relayed { region, peer: PublicKey::from([key; 32]) };
        assert_ne!(relayed(1).ip(), relayed(2).ip());
        assert!(relayed(1).ip().to_string().starts_with("fd01:"), "{}", relayed(1).ip());
        let address: SocketAddr = "192.0.2.7:51820".parse().unwrap();
        assert_eq!(PeerPath::from(address).ip(), address.ip());
        assert_eq!(relayed(1).to_string(), "RELAY blr1");
        assert_eq!(PeerPath::from(address).to_string(), "DIRECT 192.0.2.7:51820");
    }
}
