//! Layers in front of the embedded reference: the self-test's deviations.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::Url;

use harness_model::scenario::model::Identity;

use harness_model::target::Deviating;

/// Currently valid sessions of the reference's identities.
pub type Sessions = BTreeMap<Identity, String>;

/// Starts a layer in front of every control plane of a run.
pub trait Front: fmt::Debug + Send + Sync {
    /// Returns the description for reports.
    fn announced(&self) -> Deviating;

    /// Whether the reference trusts `X-Forwarded-For` from every address.
    fn trusts_every_proxy(&self) -> bool;

    /// The arguments that make this program the agent; `None` for the reference's own agent.
    fn agent(&self) -> Option<Vec<OsString>>;

    /// Starts a layer in front of a control plane, at an address of its own.
    fn stand(
        &self,
        origin: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn Standing>>>;
}

/// A layer in front of one control plane; dropping it stops it.
pub trait Standing: Send + Sync {
    fn base_url(&self) -> &Url;

    /// Notifies the layer that the control plane's clock has advanced and earlier sessions may have ended.
    fn time_passed(&self, by: Duration, sessions: Sessions) -> BoxFuture<'_, ()>;
}
