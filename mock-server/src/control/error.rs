//! Errors of the control plane's operations.

use crate::domain::Refusal;
use crate::store::StoreError;

/// The reason why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A rule refused the operation; the caller is told why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed; the cause is only logged.
    #[error(transparent)]
    Store(#[from] StoreError),
}
