//! The control plane behind a sub-test's base URL.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use reqwest::Url;

use super::dashboard::Account;
use super::error::TargetError;
use super::machine_host::MachineHost;

/// The control plane of one sub-test: its own, or a shared one.
pub trait ControlPlane: fmt::Debug + Send + Sync {
    /// Whether it exists for this sub-test only. Then its URL is useless afterwards, and its sessions end only when its clock
    /// moves.
    fn is_private(&self) -> bool;

    /// Whether the target has credentials for the identity.
    fn knows(&self, _identity: Identity) -> bool {
        true
    }

    /// Returns a valid session token.
    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>>;

    /// Returns a token other than the refused one.
    fn renew<'a>(
        &'a self,
        identity: Identity,
        refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>>;

    /// Changes the URL of a request to what the profile says of undocumented endpoints and fields.
    fn redirect(&self, _url: &mut Url) {}

    /// Applies the profile's pointers to a response.
    fn adapt(&self, _exchange: &mut Exchange) {}

    /// Returns the user's email address and password, if the kit knows them.
    fn account(&self, _identity: Identity) -> Option<Account> {
        None
    }

    /// Whether its clock can be advanced.
    fn has_clock(&self) -> bool {
        true
    }

    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>>;

    /// Returns the endpoint that approves device logins (RFC 8628).
    fn approval_endpoint(&self) -> Result<Url, TargetError>;

    /// Returns a host of its own for a machine with that host name, if machines do not run on this one.
    ///
    /// # Errors
    /// The host cannot be started.
    fn machine_host<'a>(
        &'a self,
        _host_name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn MachineHost>>, TargetError>> {
        Box::pin(async { Ok(None) })
    }

    /// Returns where to send a request that is to come from that address, if the kit cannot use the address itself.
    /// Whatever listens there forwards every byte to the control plane.
    ///
    /// # Errors
    /// Nothing can be started at that address.
    fn gate(&self, _from: IpAddr) -> BoxFuture<'_, Result<Option<SocketAddr>, TargetError>> {
        Box::pin(async { Ok(None) })
    }

    /// Returns what was logged for the sub-test outside its steps, with the names of the logs. May contain secrets.
    fn logs(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(async { Vec::new() })
    }

    /// Stops whatever was started for the sub-test.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
