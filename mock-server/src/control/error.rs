//! How an operation can end other than well.

use crate::domain::Refusal;
use crate::store::StoreError;

/// Either the caller is told no, or the store failed and nobody is to blame but us.
#[derive(Debug)]
pub enum Failure {
    /// A rule refused; the caller is told which.
    Refused(Refusal),
    /// The store failed; the caller is told nothing more than that.
    Store(StoreError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
