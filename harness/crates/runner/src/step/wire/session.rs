//! A WireGuard session with one machine, without I/O.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::PublicKey;

use harness_model::scenario::model::Initiator;

use super::echo::{self, Inner};
use super::key::NodeKey;

/// Large enough for any datagram with WireGuard's overhead.
const BUFFER_SIZE: usize = 1 << 16;

const INITIATION: u8 = 1;
const RESPONSE: u8 = 2;
const DATA: u8 = 4;

pub(super) struct Session {
    tunn: Tunn,
    initiator: Initiator,
    source: Ipv4Addr,
    target: Ipv4Addr,
    identifier: u16,
    is_open: bool,
    buffer: Vec<u8>,
}

/// What a received datagram contained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Received {
    /// Part of a handshake that is not complete yet.
    HandshakePart,
    /// The message that completed the handshake.
    Handshake,
    /// The reply to a ping, with its inner addresses.
    Pong { from: Ipv4Addr, to: Ipv4Addr, sequence: u16 },
    /// Any other packet of the session.
    Other(&'static str),
    /// An initiation that is ignored because the peer itself initiates. Whose it is was not verified.
    IgnoredInitiation,
    /// A datagram that WireGuard rejects.
    Rejected(String),
}

impl Session {
    /// Creates a session with the holder of `theirs`. Pings go from the inner address `source` to `target`.
    pub(super) fn new(
        own: &NodeKey,
        theirs: PublicKey,
        initiator: Initiator,
        source: Ipv4Addr,
        target: Ipv4Addr,
    ) -> Self {
        // Datagrams of an earlier session must not match this session's index.
        let index = rand::random::<u32>() >> 8;
        // All machines of the organisation may initiate a handshake with the peer. By default boringtun demands a cookie
        // after ten initiations, whoever sends them.
        let private = own.private();
        let unlimited = Arc::new(RateLimiter::new(&PublicKey::from(&private), u64::MAX));
        Self {
            tunn: Tunn::new(private, theirs, None, None, index, Some(unlimited)),
            initiator,
            source,
            target,
            identifier: rand::random(),
            is_open: false,
            buffer: vec![0; BUFFER_SIZE],
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn initiate(&mut self) -> Option<Vec<u8>> {
        match self.tunn.format_handshake_initiation(&mut self.buffer, true) {
            TunnResult::WriteToNetwork(datagram) => Some(datagram.to_vec()),
            _ => None,
        }
    }

    /// Builds an encrypted ping; `None` before the handshake is complete.
    pub(super) fn ping(&mut self, sequence: u16) -> Option<Vec<u8>> {
        if !self.is_open {
            return None; // boringtun would start a handshake by itself
        }
        let request = echo::request(self.source, self.target, self.identifier, sequence);
        match self.tunn.encapsulate(&request, &mut self.buffer) {
            TunnResult::WriteToNetwork(datagram) => Some(datagram.to_vec()),
            _ => None,
        }
    }

    /// Processes a datagram. Returns what it was, and the datagram to send back.
    pub(super) fn on_datagram(&mut self, from: IpAddr, datagram: &[u8]) -> (Received, Option<Vec<u8>>) {
        let kind = datagram.first().copied().unwrap_or_default();
        if kind == INITIATION && self.initiator == Initiator::Peer {
            return (Received::IgnoredInitiation, None);
        }
        if datagram.is_empty() {
            return (Received::Rejected("an empty datagram".to_owned()), None);
        }
        let (received, reply) = match self.tunn.decapsulate(Some(from), datagram, &mut self.buffer) {
            TunnResult::Done => (Received::Other("a keepalive"), None),
            TunnResult::WriteToNetwork(reply) => (Received::HandshakePart, Some(reply.to_vec())),
            TunnResult::WriteToTunnelV4(packet, _) => match echo::read(packet, self.identifier) {
                Inner::Pong { from, to, sequence } => (Received::Pong { from, to, sequence }, None),
                Inner::Other => (Received::Other("a packet other than a ping reply"), None),
            },
            TunnResult::WriteToTunnelV6(..) => (Received::Other("an IPv6 packet"), None),
            TunnResult::Err(error) => return (Received::Rejected(format!("{error:?}")), None),
        };
        // The handshake is complete for the initiator with the response, for the responder with the first data packet.
        let completes = match self.initiator {
            Initiator::Peer => kind == RESPONSE,
            Initiator::Agent => kind == DATA,
        };
        if completes && !self.is_open {
            self.is_open = true;
            return (Received::Handshake, reply);
        }
        (received, reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn pair(theirs: u8, initiator: Initiator) -> (Session, Session) {
        let (one, two) = (NodeKey::from_random([1; 32]), NodeKey::from_random([2; 32]));
        let believed = NodeKey::from_random([theirs; 32]);
        let (a, b) = (Ipv4Addr::new(100, 64, 0, 1), Ipv4Addr::new(100, 64, 0, 2));
        let peer = Session::new(&one, PublicKey::from(&believed.private()), initiator, a, b);
        let other = match initiator {
            Initiator::Peer => Initiator::Agent,
            Initiator::Agent => Initiator::Peer,
        };
        (peer, Session::new(&two, PublicKey::from(&one.private()), other, b, a))
    }

    /// Passes datagrams back and forth until there are none, and returns what `peer` received.
    fn converse(peer: &mut Session, agent: &mut Session, mut datagram: Option<Vec<u8>>) -> Vec<Received> {
        let mut received = Vec::new();
        while let Some(sent) = datagram {
            let Some(reply) = agent.on_datagram(HERE, &sent).1 else { break };
            let (what, next) = peer.on_datagram(HERE, &reply);
            received.push(what);
            datagram = next;
        }
        received
    }

    #[test]
    fn initiator_is_open_after_the_response() {
        let (mut peer, mut agent) = pair(2, Initiator::Peer);
        assert_eq!(peer.ping(1), None);
        let initiation = peer.initiate();
        assert_eq!(converse(&mut peer, &mut agent, initiation), [Received::Handshake]);
        assert!(peer.is_open() && agent.is_open());
        let ping = peer.ping(1).unwrap();
        assert_eq!(agent.on_datagram(HERE, &ping).0, Received::Other("a packet other than a ping reply"));
    }

    #[test]
    fn responder_is_open_after_the_first_data() {
        let (mut peer, mut agent) = pair(2, Initiator::Agent);
        let initiation = agent.initiate().unwrap();
        let (received, response) = peer.on_datagram(HERE, &initiation);
        assert_eq!((received, peer.is_open()), (Received::HandshakePart, false));
        let (_, keepalive) = agent.on_datagram(HERE, &response.unwrap());
        assert_eq!(peer.on_datagram(HERE, &keepalive.unwrap()).0, Received::Handshake);
        assert!(peer.ping(1).is_some());
    }

    #[test]
    fn wrong_key_opens_no_session() {
        let (mut peer, mut agent) = pair(3, Initiator::Peer);
        let initiation = peer.initiate().unwrap();
        let (received, reply) = agent.on_datagram(HERE, &initiation);
        assert!(matches!(received, Received::Rejected(_)) && reply.is_none(), "{received:?}");
        let (mut peer, mut agent) = pair(3, Initiator::Agent);
        let initiation = agent.initiate().unwrap();
        assert!(matches!(peer.on_datagram(HERE, &initiation).0, Received::Rejected(_)));
        assert!(!peer.is_open());
    }

    /// With boringtun's own limit, all initiations after the tenth are answered with a cookie.
    #[test]
    fn many_initiations_of_other_machines_delay_no_handshake() {
        let (mut peer, mut agent) = pair(2, Initiator::Agent);
        let (own, peers) = (NodeKey::from_random([4; 32]), NodeKey::from_random([1; 32]));
        let (a, c) = (Ipv4Addr::new(100, 64, 0, 1), Ipv4Addr::new(100, 64, 0, 3));
        let mut other = Session::new(&own, PublicKey::from(&peers.private()), Initiator::Peer, c, a);
        for _ in 0..100 {
            let initiation = other.initiate().unwrap();
            let (received, reply) = peer.on_datagram(HERE, &initiation);
            assert!(matches!(received, Received::Rejected(_)) && reply.is_none(), "{received:?}");
        }
        let initiation = agent.initiate().unwrap();
        let (received, reply) = peer.on_datagram(HERE, &initiation);
        assert_eq!((received, reply.unwrap()[0]), (Received::HandshakePart, RESPONSE));
    }

    #[test]
    fn initiator_ignores_initiations_and_noise() {
        let (mut peer, mut agent) = pair(2, Initiator::Peer);
        agent.initiator = Initiator::Peer;
        let initiation = agent.initiate().unwrap();
        assert_eq!(peer.on_datagram(HERE, &initiation), (Received::IgnoredInitiation, None));
        for noise in [&b""[..], &[2; 92], &[4; 64], &[9; 5], &[4, 0, 0, 0]] {
            assert!(matches!(peer.on_datagram(HERE, noise), (Received::Rejected(_), None)));
        }
        assert!(!peer.is_open());
    }
}
