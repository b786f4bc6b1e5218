//! What a tunnel ends in, by name.

use serde::{Deserialize, Serialize};

/// What a tunnel ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The kernel, behind a TUN device.
    Tun,
    /// An IP stack in the agent's own process.
    Userspace,
}

impl Mode {
    /// As `ztna status` names it (headless/ST2.2).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tun => "TUN (kernel)",
            Self::Userspace => "userspace",
        }
    }

    /// As `ztna up` names it (headless/ST2.1).
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Tun => "tun",
            Self::Userspace => "userspace",
        }
    }
}
