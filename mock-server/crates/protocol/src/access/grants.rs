use super::{PortRange, Ports, Protocol};

/// What one machine may open to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Grants {
    tcp: PortSet,
    udp: PortSet,
    icmp: bool,
    /// Protocols without ports that are known here.
    others: bool,
}

/// Disjoint ranges in order; all ports are one range.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct PortSet(Vec<(u16, u16)>);

const ALL_PORTS: PortRange = PortRange { first: 0, last: u16::MAX };

impl Grants {
    #[must_use]
    pub fn everything() -> Self {
        Self::of([(Protocol::Any, &Ports::All)])
    }

    pub(super) fn of<'a>(allowed: impl IntoIterator<Item = (Protocol, &'a Ports)>) -> Self {
        let (mut tcp, mut udp, mut grants) = (Vec::new(), Vec::new(), Self::default());
        for (protocol, ports) in allowed {
            let ranges: &[PortRange] = match ports {
                Ports::All => &[ALL_PORTS],
                Ports::Some(ranges) => ranges,
            };
            if matches!(protocol, Protocol::Tcp | Protocol::Any) {
                tcp.extend_from_slice(ranges);
            }
            if matches!(protocol, Protocol::Udp | Protocol::Any) {
                udp.extend_from_slice(ranges);
            }
            grants.icmp |= matches!(protocol, Protocol::Icmp | Protocol::Any);
            grants.others |= protocol == Protocol::Any && *ports == Ports::All;
        }
        Self { tcp: PortSet::of(tcp), udp: PortSet::of(udp), ..grants }
    }

    /// Whether TCP connections to this port are allowed.
    #[must_use]
    pub fn allow_tcp(&self, port: u16) -> bool {
        self.tcp.contains(port)
    }

    #[must_use]
    pub fn allow_udp(&self, port: u16) -> bool {
        self.udp.contains(port)
    }

    #[must_use]
    pub const fn allow_icmp(&self) -> bool {
        self.icmp
    }

    /// Whether protocols other than TCP, UDP and ICMP are allowed.
    #[must_use]
    pub const fn allow_others(&self) -> bool {
        self.others
    }

    /// Whether everything is allowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.others && self.icmp && self.tcp.is_full() && self.udp.is_full()
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl PortSet {
    fn of(mut ranges: Vec<PortRange>) -> Self {
        ranges.sort_unstable();
        let mut disjoint: Vec<(u16, u16)> = Vec::new();
        for PortRange { first, last } in ranges {
            match disjoint.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => disjoint.push((first, last)),
            }
        }
        Self(disjoint)
    }

    fn contains(&self, port: u16) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= port);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| port <= *last)
    }

    /// Port 0 is none that anything can be sent to.
    fn is_full(&self) -> bool {
        matches!(self.0.as_slice(), [(0 | 1, u16::MAX)])
    }
}
