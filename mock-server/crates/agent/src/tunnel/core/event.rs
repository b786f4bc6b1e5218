use boringtun::x25519::PublicKey;

use super::peer_path::PeerPath;

/// Something that happened, for the log and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A handshake with the peer was completed.
    Handshake { peer: PublicKey },
    /// The path to the peer has changed.
    Roamed { peer: PublicKey, to: PeerPath },
    /// The handshake with the peer was given up for now.
    Expired { peer: PublicKey },
    /// A datagram or an inner packet was dropped.
    Dropped(DropReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// Not a WireGuard message, or not for this node's key.
    Malformed,
    /// Too many handshakes: the sender was sent a cookie, with which it must prove its address.
    UnderLoad,
    /// Received directly by a node that uses relays only.
    NotRelayed,
    /// Received from a tailnet address: answers would be sent into the tunnel that they belong to, in a loop.
    FromTailnet,
    /// No known peer has sent it or owns its destination.
    UnknownPeer,
    /// Claims a known peer, but is forged, replayed or of an expired session.
    Rejected,
    /// The sender named by the relay is not the peer that created it.
    WrongRelayedSender,
    /// The source of the inner packet is not the peer's own address.
    SpoofedSource,
    NotIpv4,
    /// The access rules do not allow it.
    Denied,
    /// Longer than the payload of a datagram.
    TooLong,
    /// The destination peer has no known endpoint.
    NoEndpoint,
    /// Too many packets wait for a handshake, of which the oldest is dropped, or too many datagrams for the socket.
    QueueFull,
}
