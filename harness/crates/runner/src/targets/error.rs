//! Failures of a target or its environment.

use crate::exchange::ExchangeError;

/// A failure of the target or its environment, as opposed to non-conformance.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("failed to start the reference: {0}")]
    Start(String),
    #[error("target {base_url} is unreachable: {cause}")]
    Unreachable { base_url: String, cause: String },
    /// The base URL redirects to another server.
    #[error("target {base_url} redirects to {elsewhere}\nset base_url = \"{elsewhere}\" in {profile}")]
    Moved { base_url: String, elsewhere: String, profile: String },
    /// A token was refused and cannot be replaced.
    #[error(
        "the token of `{identity}` was refused with 401 {cause}: it has expired, or belongs to another target\n\
         renew the source of tokens.{identity} in {profile}, or change it to {{ login = … }} or {{ command = \"…\" }}, \
         which the kit renews itself"
    )]
    Spent {
        identity: &'static str,
        /// Why there is no other token.
        cause: String,
        profile: String,
    },
    #[error("no token for `{identity}`: {cause}")]
    Token { identity: &'static str, cause: String },
    #[error("failed to advance the target's clock: {0}")]
    Clock(String),
    #[error("failed to approve the device login: {0}")]
    Approval(String),
    /// The profile's reset hook failed.
    #[error("failed to reset the target: {0}")]
    Reset(String),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}
