//! Why a request came to nothing.

use std::time::Duration;

use thiserror::Error;

/// A request that was not answered as asked.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum ControlError {
    /// The control plane says no. Shown as the documents show it (used-count/ST4.2).
    #[error("{code}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its code, such as `KEY_USED`.
        code: String,
        /// Its words.
        message: String,
        /// When to ask again (RFC 9110, section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// No answer.
    #[error("cannot reach the control plane at {server} ({cause})")]
    Unreachable {
        /// Its address.
        server: String,
        /// The system's reason.
        cause: String,
    },
    /// An answer nobody of our kind gives.
    #[error(
        "{server} answered {path} with HTTP {status} and not as a QuickZTNA control plane does ({cause}). Check --server"
    )]
    Unexpected {
        /// Its address.
        server: String,
        /// The endpoint.
        path: String,
        /// The HTTP status.
        status: u16,
        /// What was wrong with it.
        cause: String,
    },
}

impl ControlError {
    /// Whether the same request may be answered a little later: nobody there, overloaded, restarting.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } | Self::Unexpected { status, .. } => {
                *status == 429 || *status >= 500
            }
        }
    }

    /// Whether the control plane refused with this code.
    pub(crate) fn has_code(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Whether the credential is no longer, or never was, one.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }

    /// Whether the credential does not allow it: the machine is quarantined, or awaits its approval.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }
}
