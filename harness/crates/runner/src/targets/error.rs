//! Failures of a target or its environment.

use std::error::Error;

use crate::exchange::ExchangeError;

use super::profile::ProfileNotes;

/// The cause of a failure, whose type depends on the target.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A failure of the target or its environment, as opposed to non-conformance.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("failed to start the control plane: {0}")]
    Start(#[source] Cause),
    /// The reference cannot be run in containers.
    #[error("{0}")]
    Engine(#[source] Cause),
    /// A machine's own host, or the kit's at an address of its own, cannot be started.
    #[error("failed to start a machine: {0}")]
    Machine(#[source] Cause),
    #[error("target {base_url} is unreachable: {cause}")]
    Unreachable { base_url: String, cause: ExchangeError },
    /// The base URL redirects to another server.
    #[error("target {base_url} redirects to {elsewhere}\nset base_url = \"{elsewhere}\" in {profile}")]
    Moved { base_url: String, elsewhere: String, profile: String },
    /// A token was refused and cannot be replaced.
    #[error(
        "the token of `{identity}` was refused with 401 {cause}: it has expired, or belongs to another target\n\
         renew the source of tokens.{identity} in {profile}, or change it to {{ login = … }} or {{ command = \"…\" }}, \
         which the kit renews itself"
    )]
    Spent { identity: &'static str, cause: RenewalFailure, profile: String },
    #[error("no token for `{identity}`: {cause}")]
    Token { identity: &'static str, cause: Cause },
    #[error("failed to advance the target's clock: {0}")]
    Clock(#[source] Cause),
    #[error("failed to approve the device login: {0}")]
    Approval(#[source] Cause),
    /// The profile does not fit the target.
    #[error("{0}")]
    Profile(Box<ProfileNotes>),
    /// The profile's reset hook failed.
    #[error("failed to reset the target: {0}")]
    Reset(#[source] Cause),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Why a refused token cannot be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenewalFailure {
    #[error("and cannot be renewed")]
    NotRenewable,
    #[error("and its source still returns the same token")]
    SameToken,
}

/// A failure of something that the profile configures.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProfileSettingError {
    #[error("{key} is not set\nadd it to {profile}")]
    Missing { key: String, profile: String },
    #[error("{cause}\ncheck {key} in {profile}")]
    Failed { cause: Cause, key: String, profile: String },
}
