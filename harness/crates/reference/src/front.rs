//! What may stand in front of the embedded reference: the self-test's deviations.

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

/// Sessions of the reference's people, valid now.
pub type Sessions = BTreeMap<Identity, String>;

/// Something that every control plane of a run has in front of it.
pub trait Front: fmt::Debug + Send + Sync {
    /// What reports say about it.
    fn announced(&self) -> Deviating;

    /// Whether the reference believes X-Forwarded-For of everybody; a setting that it has itself.
    fn trusts_every_proxy(&self) -> bool;

    /// What the program is started with to be the agent; none if the reference's own agent will do.
    fn agent(&self) -> Option<Vec<OsString>>;

    /// Begins to stand in front of a control plane, at an address of its own.
    fn stand(
        &self,
        origin: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn Standing>>>;
}

/// What stands in front of one control plane, until it is dropped.
pub trait Standing: Send + Sync {
    /// Where clients reach it.
    fn base_url(&self) -> &Url;

    /// The control plane's clock moved on; sessions from before may have ended.
    fn time_passed(&self, by: Duration, sessions: Sessions) -> BoxFuture<'_, ()>;
}
