//! The reference inside this process: the only file, besides the self-test, that knows it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use mock_server::app::{self, Config, Fixture, Person, Server};
use reqwest::Url;

use crate::run::event::TargetDescription;
use crate::scenario::model::{Capability, Identity};
use crate::step::exchange::ClientSettings;

use super::{AgentCommand, Host, Place, TargetError, identity_name};

/// The hidden subcommand that makes this program the reference's agent.
pub const AGENT_SUBCOMMAND: &str = "__ztna";

/// Where the reference takes approvals of device logins.
pub(super) const APPROVE: &str = "/api/auth/device/approve";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a control plane for each sub-test.
#[derive(Debug, Default)]
pub struct Embedded;

/// One control plane.
pub(super) struct ControlPlane(Server);

/// Runs the reference's agent in this process, which was started for that.
pub fn agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let _ = arguments;
    ExitCode::FAILURE
}

impl Embedded {
    pub(super) fn description(&self) -> TargetDescription {
        let mut capabilities =
            BTreeSet::from([Capability::Agent, Capability::Clock, Capability::Organisations]);
        if cfg!(target_os = "linux") {
            // Elsewhere loopback is one address.
            capabilities.insert(Capability::Addresses);
        }
        TargetDescription {
            name: "reference".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            base_url: None,
            reference: true,
            capabilities,
        }
    }

    pub(super) async fn place(&self) -> Result<Place, TargetError> {
        let failed = |error: &dyn std::fmt::Display| TargetError::Start(error.to_string());
        let fixture = Fixture::built_in().map_err(|error| failed(&error))?;
        let server = app::start(Config::embedded(fixture)).await.map_err(|error| failed(&error))?;
        let base_url = Url::parse(server.base_url()).map_err(|error| failed(&error))?;
        Ok(Place {
            settings: ClientSettings {
                base_url: base_url.clone(),
                connect_timeout: CONNECT_TIMEOUT,
                timeout: TIMEOUT,
            },
            base_url,
            org: server.ready().org_id.clone(),
            other_org: server.ready().other_org_id.clone(),
            address: server.address().ip().to_string(),
            agent: Some(itself()),
            host: Host::Embedded(ControlPlane(server)),
            sessions: Default::default(),
        })
    }
}

impl ControlPlane {
    pub(super) async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let failed = |cause: String| TargetError::Token { identity: identity_name(identity), cause };
        let ready = self.0.ready();
        let person: Option<&Person> = match identity {
            Identity::Admin => ready.admin.as_ref(),
            Identity::Owner => ready.owner.as_ref(),
            Identity::Member => ready.member.as_ref(),
            Identity::Outsider => ready.outsider.as_ref(),
        };
        let person = person.ok_or_else(|| failed("the fixture has nobody of that role".to_owned()))?;
        self.0.token(&person.email).await.map_err(|error| failed(error.to_string()))
    }

    pub(super) async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        self.0.advance(duration).await.map_err(|error| TargetError::Clock(error.to_string()))
    }

    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ControlPlane").field(&self.0.base_url()).finish()
    }
}

/// This program, started again as the agent. The link outlives a rebuild that replaces the file.
fn itself() -> AgentCommand {
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.into()
    } else {
        std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string()
    };
    AgentCommand { program, arguments: vec![AGENT_SUBCOMMAND.into()], environment: Vec::new() }
}
