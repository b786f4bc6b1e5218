//! Fields of WireGuard messages and inner packets, and the messages of path probing.

use std::net::Ipv4Addr;

/// First byte of a handshake initiation.
pub(super) const INITIATION: u8 = 1;
/// First byte of a handshake response.
pub(super) const RESPONSE: u8 = 2;
/// First byte of a cookie reply, which a node under load sends.
pub(super) const COOKIE_REPLY: u8 = 3;
/// First byte of a data message, which carries an encrypted inner packet.
pub(super) const DATA: u8 = 4;

/// Length of a data message less that of its inner packet.
pub(super) const OVERHEAD: usize = 32;

/// Returns the destination of an IPv4 packet, if its length field is valid.
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let header = packet.first_chunk::<20>()?;
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let valid = header[0] >> 4 == 4 && (20..=packet.len()).contains(&total_len);
    valid.then(|| Ipv4Addr::new(header[16], header[17], header[18], header[19]))
}

/// Returns the counter of a data message, or the highest value if the message is too short.
pub(super) fn counter(datagram: &[u8]) -> u64 {
    let field = datagram.get(8..16).and_then(|bytes| bytes.first_chunk::<8>());
    field.map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}

/// A message of path probing, sent inside the tunnel as an IPv6 packet with no next header (59), whose payload is
/// ignored (RFC 8200, section 4.7). Other implementations drop it because its source is not an allowed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathMessage {
    /// Asks whether a path works; answered on the path that it was received on.
    Probe,
    /// The answer to a probe.
    Answer,
}

const PATH_HEADER: [u8; 40] = {
    let mut header = [0; 40];
    (header[0], header[5], header[6], header[7]) = (0x60, 8, 59, 1);
    // From and to the link-local address fe80::7a74:6e61 ("ztna").
    (header[8], header[9], header[24], header[25]) = (0xfe, 0x80, 0xfe, 0x80);
    (header[20], header[21], header[22], header[23]) = (b'z', b't', b'n', b'a');
    (header[36], header[37], header[38], header[39]) = (b'z', b't', b'n', b'a');
    header
};

impl PathMessage {
    /// Parses an inner packet; `None` if it is no path message.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        match packet.strip_prefix(&PATH_HEADER)? {
            b"probe v1" => Some(Self::Probe),
            b"answerv1" => Some(Self::Answer),
            _ => None,
        }
    }

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
    fn altered_path_messages_are_not_recognised() {
        for message in [PathMessage::Probe, PathMessage::Answer] {
            let packet = message.packet();
            assert_eq!(PathMessage::read(&packet), Some(message));
            for position in 0..packet.len() {
                let mut other = packet;
                other[position] ^= 1;
                assert_eq!(PathMessage::read(&other), None);
            }
        }
        assert_eq!((PathMessage::read(&[]), PathMessage::read(&[0x60; 48])), (None, None));
    }

    #[test]
    fn destination_requires_a_valid_packet() {
        let mut packet = vec![0x45, 0, 0, 21, 0, 0, 0, 0, 64, 1, 0, 0, 100, 64, 0, 1, 100, 64, 0, 2, 7];
        assert_eq!(destination(&packet), Some(Ipv4Addr::new(100, 64, 0, 2)));
        assert_eq!(destination(&packet[..20]), None, "shorter than its length field");
        packet[3] = 19;
        assert_eq!(destination(&packet), None, "shorter than a header");
        packet[..4].copy_from_slice(&[0x65, 0, 0, 21]);
        assert_eq!(destination(&packet), None, "version 6");
        assert_eq!(destination(&[]), None);
    }
}
