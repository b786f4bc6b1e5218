//! Errors of requests to the control plane.

use std::time::Duration;

use thiserror::Error;

/// A failed request to the control plane.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum ControlError {
    /// The control plane refused the request. Displayed as documented (used-count/ST4.2).
    #[error("{code}: {message}")]
    Refused {
        status: u16,
        /// The error code, such as `KEY_USED`.
        code: String,
        message: String,
        /// The Retry-After header (RFC 9110, section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// The control plane did not answer.
    #[error("cannot reach the control plane at {server} ({cause})")]
    Unreachable { server: String, cause: String },
    /// The answer is not that of a QuickZTNA control plane.
    #[error("unexpected response from {server} to {path}: HTTP {status} ({cause}). Check --server")]
    Unexpected { server: String, path: String, status: u16, cause: String },
}

impl ControlError {
    /// Returns whether a retry may succeed: the control plane is unreachable, overloaded or restarting.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } | Self::Unexpected { status, .. } => {
                *status == 429 || *status >= 500
            }
        }
    }

    /// Returns whether the control plane refused with this code.
    pub(crate) fn has_code(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Returns whether the credential is invalid or revoked.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }

    /// Returns whether the credential lacks permission, as that of a quarantined or pending machine does.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }
}
