//! Where a datagram comes from or goes to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use boringtun::x25519::PublicKey;
use ztna_protocol::region::Region;

/// Where a peer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// At the other end of a UDP datagram.
    Direct(SocketAddr),
    /// Behind a relay, which vouches for who a datagram comes from.
    Relayed {
        /// The relay that takes datagrams for the peer, or gave one of it.
        region: Region,
        /// The peer's key.
        peer: PublicKey,
    },
}

impl Place {
    /// The address, if no relay stands between.
    pub(crate) fn direct(self) -> Option<SocketAddr> {
        match self {
            Self::Direct(address) => Some(address),
            Self::Relayed { .. } => None,
        }
    }

    /// The relay between, if there is one.
    pub(crate) fn region(self) -> Option<Region> {
        match self {
            Self::Direct(_) => None,
            Self::Relayed { region, .. } => Some(region),
        }
    }

    /// What handshakes from here are counted by, and what a cookie is bound to. All that comes through a relay comes
    /// from the relay's address: whoever floods through it must not use up what honest peers behind it may send. So
    /// the sender's key takes the address's part, as a unique local address (RFC 4193).
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

    /// Whether a datagram of `peer` may come from here: a relay says whose it is.
    pub(super) fn admits(self, peer: &PublicKey) -> bool {
        match self {
            Self::Direct(_) => true,
            Self::Relayed { peer: stamped, .. } => stamped == *peer,
        }
    }
}

impl From<SocketAddr> for Place {
    fn from(address: SocketAddr) -> Self {
        Self::Direct(address)
    }
}

impl fmt::Display for Place {
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
    fn behind_one_relay_each_key_counts_for_itself() {
        let region: Region = "blr1".parse().unwrap();
        let relayed = |key: u8| Place::Relayed { region, peer: PublicKey::from([key; 32]) };
        assert_ne!(relayed(1).ip(), relayed(2).ip());
        assert!(relayed(1).ip().to_string().starts_with("fd01:"), "{}", relayed(1).ip());
        let address: SocketAddr = "192.0.2.7:51820".parse().unwrap();
        assert_eq!(Place::from(address).ip(), address.ip());
        assert_eq!(relayed(1).to_string(), "RELAY blr1");
        assert_eq!(Place::from(address).to_string(), "DIRECT 192.0.2.7:51820");
    }
}
