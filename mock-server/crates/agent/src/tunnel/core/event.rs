//! What a node tells about itself.

use boringtun::x25519::PublicKey;

use super::place::Place;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A handshake with the peer is complete.
    Handshake {
        /// The peer.
        peer: PublicKey,
    },
    /// The peer was heard from another place than before; answers go there.
    Roamed {
        /// The peer.
        peer: PublicKey,
        /// Where it is now.
        to: Place,
    },
    /// Tries to reach the peer were given up for now.
    Expired {
        /// The peer.
        peer: PublicKey,
    },
    /// A datagram or an inner packet went no further.
    Dropped(Reason),
}

/// Why something was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No WireGuard message, or not meant for this node's key.
    Malformed,
    /// Too many handshakes: the sender has to prove its address first, and was told how.
    UnderLoad,
    /// It came directly, and this node uses relays only.
    NotRelayed,
    /// It came through a tunnel: answers would go into the tunnel that they belong to, and so on for ever.
    FromTheTailnet,
    /// Nobody known sends or owns it.
    UnknownPeer,
    /// A known sender's, but forged, replayed or of a session that has ended.
    Rejected,
    /// A relay says that it comes from somebody else than who made it.
    ForeignRelay,
    /// A peer sent a packet whose inner source is not its own address.
    SpoofedSource,
    /// Not an IPv4 packet.
    NotIpv4,
    /// Longer than a datagram can hold.
    TooLong,
    /// The addressee has no known endpoint.
    NoEndpoint,
    /// Too many packets wait for the same handshake, the oldest of which went; or too many datagrams for the socket.
    QueueFull,
}
