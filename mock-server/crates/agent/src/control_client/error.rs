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
        /// The Retry-After header (RFC 9110, section 10.2.3), at most some minutes.
        retry_after: Option<Duration>,
        /// Whether it came in the control plane's envelope, `{"success": false, "error": {"code", "message"}}`. Gateways
        /// and proxies refuse in other forms.
        in_envelope: bool,
    },
    /// The control plane did not answer.
    #[error("cannot reach the control plane at {server} ({cause})")]
    Unreachable { server: String, cause: String },
    /// The answer is not that of a QuickZTNA control plane.
    #[error("unexpected response from {server} to {path}: HTTP {status} ({cause}). Check --server")]
    Unexpected { server: String, path: String, status: u16, cause: String },
    /// The credential does not fit into a header.
    #[error("invalid request ({cause}). Check the key or token for blanks and control characters")]
    Unsendable { cause: String },
}

impl ControlError {
    /// Returns whether a retry may succeed: the control plane is unreachable, overloaded or restarting.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Unsendable { .. } => false,
            Self::Refused { status, .. } | Self::Unexpected { status, .. } => {
                *status == 429 || *status >= 500
            }
        }
    }

    /// Returns whether the control plane refused with this code.
    pub(crate) fn has_code(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Returns whether the control plane itself says that it does not know the credential, which no gateway in front of it
    /// says in this form.
    pub(crate) fn disowns_credential(&self) -> bool {
        matches!(self, Self::Refused { status: 401, code, in_envelope: true, .. } if code == "UNAUTHORIZED")
    }

    /// Returns whether the control plane itself says that the machine may not take part: it is quarantined, awaits approval,
    /// or is unknown.
    pub(crate) fn excludes_machine(&self) -> bool {
        self.disowns_credential() || matches!(self, Self::Refused { status: 403, in_envelope: true, .. })
    }

    /// Returns whether the request was decided and had no effect. A request that was not answered, or not by the control
    /// plane, may have had one.
    pub(crate) fn is_definite(&self) -> bool {
        let Self::Refused { status, in_envelope: true, .. } = self else { return false };
        (400..500).contains(status) && *status != 408
    }
}
