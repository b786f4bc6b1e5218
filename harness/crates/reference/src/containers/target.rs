//! The reference in containers as a target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use harness_model::scenario::model::Capability;
use harness_model::target::TargetDescription;
use harness_runner::browser;
use harness_runner::exchange::ClientSettings;
use harness_runner::targets::profile::{Installer, ProfileNotes};
use harness_runner::targets::{
    AgentCommand, AgentWords, Dashboard, EnvironmentFacts, EnvironmentNeeds, OrganisationLimit,
    PreflightScope, Target, TargetError, TestEnvironment,
};
use mock_server::app::{Fixture, People};
use testcontainers::bollard::Docker;
use tokio::sync::OnceCell;

use crate::embedded::OTHER_ORG_MACHINES;

use super::control_plane::ContainedControlPlane;
use super::error::ContainersError;
use super::machine::AGENT;
use super::run_lock::RunLock;
use super::timeouts::{CONNECT_TIMEOUT, REQUEST_TIMEOUT, SILENCE};
use super::{engine, leftovers};

/// Why the recipes of other programs cannot be run.
const WITHOUT_TOOLS: &str =
    "a program that the image quickztna/machine does not have; --runtime embedded runs this";

/// Starts a control plane of the reference in a container for each sub-test, and each of its machines in another.
#[derive(Default)]
pub struct Containers {
    prepared: OnceCell<Prepared>,
    /// Counts the sub-tests.
    started: AtomicUsize,
}

struct Prepared {
    docker: Docker,
    run: Arc<RunLock>,
    people: People,
}

impl Containers {
    /// Connects to the engine, and removes what killed runs have left.
    async fn prepare(&self) -> Result<&Prepared, ContainersError> {
        let prepared = self.prepared.get_or_try_init(async || {
            let docker = engine::connect().await?;
            let run = Arc::new(RunLock::acquire()?);
            leftovers::sweep(&docker).await?;
            let people = tokio::task::spawn_blocking(|| Fixture::built_in().map(|fixture| fixture.people()));
            let people = people.await.map_err(|_| ContainersError::NotPrepared)??;
            Ok(Prepared { docker, run, people })
        });
        prepared.await
    }

    async fn start(&self) -> Result<TestEnvironment, ContainersError> {
        let Prepared { docker, run, people } = self.prepare().await?;
        let name = format!("qz-{}-{}", run.id(), self.started.fetch_add(1, Ordering::Relaxed));
        let plane = ContainedControlPlane::start(docker, run, people.clone(), name).await?;
        let (base_url, network) = (plane.base_url().clone(), plane.network());
        let facts = EnvironmentFacts {
            settings: ClientSettings::plain(base_url.clone(), CONNECT_TIMEOUT, REQUEST_TIMEOUT),
            base_url,
            org: people.org_id.clone(),
            other_org: people.other_org_id.clone(),
            quota: people
                .other_org_id
                .clone()
                .map(|org| OrganisationLimit { org, machines: OTHER_ORG_MACHINES }),
            address: network.gateway().to_string(),
            agent: Some(AgentCommand { program: AGENT.into(), words: words(), ..AgentCommand::default() }),
            network: None,
            addresses: network.block,
            listen: network.gateway(),
            settle: None,
            installer: Installer::default(),
            terraform: None,
            dashboard: Arc::new(Dashboard::at(plane.dashboard()).waiting_on("/api/changes")),
            silence: SILENCE,
        };
        Ok(TestEnvironment::new(facts, Box::new(plane)))
    }
}

/// Only a machine without a TUN device passes connections on to a service.
fn words() -> AgentWords {
    let serve = ["--userspace", "--serve", "{port}={service}"];
    AgentWords { serve: Some(serve.map(str::to_owned).to_vec()), ..AgentWords::default() }
}

impl Target for Containers {
    fn description(&self) -> TargetDescription {
        let mut capabilities = BTreeSet::from([
            Capability::Addresses,
            Capability::Agent,
            Capability::Cidr,
            Capability::ClaimTags,
            Capability::Clock,
            Capability::AccessRules,
            Capability::Fresh,
            Capability::Heartbeat,
            Capability::HostName,
            Capability::Installer,
            Capability::Organisations,
            Capability::Quota,
            Capability::Tun,
            Capability::Wire,
        ]);
        // The browser runs on this host.
        if browser::lacking().is_none() {
            capabilities.insert(Capability::Dashboard);
        }
        TargetDescription {
            name: "reference in containers".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            base_url: None,
            reference: true,
            capabilities,
            missing_sessions: Default::default(),
            absent: Default::default(),
            refusal: Default::default(),
            deviating: None,
        }
    }

    fn lacking(&self) -> BTreeMap<Capability, String> {
        let tools = [
            Capability::Actions,
            Capability::Ansible,
            Capability::CloudInit,
            Capability::Docker,
            Capability::Terraform,
        ];
        let tools = tools.map(|tool| (tool, WITHOUT_TOOLS.to_owned()));
        browser::lacking().into_iter().chain(tools).collect()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn preflight<'a>(
        &'a self,
        _scope: &'a PreflightScope,
    ) -> BoxFuture<'a, Result<ProfileNotes, TargetError>> {
        Box::pin(async {
            match self.prepare().await {
                Ok(_) => Ok(ProfileNotes::default()),
                Err(error) => Err(TargetError::Engine(error.into())),
            }
        })
    }

    fn environment(
        self: Arc<Self>,
        _needs: EnvironmentNeeds,
    ) -> BoxFuture<'static, Result<TestEnvironment, TargetError>> {
        Box::pin(async move { self.start().await.map_err(|error| TargetError::Start(error.into())) })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(Prepared { docker, run, .. }) = self.prepared.get() {
                // What cannot be removed now is removed by the next run.
                let _ = leftovers::remove(docker, &run.own(), |_| true).await;
            }
        })
    }
}

impl std::fmt::Debug for Containers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Containers")
    }
}
