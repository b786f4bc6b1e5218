//! Who answers behind the base URL of a sub-test.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use reqwest::Url;

use super::error::TargetError;

/// The control plane of one sub-test: its own, or the one that all share.
pub trait ControlPlane: fmt::Debug + Send + Sync {
    /// Whether it exists for this sub-test alone, so that its URL means nothing afterwards and sessions of it end only
    /// when its clock moves.
    fn is_private(&self) -> bool;

    /// Whether there are sessions of that person.
    fn knows(&self, _identity: Identity) -> bool {
        true
    }

    /// A valid session token.
    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>>;

    /// Another token than the one that was refused.
    fn renew<'a>(
        &'a self,
        identity: Identity,
        refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>>;

    /// Brings an answer that no document describes to where the kit reads it.
    fn adapt(&self, _exchange: &mut Exchange) {}

    /// Moves the clock.
    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>>;

    /// Where device logins are approved (RFC 8628).
    ///
    /// # Errors
    /// The target does not say.
    fn approval_endpoint(&self) -> Result<Url, TargetError>;

    /// Ends what was started for the sub-test.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
