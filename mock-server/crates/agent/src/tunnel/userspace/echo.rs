//! Pending echo requests and the replies to them.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::icmp;
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, Icmpv4Repr, IpAddress, IpProtocol, Ipv4Packet};

/// Number of pending requests; the oldest is dropped for a new one.
const MAX_PENDING: usize = 1024;

const PAYLOAD: [u8; 32] = *b"QuickZTNA echo request, 32 bytes";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pong {
    /// The number returned by [`super::Netstack::ping`].
    pub(crate) number: u16,
    pub(crate) from: Ipv4Addr,
    pub(crate) elapsed: Duration,
}

#[derive(Debug)]
struct Request {
    number: u16,
    to: Ipv4Addr,
    sent: Instant,
}

/// The echo requests with one identifier.
#[derive(Debug)]
pub(super) struct Echoes {
    identifier: u16,
    last: u16,
    pending: VecDeque<Request>,
}

impl Echoes {
    pub(super) fn new(identifier: u16) -> Self {
        Self { identifier, last: 0, pending: VecDeque::new() }
    }

    pub(super) fn request(
        &mut self,
        socket: &mut icmp::Socket<'_>,
        to: Ipv4Addr,
        now: Instant,
    ) -> Option<u16> {
        let number = self.last.wrapping_add(1);
        let request = Icmpv4Repr::EchoRequest { ident: self.identifier, seq_no: number, data: &PAYLOAD };
        let buffer = socket.send(request.buffer_len(), to.into()).ok()?;
        request.emit(&mut Icmpv4Packet::new_unchecked(buffer), &ChecksumCapabilities::default());
        self.last = number;
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(Request { number, to, sent: now });
        Some(number)
    }

    /// Returns whether this IPv4 packet is an echo reply with the identifier of these requests.
    pub(super) fn is_reply(&self, packet: &[u8]) -> bool {
        let Ok(packet) = Ipv4Packet::new_checked(packet) else { return false };
        let message = (packet.next_header() == IpProtocol::Icmp).then(|| packet.payload());
        let message = message.and_then(|message| Icmpv4Packet::new_checked(message).ok());
        message.is_some_and(|message| {
            message.msg_type() == Icmpv4Message::EchoReply && message.echo_ident() == self.identifier
        })
    }

    pub(super) fn replies(&mut self, socket: &mut icmp::Socket<'_>, now: Instant) -> Vec<Pong> {
        let mut pongs = Vec::new();
        while let Ok((message, IpAddress::Ipv4(from))) = socket.recv() {
            let reply = Icmpv4Packet::new_checked(message)
                .and_then(|packet| Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()));
            let Ok(Icmpv4Repr::EchoReply { ident, seq_no, .. }) = reply else { continue };
            let position =
                self.pending.iter().position(|request| request.number == seq_no && request.to == from);
            if ident == self.identifier
                && let Some(request) = position.and_then(|position| self.pending.remove(position))
            {
                let elapsed = now.saturating_duration_since(request.sent);
                pongs.push(Pong { number: seq_no, from, elapsed });
            }
        }
        pongs
    }
}
