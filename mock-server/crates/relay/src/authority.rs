//! Who says which machines may use a relay.

use futures::future::BoxFuture;
use ztna_protocol::relay::Member;

/// The authority does not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the control plane does not tell which machines may use the relay ({0})")]
pub struct AuthorityError(pub String);

/// Knows machines by the hashes of their tokens.
pub trait Authority: Send + Sync {
    /// For each hash the machine that holds the token, in the same order; nothing for a token that nobody holds, or
    /// whose machine is in quarantine or waits for approval.
    fn members(
        &self,
        token_hashes: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>>;
}
