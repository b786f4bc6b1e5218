//! What an IPv4 packet belongs to.

use std::net::Ipv4Addr;

use ztna_protocol::access::Grants;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
/// Destination unreachable, source quench, time exceeded, parameter problem (RFC 792).
const ERRORS: [u8; 4] = [3, 4, 11, 12];

/// Later fragments that begin before the end of the longest headers (60 + 20 bytes) could replace what was judged
/// (RFC 1858, RFC 3128).
const MIN_FRAGMENT_OFFSET: usize = 80;

/// One direction between two machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) protocol: u8,
    /// The sender's port; the identifier of echo requests; 0 without either.
    pub(super) from: u16,
    pub(super) to: u16,
}

/// A packet, as far as rules are concerned with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) destination: Ipv4Addr,
    pub(super) contents: Contents,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Flow(Flow),
    /// A part of a packet without its beginning.
    Fragment,
    /// The answer to an echo request of this flow.
    Reply(Flow),
    /// An ICMP error about a packet of this flow.
    Error(Flow),
    /// Too short to say what it belongs to, or made to be taken for something else.
    Malformed,
}

impl Flow {
    /// Whether a packet of it may be an answer to the other side. Echo requests are none.
    pub(super) const fn may_be_answer(self) -> bool {
        self.protocol != ICMP
    }
}

/// Reads an IPv4 packet; `None` if it is none.
pub(super) fn read(packet: &[u8]) -> Option<Read> {
    let header = packet.first_chunk::<20>()?;
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_len < header.len() {
        return None;
    }
    let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
    let offset = usize::from(u16::from_be_bytes([header[6], header[7]]) & 0x1fff) * 8;
    let contents = match (offset, packet.get(header_len..)) {
        (0, Some(payload)) => contents(header[9], payload),
        (MIN_FRAGMENT_OFFSET.., _) => Contents::Fragment,
        _ => Contents::Malformed,
    };
    Some(Read { destination, contents })
}

/// Whether the rules allow to open this, to a port of TCP and UDP.
pub(super) fn allows(grants: &Grants, protocol: u8, port: u16) -> bool {
    match protocol {
        TCP => grants.allow_tcp(port),
        UDP => grants.allow_udp(port),
        ICMP => grants.allow_icmp(),
        _ => grants.allow_others(),
    }
}

fn contents(protocol: u8, payload: &[u8]) -> Contents {
    let flow = match protocol {
        // A shorter beginning would leave the flags to a later fragment.
        TCP if payload.len() < 20 => None,
        TCP | UDP => ports(payload).map(|(from, to)| Flow { protocol, from, to }),
        ICMP => return icmp(payload),
        _ => Some(Flow { protocol, from: 0, to: 0 }),
    };
    flow.map_or(Contents::Malformed, Contents::Flow)
}

fn icmp(payload: &[u8]) -> Contents {
    let Some(header) = payload.first_chunk::<8>() else { return Contents::Malformed };
    match header[0] {
        kind @ (ECHO_REQUEST | ECHO_REPLY) => {
            let request = Flow { protocol: ICMP, from: u16::from_be_bytes([header[4], header[5]]), to: 0 };
            if kind == ECHO_REQUEST { Contents::Flow(request) } else { Contents::Reply(request) }
        }
        kind if ERRORS.contains(&kind) => match payload.get(header.len()..).and_then(about) {
            Some(flow) => Contents::Error(flow),
            None => Contents::Malformed,
        },
        _ => Contents::Flow(Flow { protocol: ICMP, from: 0, to: 0 }),
    }
}

/// Reads the beginning of the packet that an ICMP error is about: its header and at least 8 bytes.
fn about(packet: &[u8]) -> Option<Flow> {
    let header = packet.first_chunk::<20>()?;
    let payload = packet.get(usize::from(header[0] & 0x0f) * 4..)?;
    let protocol = header[9];
    match protocol {
        TCP | UDP => ports(payload).map(|(from, to)| Flow { protocol, from, to }),
        ICMP => match icmp(payload) {
            Contents::Flow(flow) => Some(flow),
            _ => None,
        },
        _ => Some(Flow { protocol, from: 0, to: 0 }),
    }
}

fn ports(payload: &[u8]) -> Option<(u16, u16)> {
    let &[a, b, c, d] = payload.first_chunk::<4>()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}
