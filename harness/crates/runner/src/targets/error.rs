//! Why a target cannot be used.

use crate::exchange::ExchangeError;

/// The target, or what surrounds it, failed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The reference does not start.
    #[error("the reference cannot be started: {0}")]
    Start(String),
    /// Nobody answers at the base URL.
    #[error("the target {base_url} cannot be reached: {cause}")]
    Unreachable {
        /// The base URL.
        base_url: String,
        /// What happened.
        cause: String,
    },
    /// Another server is meant.
    #[error("the target {base_url} redirects to {elsewhere}; set base_url = \"{elsewhere}\" in {profile}")]
    Moved {
        /// The base URL.
        base_url: String,
        /// The one that is meant.
        elsewhere: String,
        /// The profile's file.
        profile: String,
    },
    /// A token was refused and there is no other.
    #[error(
        "the token of `{identity}` is refused with 401, {cause}: it has expired, or is none of this target; \
         renew what tokens.{identity} in {profile} names, or write {{ login = … }} or {{ command = \"…\" }} there, \
         which the kit renews by itself"
    )]
    Spent {
        /// Whose.
        identity: &'static str,
        /// What came of renewing it.
        cause: String,
        /// The profile's file.
        profile: String,
    },
    /// There is no token for an identity.
    #[error("there is no token for `{identity}`: {cause}")]
    Token {
        /// Whose.
        identity: &'static str,
        /// What was tried and what came.
        cause: String,
    },
    /// The clock cannot be moved.
    #[error("the target's clock cannot be advanced: {0}")]
    Clock(String),
    /// A device login cannot be approved.
    #[error("the device login cannot be approved: {0}")]
    Approval(String),
    /// The target could not be brought into its first state.
    #[error("the target cannot be reset: {0}")]
    Reset(String),
    /// What was asked got no answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}
