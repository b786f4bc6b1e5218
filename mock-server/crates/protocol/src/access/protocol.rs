/// The protocols that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    /// TCP and UDP to the ports and ICMP; with all ports, every other protocol as well.
    #[default]
    Any,
}

impl Protocol {
    pub(super) const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Any];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Any => "any",
        }
    }
}
