//! One WireGuard session with one machine, without I/O.

use std::net::{IpAddr, Ipv4Addr};

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::PublicKey;

use harness_model::scenario::model::Initiator;

use super::echo::{self, Inner};
use super::key::NodeKey;

/// Enough for any datagram with what WireGuard adds.
const BUFFER: usize = 1 << 16;

const INITIATION: u8 = 1;
const RESPONSE: u8 = 2;
const DATA: u8 = 4;

/// A session that is to be made, or is made.
pub(super) struct Session {
    tunn: Tunn,
    initiator: Initiator,
    source: Ipv4Addr,
    target: Ipv4Addr,
    identifier: u16,
    is_open: bool,
    buffer: Vec<u8>,
}

/// What a datagram was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// Part of a handshake that is not complete yet.
    Greeting,
    /// What completed the handshake.
    Handshake,
    /// The answer to a ping, from this inner address.
    Pong {
        /// Its inner source.
        from: Ipv4Addr,
        /// Where it says to go.
        to: Ipv4Addr,
        /// Which ping it answers.
        sequence: u16,
    },
    /// A packet that was nothing of that.
    Other(&'static str),
    /// A datagram that is not to be answered: the handshake is to be begun by the peer.
    Unasked,
    /// A datagram that WireGuard refuses.
    Refused(String),
}

impl Session {
    /// With the holder of `theirs`, whose inner address is `target`; pings will come from `source`.
    pub(super) fn new(
        own: &NodeKey,
        theirs: PublicKey,
        initiator: Initiator,
        source: Ipv4Addr,
        target: Ipv4Addr,
    ) -> Self {
        // Numbers of an earlier session must not be taken for this one's.
        let index = rand::random::<u32>() >> 8;
        Self {
            tunn: Tunn::new(own.private(), theirs, None, None, index, None),
            initiator,
            source,
            target,
            identifier: rand::random(),
            is_open: false,
            buffer: vec![0; BUFFER],
        }
    }

    /// Whether the handshake is complete, so that pings can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A handshake initiation.
    pub(super) fn greet(&mut self) -> Option<Vec<u8>> {
        match self.tunn.format_handshake_initiation(&mut self.buffer, true) {
            TunnResult::WriteToNetwork(datagram) => Some(datagram.to_vec()),
            _ => None,
        }
    }

    /// An encrypted ping; none before the handshake.
    pub(super) fn ping(&mut self, sequence: u16) -> Option<Vec<u8>> {
        if !self.is_open {
            return None; // boringtun would begin a handshake of its own
        }
        let request = echo::request(self.source, self.target, self.identifier, sequence);
        match self.tunn.encapsulate(&request, &mut self.buffer) {
            TunnResult::WriteToNetwork(datagram) => Some(datagram.to_vec()),
            _ => None,
        }
    }

    /// Takes a datagram; what it was, and what is to be answered.
    pub(super) fn hear(&mut self, from: IpAddr, datagram: &[u8]) -> (Heard, Option<Vec<u8>>) {
        let kind = datagram.first().copied().unwrap_or_default();
        if kind == INITIATION && self.initiator == Initiator::Peer {
            return (Heard::Unasked, None);
        }
        if datagram.is_empty() {
            return (Heard::Refused("an empty datagram".to_owned()), None);
        }
        let (heard, answer) = match self.tunn.decapsulate(Some(from), datagram, &mut self.buffer) {
            TunnResult::Done => (Heard::Other("a keepalive"), None),
            TunnResult::WriteToNetwork(answer) => (Heard::Greeting, Some(answer.to_vec())),
            TunnResult::WriteToTunnelV4(packet, _) => match echo::read(packet, self.identifier) {
                Inner::Pong { from, to, sequence } => (Heard::Pong { from, to, sequence }, None),
                Inner::Other => (Heard::Other("a packet that answers no ping"), None),
            },
            TunnResult::WriteToTunnelV6(..) => (Heard::Other("an IPv6 packet"), None),
            TunnResult::Err(error) => return (Heard::Refused(format!("{error:?}")), None),
        };
        // The initiator is done with the response; the other side with the first thing encrypted for the new session.
        let completes = match self.initiator {
            Initiator::Peer => kind == RESPONSE,
            Initiator::Agent => kind == DATA,
        };
        if completes && !self.is_open {
            self.is_open = true;
            return (Heard::Handshake, answer);
        }
        (heard, answer)
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

    /// Passes datagrams back and forth until there are none; what the first heard.
    fn converse(peer: &mut Session, agent: &mut Session, mut datagram: Option<Vec<u8>>) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(sent) = datagram {
            let Some(answer) = agent.hear(HERE, &sent).1 else { break };
            let (what, next) = peer.hear(HERE, &answer);
            heard.push(what);
            datagram = next;
        }
        heard
    }

    #[test]
    fn the_one_who_begins_has_a_session_with_the_response() {
        let (mut peer, mut agent) = pair(2, Initiator::Peer);
        assert_eq!(peer.ping(1), None);
        let greeting = peer.greet();
        assert_eq!(converse(&mut peer, &mut agent, greeting), [Heard::Handshake]);
        assert!(peer.is_open() && agent.is_open());
        let ping = peer.ping(1).unwrap();
        assert_eq!(agent.hear(HERE, &ping).0, Heard::Other("a packet that answers no ping"));
    }

    #[test]
    fn the_other_has_one_with_the_first_data_only() {
        let (mut peer, mut agent) = pair(2, Initiator::Agent);
        let greeting = agent.greet().unwrap();
        let (heard, response) = peer.hear(HERE, &greeting);
        assert_eq!((heard, peer.is_open()), (Heard::Greeting, false));
        let (_, keepalive) = agent.hear(HERE, &response.unwrap());
        assert_eq!(peer.hear(HERE, &keepalive.unwrap()).0, Heard::Handshake);
        assert!(peer.ping(1).is_some());
    }

    #[test]
    fn a_key_that_is_not_the_believed_one_brings_no_session() {
        let (mut peer, mut agent) = pair(3, Initiator::Peer);
        let greeting = peer.greet().unwrap();
        let (heard, answer) = agent.hear(HERE, &greeting);
        assert!(matches!(heard, Heard::Refused(_)) && answer.is_none(), "{heard:?}");
        let (mut peer, mut agent) = pair(3, Initiator::Agent);
        let greeting = agent.greet().unwrap();
        assert!(matches!(peer.hear(HERE, &greeting).0, Heard::Refused(_)));
        assert!(!peer.is_open());
    }

    #[test]
    fn the_one_who_begins_heeds_no_initiation_and_no_noise() {
        let (mut peer, mut agent) = pair(2, Initiator::Peer);
        agent.initiator = Initiator::Peer;
        let greeting = agent.greet().unwrap();
        assert_eq!(peer.hear(HERE, &greeting), (Heard::Unasked, None));
        for noise in [&b""[..], &[2; 92], &[4; 64], &[9; 5], &[4, 0, 0, 0]] {
            assert!(matches!(peer.hear(HERE, noise), (Heard::Refused(_), None)));
        }
        assert!(!peer.is_open());
    }
}
