//! What the kit runs against.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::plan::TargetFacts;
use harness_model::scenario::model::Capability;
use harness_model::target::TargetDescription;

use super::environment::TestEnvironment;
use super::error::TargetError;

/// What the kit runs against: one implementation that all sub-tests share, or one that is started for each of them.
pub trait Target: fmt::Debug + Send + Sync {
    /// What reports say about it.
    fn description(&self) -> TargetDescription;

    /// Capabilities that this machine keeps it from having, and why.
    fn lacking(&self) -> BTreeMap<Capability, String> {
        BTreeMap::new()
    }

    /// What the plan has to know about it.
    fn facts(&self) -> TargetFacts {
        let TargetDescription { name, capabilities, reference, .. } = self.description();
        TargetFacts { name, capabilities, lacking: self.lacking(), is_reference: reference }
    }

    /// Whether sub-tests meet on it: its clock is everybody's.
    fn is_shared(&self) -> bool;

    /// How many requests, and so sub-tests, it allows at the same time; none if it does not say.
    fn most_at_once(&self) -> Option<usize> {
        None
    }

    /// How long a sub-test may take on it; none if it does not say.
    fn time_limit(&self) -> Option<Duration> {
        None
    }

    /// Reads that were repeated because their connection failed, up to now.
    fn retries(&self) -> u64 {
        0
    }

    /// Whether sub-tests can log in on a machine.
    fn can_approve_logins(&self) -> bool {
        true
    }

    /// Finds out whether it answers at all, before anything runs.
    fn preflight(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(async { Ok(()) })
    }

    /// The target for one sub-test, whose `ztna up` may have to bring up a TUN device.
    fn environment(
        self: Arc<Self>,
        with_tun: bool,
    ) -> BoxFuture<'static, Result<TestEnvironment, TargetError>>;
}
