//! The authority that decides which machines may use a relay.

use futures::future::BoxFuture;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::Member;

/// The authority does not say which machines may use the relay.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot create an HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    #[error("asking the control plane which machines may use the relay failed: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error(
        "asking the control plane which machines may use the relay failed: HTTP {0}. Check that ZTNA_RELAY_SECRET is the same for relay and control plane"
    )]
    Refused(reqwest::StatusCode),
    #[error("unreadable response from the control plane: {0}")]
    Unreadable(#[source] serde_json::Error),
    #[error("response from the control plane is too long: expected at most 1 MiB")]
    TooLong,
    #[error("unexpected response from the control plane: {received} answers for {asked} tokens")]
    Incomplete { asked: usize, received: usize },
    /// An authority in the same process failed.
    #[error("looking up which machines may use the relay failed: {0}")]
    Lookup(String),
}

/// Looks up machines by their tokens.
pub trait Authority: Send + Sync {
    /// Returns the machine of each token, in the same order; `None` if the token is unknown or its machine is
    /// quarantined or awaits approval.
    ///
    /// # Errors
    /// [`AuthorityError`] if the authority does not answer.
    fn members(
        &self,
        tokens: Vec<TokenReference>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>>;
}
