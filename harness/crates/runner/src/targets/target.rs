use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::plan::TargetFacts;
use harness_model::scenario::model::{Capability, Scenario};
use harness_model::target::TargetDescription;

use super::environment::TestEnvironment;
use super::error::TargetError;
use super::host_name;
use super::preflight::PreflightScope;
use super::profile::ProfileNotes;

/// A target of a run: one implementation that all sub-tests share, or one that is started for each of them.
pub trait Target: fmt::Debug + Send + Sync {
    /// Returns the description for reports.
    fn description(&self) -> TargetDescription;

    /// Returns the capabilities that this host prevents, with the reasons.
    fn lacking(&self) -> BTreeMap<Capability, String> {
        lacking_host_name().into_iter().collect()
    }

    /// Returns what planning needs to know.
    fn facts(&self) -> TargetFacts {
        let TargetDescription { name, capabilities, reference, missing_sessions, absent, refusal, .. } =
            self.description();
        TargetFacts {
            name,
            capabilities,
            lacking: self.lacking(),
            is_reference: reference,
            missing_sessions,
            absent,
            refusal,
        }
    }

    /// Whether sub-tests share it, and with it its clock.
    fn is_shared(&self) -> bool;

    /// The maximum number of concurrent requests, and so of sub-tests; `None` without a limit.
    fn max_concurrency(&self) -> Option<usize> {
        None
    }

    /// The time limit of a sub-test; `None` if the target sets none.
    fn time_limit(&self) -> Option<Duration> {
        None
    }

    /// The number of requests that were retried because their connection failed.
    fn retries(&self) -> u64 {
        0
    }

    /// Whether the kit can approve device logins.
    fn can_approve_logins(&self) -> bool {
        true
    }

    /// Examines before a run whether the target can be judged, and resets it.
    ///
    /// Returns what the profile's author may want to know.
    fn preflight<'a>(
        &'a self,
        _scope: &'a PreflightScope,
    ) -> BoxFuture<'a, Result<ProfileNotes, TargetError>> {
        Box::pin(async { Ok(ProfileNotes::default()) })
    }

    /// Finds out which undocumented endpoints the target lacks, after [`Target::preflight`]. Only then are
    /// [`Target::description`] and [`Target::facts`] complete. What cannot be found out counts as there.
    fn probe(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    /// Resets a shared target, for a sub-test that needs an empty one and runs alone.
    fn reset(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(async { Ok(()) })
    }

    /// Creates the environment of one sub-test.
    fn environment(
        self: Arc<Self>,
        needs: EnvironmentNeeds,
    ) -> BoxFuture<'static, Result<TestEnvironment, TargetError>>;

    /// Removes at the end of a run whatever sub-tests have started and not removed themselves.
    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What a sub-test needs of its environment, and others do without.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentNeeds {
    /// Its `ztna up` brings up a TUN device.
    pub tun: bool,
    pub installs: Installs,
}

/// Where a sub-test's machines install the agent that they download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Installs {
    #[default]
    Nowhere,
    OnThisHost,
    /// In a container or below another root.
    Elsewhere,
}

impl EnvironmentNeeds {
    pub fn of(scenario: &Scenario) -> Self {
        let elsewhere = [Capability::CloudInit, Capability::Docker];
        let installs = if !scenario.variables.contains("installer.url") {
            Installs::Nowhere
        } else if elsewhere.iter().any(|need| scenario.needs.contains(need)) {
            Installs::Elsewhere
        } else {
            Installs::OnThisHost
        };
        Self { tun: scenario.needs.contains(&Capability::Tun), installs }
    }
}

/// Returns why machines cannot have host names of their own, if they cannot.
pub fn lacking_host_name() -> Option<(Capability, String)> {
    let error = host_name::check().err()?;
    Some((
        Capability::HostName,
        format!("a host name for each machine, which this host does not allow: {error}"),
    ))
}
