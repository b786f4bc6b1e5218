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

#[cfg(test)]
mod tests {
    use super::*;

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
