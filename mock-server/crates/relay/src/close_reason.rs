//! Why a relay closes the connection of a machine.

/// The reason in the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// Too many handshakes are unfinished.
    Busy,
    /// The machine did not send its proof in time.
    ProofTimeout,
    /// The machine sent something else than a proof.
    ProofExpected,
    ProofRefused,
    /// The machine does not read.
    Gone,
    /// The machine may no longer use the relay, or has opened a newer connection.
    CutOff,
}

impl CloseReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "BUSY",
            Self::ProofTimeout => "PROOF_TIMEOUT",
            Self::ProofExpected => "PROOF_EXPECTED",
            Self::ProofRefused => "PROOF_REFUSED",
            Self::Gone => "GONE",
            Self::CutOff => "CUT_OFF",
        }
    }
}
