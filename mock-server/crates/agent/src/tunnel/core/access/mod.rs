//! What the access rules let through between this machine and one peer.
//!
//! A received packet passes if the rules let the peer open what it belongs to, or if it belongs to a connection that this
//! machine has opened and may open. Packets that are sent are recorded from the beginning, also while there are no rules,
//! so that new rules do not end connections that they allow.

mod flow;
mod flows;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use ztna_protocol::access::Grants;

use flow::{Contents, Flow, read};
use flows::Flows;

/// What this machine and a peer may open to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerAccess {
    /// This machine's address, the only one that the peer may send to. Not looked at where everything is allowed.
    pub(crate) own_address: Ipv4Addr,
    /// What the peer may open to this machine.
    pub(crate) incoming: Grants,
    /// What this machine may open to the peer.
    pub(crate) outgoing: Grants,
}

/// The access rules between this machine and one peer, and the connections that this machine has opened.
#[derive(Debug)]
pub(super) struct Filter {
    access: Arc<PeerAccess>,
    is_open: bool,
    opened: Flows,
    denied: u64,
}

impl PeerAccess {
    /// That of machines without rules.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn everything() -> Arc<Self> {
        let (incoming, outgoing) = (Grants::everything(), Grants::everything());
        Arc::new(Self { own_address: Ipv4Addr::UNSPECIFIED, incoming, outgoing })
    }

    /// That of a peer of which nothing is known yet.
    pub(crate) fn nothing() -> Arc<Self> {
        let (incoming, outgoing) = (Grants::default(), Grants::default());
        Arc::new(Self { own_address: Ipv4Addr::UNSPECIFIED, incoming, outgoing })
    }

    fn is_nothing(&self) -> bool {
        self.incoming.is_nothing() && self.outgoing.is_nothing()
    }
}

impl Filter {
    /// Creates a filter that lets nothing through until there are settings.
    pub(super) fn closed() -> Self {
        Self { access: PeerAccess::nothing(), is_open: false, opened: Flows::default(), denied: 0 }
    }

    pub(super) fn configure(&mut self, access: &Arc<PeerAccess>) {
        self.access = Arc::clone(access);
        self.is_open = access.incoming.is_everything() && access.outgoing.is_everything();
    }

    /// The number of packets that were not let through.
    pub(super) const fn denied(&self) -> u64 {
        self.denied
    }

    /// Whether a packet from the peer passes.
    pub(super) fn admits(&mut self, packet: &[u8], now: Instant) -> bool {
        let admitted = self.is_open || self.is_allowed_in(packet, now);
        self.denied += u64::from(!admitted);
        admitted
    }

    /// Whether a packet to the peer may be sent, which is recorded then.
    pub(super) fn permits(&mut self, packet: &[u8], now: Instant) -> bool {
        let permitted = self.is_allowed_out(packet, now);
        self.denied += u64::from(!permitted);
        permitted
    }

    fn is_allowed_in(&self, packet: &[u8], now: Instant) -> bool {
        let Some(read) = read(packet) else { return false };
        // A machine that forwards packets would be a way to what the rules do not name.
        if read.destination != self.access.own_address {
            return false;
        }
        let Flow { protocol, from: peer_port, to: own_port } = match read.contents {
            Contents::Flow(flow) => flow,
            // Without its beginning it comes together to nothing.
            Contents::Fragment => return !self.access.is_nothing(),
            Contents::Reply(to) | Contents::Error(to) => return self.is_opened(to, now),
            Contents::Malformed => return false,
        };
        flow::allows(&self.access.incoming, protocol, own_port)
            || self.is_opened(Flow { protocol, from: own_port, to: peer_port }, now)
    }

    /// Whether this machine has opened the connection that `flow`, from here to the peer, belongs to, and still may.
    fn is_opened(&self, flow: Flow, now: Instant) -> bool {
        flow::allows(&self.access.outgoing, flow.protocol, flow.to) && self.opened.contains(flow, now)
    }

    fn is_allowed_out(&mut self, packet: &[u8], now: Instant) -> bool {
        let Some(read) = read(packet) else { return self.is_open };
        match read.contents {
            Contents::Flow(flow) if flow::allows(&self.access.outgoing, flow.protocol, flow.to) => {
                self.opened.record(flow, now);
                true
            }
            // An answer; the peer lets it in only if it has opened the connection.
            Contents::Flow(flow) => {
                flow.may_be_answer() && flow::allows(&self.access.incoming, flow.protocol, flow.from)
            }
            Contents::Reply(_) => self.access.incoming.allow_icmp(),
            Contents::Fragment | Contents::Error(_) => !self.access.is_nothing(),
            Contents::Malformed => self.is_open,
        }
    }
}
