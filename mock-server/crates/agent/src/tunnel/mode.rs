//! The names of the tunnel's modes.

use serde::{Deserialize, Serialize};

/// What a tunnel is connected to on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The kernel's network stack, through a TUN device.
    Tun,
    /// An IP stack in the agent's process.
    Userspace,
}

impl Mode {
    /// Returns the name in `ztna status` (headless/ST2.2).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tun => "TUN (kernel)",
            Self::Userspace => "userspace",
        }
    }

    /// Returns the name in the output of `ztna up` (headless/ST2.1).
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Tun => "tun",
            Self::Userspace => "userspace",
        }
    }
}
