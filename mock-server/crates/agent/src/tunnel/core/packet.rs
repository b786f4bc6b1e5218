//! What has to be read of a packet without understanding it.

use std::net::Ipv4Addr;

/// Message types of WireGuard, the first byte of a datagram.
pub(super) const INITIATION: u8 = 1;
/// The answer to an initiation.
pub(super) const RESPONSE: u8 = 2;
/// The answer of a node under load.
pub(super) const COOKIE_REPLY: u8 = 3;
/// An inner packet, encrypted.
pub(super) const DATA: u8 = 4;

/// Bytes a data message is longer than what is in it.
pub(super) const OVERHEAD: usize = 32;

/// Where an IPv4 packet goes, if it is one that is as long as it says.
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = packet.first_chunk::<20>()?;
    let long = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let sound = header[0] >> 4 == 4 && (20..=packet.len()).contains(&long);
    sound.then(|| Ipv4Addr::new(header[16], header[17], header[18], header[19]))
}

/// The counter of a data message; the highest if there is none.
pub(super) fn counter(datagram: &[u8]) -> u64 {
    let field = datagram.get(8..16).and_then(|bytes| bytes.first_chunk::<8>());
    field.map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}

/// What nodes say about the ways between them, inside the tunnel: an IPv6 packet of no next header (59), whose payload
/// the protocol has ignored (RFC 8200, 4.7). Whoever does not know it drops it, for its source is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathMessage {
    /// Does this arrive? Answered on the way that it came.
    Probe,
    /// It did.
    Answer,
}

const PATH_HEADER: [u8; 40] = {
    let mut header = [0; 40];
    (header[0], header[5], header[6], header[7]) = (0x60, 8, 59, 1);
    // From and to fe80::7a74:6e61, a link-local address: "ztna".
    (header[8], header[9], header[24], header[25]) = (0xfe, 0x80, 0xfe, 0x80);
    (header[20], header[21], header[22], header[23]) = (b'z', b't', b'n', b'a');
    (header[36], header[37], header[38], header[39]) = (b'z', b't', b'n', b'a');
    header
};

impl PathMessage {
    /// The message that this packet is, if it is one.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        match packet.strip_prefix(&PATH_HEADER)? {
            b"probe v1" => Some(Self::Probe),
            b"answerv1" => Some(Self::Answer),
            _ => None,
        }
    }

    /// The packet.
    pub(super) fn packet(self) -> [u8; 48] {
        let mut packet = [0; 48];
        let (header, payload) = packet.split_at_mut(PATH_HEADER.len());
        header.copy_from_slice(&PATH_HEADER);
        payload.copy_from_slice(match self {
            Self::Probe => b"probe v1",
            Self::Answer => b"answerv1",
        });
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_messages_are_told_from_all_else() {
        for message in [PathMessage::Probe, PathMessage::Answer] {
            let packet = message.packet();
            assert_eq!(PathMessage::read(&packet), Some(message));
            for place in 0..packet.len() {
                let mut other = packet;
                other[place] ^= 1;
                assert_eq!(PathMessage::read(&other), None);
            }
        }
        assert_eq!((PathMessage::read(&[]), PathMessage::read(&[0x60; 48])), (None, None));
    }

    #[test]
    fn destinations_of_sound_packets_only() {
        let mut packet = vec![0x45, 0, 0, 21, 0, 0, 0, 0, 64, 1, 0, 0, 100, 64, 0, 1, 100, 64, 0, 2, 7];
        assert_eq!(destination(&packet), Some(Ipv4Addr::new(100, 64, 0, 2)));
        assert_eq!(destination(&packet[..20]), None, "shorter than it says");
        packet[3] = 19;
        assert_eq!(destination(&packet), None, "shorter than a header");
        packet[..4].copy_from_slice(&[0x65, 0, 0, 21]);
        assert_eq!(destination(&packet), None, "version 6");
        assert_eq!(destination(&[]), None);
    }
}
