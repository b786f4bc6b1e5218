//! The authority that decides which machines may use a relay.

use futures::future::BoxFuture;
use ztna_protocol::relay::Member;

/// The authority cannot be asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("asking the control plane which machines may use the relay failed: {0}")]
pub struct AuthorityError(pub String);

/// Looks up machines by the hashes of their tokens.
pub trait Authority: Send + Sync {
    /// Returns the machine of each token hash, in the same order; `None` if the token is unknown or its machine is
    /// quarantined or awaits approval.
    ///
    /// # Errors
    /// [`AuthorityError`] if the authority does not answer.
    fn members(
        &self,
        token_hashes: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>>;
}
