use std::fmt;

/// The maximum number of sources, and of destinations, of a rule.
pub const MAX_SELECTORS: usize = 64;

/// How much of a wrong text is repeated.
const MAX_SHOWN: usize = 80;

/// Why a rule is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{list}: expected 1 to {MAX_SELECTORS} elements")]
    Length { list: &'static str },
    #[error("{part}: {reason}")]
    Invalid { part: Part, reason: InvalidText },
}

/// A part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Src(usize),
    Dst(usize),
    Proto,
}

/// Why a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {text:?}: expected {expected}")]
pub struct InvalidText {
    kind: &'static str,
    text: String,
    expected: &'static str,
}

impl RuleError {
    pub(super) const fn invalid(part: Part, reason: InvalidText) -> Self {
        Self::Invalid { part, reason }
    }
}

impl InvalidText {
    pub(super) fn selector(text: &str) -> Self {
        Self::new("source or destination", text, "tag:NAME or *")
    }

    pub(super) fn destination(text: &str) -> Self {
        Self::new("destination", text, "tag:NAME:PORTS or *:PORTS, such as tag:prod:22")
    }

    pub(super) fn ports(text: &str) -> Self {
        Self::new("ports", text, "*, or up to 16 ports and ranges from 1 to 65535, such as 22,8000-8080")
    }

    pub(super) fn protocol(text: &str) -> Self {
        Self::new("protocol", text, "tcp, udp, icmp or any")
    }

    pub(super) fn icmp_port(text: &str) -> Self {
        Self::new("destination", text, "the ports * with icmp, which has no ports")
    }

    fn new(kind: &'static str, text: &str, expected: &'static str) -> Self {
        Self { kind, text: text.chars().take(MAX_SHOWN).collect(), expected }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Src(at) => write!(f, "src[{at}]"),
            Self::Dst(at) => write!(f, "dst[{at}]"),
            Self::Proto => f.write_str("proto"),
        }
    }
}
