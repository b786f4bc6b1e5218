//! What may stand in front of the embedded reference, such as a deviation.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::scenario::model::Identity;
use harness_model::target::Deviating;
use reqwest::Url;

/// Valid sessions of the reference's people.
pub type Sessions = BTreeMap<Identity, String>;

/// A proxy that is started in front of every control plane of a run.
pub trait FrontProxy: fmt::Debug + Send + Sync {
    /// What reports say about it.
    fn description(&self) -> Deviating;

    /// Whether the reference is to believe `X-Forwarded-For` from any address.
    fn trusts_all_proxies(&self) -> bool;

    /// The arguments that start this program as the agent; none for the reference's own agent.
    fn agent_arguments(&self) -> Option<Vec<OsString>>;

    /// The name of the Terraform provider that takes the place of the reference's.
    fn terraform_provider(&self) -> Option<&'static str>;

    /// Starts a proxy that listens on `listen` in front of the control plane at `upstream`.
    fn start(
        &self,
        upstream: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn RunningProxy>>>;
}

/// A proxy in front of one control plane; it stops when it is dropped.
pub trait RunningProxy: Send + Sync {
    fn base_url(&self) -> &Url;

    /// To be called after the control plane's clock was advanced: earlier sessions may have expired.
    fn clock_advanced(&self, by: Duration, sessions: Sessions) -> BoxFuture<'_, ()>;
}
