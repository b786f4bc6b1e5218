//! Datagrams that pass through a relay.

use boringtun::x25519::PublicKey;

use crate::tunnel::core::PeerPath;

/// A datagram received from a relay.
#[derive(Debug)]
pub(in crate::tunnel) struct RelayedDatagram {
    pub(in crate::tunnel) from: PeerPath,
    pub(in crate::tunnel) bytes: Vec<u8>,
}

/// A datagram to be sent through a relay.
#[derive(Debug)]
pub(super) struct OutgoingDatagram {
    pub(super) to: PublicKey,
    pub(super) bytes: Vec<u8>,
}
