//! The reference inside this process: the only file, besides the self-test, that knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mock_server::app::{self, AgentProgram, Config, Fixture, Person, Server, StartError};
use mock_server::store::Location;
use reqwest::Url;
use tokio::sync::OnceCell;

use crate::scenario::model::{Capability, Identity};
use crate::step::exchange::ClientSettings;

use super::namespace::{self, Gate, Namespace};
use super::{AgentCommand, Host, Network, Place, TargetDescription, TargetError, WITHOUT_TUN, identity_name};

/// The hidden subcommand that makes this program the reference's agent.
pub const AGENT_SUBCOMMAND: &str = "__ztna";

/// Where the reference takes approvals of device logins.
pub(super) const APPROVE: &str = "/api/auth/device/approve";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a control plane for each sub-test.
#[derive(Default)]
pub struct Embedded {
    /// Its passwords are hashed once, not once a sub-test that begins at the same moment.
    fixture: OnceCell<Fixture>,
    /// Whether agents can have TUN devices, found out once.
    tun: OnceLock<Result<(), String>>,
}

/// One control plane.
pub(super) struct ControlPlane(Server);

/// How the reference is started for people.
#[derive(Debug)]
pub struct ServeOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// `sqlite::memory:` or `sqlite:PATH`.
    pub database: String,
    /// Where to write where it is and who may use it.
    pub ready_file: Option<PathBuf>,
}

/// The reference cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It was asked for something that it does not have.
    #[error("{0}")]
    Usage(String),
    /// It does not start.
    #[error("{0}")]
    Failed(String),
}

/// The reference while people use it.
pub struct Served(Server);

/// Starts the reference for people, on the system's clock.
///
/// # Errors
/// It does not start, or the ready file cannot be written.
pub async fn serve(options: ServeOptions) -> Result<Served, ServeError> {
    let location = match options.database.strip_prefix("sqlite:") {
        Some(":memory:") => Location::Memory,
        Some(path) if !path.is_empty() => Location::File(path.trim_start_matches("//").into()),
        _ => {
            let scheme = scheme(&options.database);
            let what =
                format!("--database is sqlite::memory: or sqlite:PATH; `{scheme}` comes in a later version");
            return Err(ServeError::Usage(what));
        }
    };
    let config = |fixture| Config {
        listen: options.listen,
        database: location,
        clock: app::clock::Clock::system(),
        agent_program: agent_program(),
        ..Config::embedded(fixture)
    };
    let started = async {
        let server = app::start(config(Fixture::built_in()?)).await?;
        if let Some(path) = options.ready_file {
            server.ready().write(&path).map_err(|source| StartError::ReadyFile { path, source })?;
        }
        Ok(Served(server))
    };
    started.await.map_err(|error: StartError| ServeError::Failed(error.to_string()))
}

impl Served {
    /// Where it answers.
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// What the documents' lines need, as shell variables.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let ready = self.0.ready();
        let token = |person: &Option<Person>| person.as_ref().map(|person| person.token.clone());
        let variables = [
            ("BASE_URL", Some(ready.base_url.clone())),
            ("ZTNA_SERVER", Some(ready.base_url.clone())),
            ("ORG_ID", Some(ready.org_id.clone())),
            ("TOKEN", token(&ready.admin)),
            ("OWNER_TOKEN", token(&ready.owner)),
            ("MEMBER_TOKEN", token(&ready.member)),
            ("OUTSIDER_TOKEN", token(&ready.outsider)),
            ("OTHER_ORG_ID", ready.other_org_id.clone()),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Ends it.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// Runs the reference's agent in this process, which was started for that.
pub fn agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    mock_server::agent::main(arguments)
}

impl Embedded {
    pub(super) fn description(&self) -> TargetDescription {
        let mut capabilities = BTreeSet::from([
            Capability::Agent,
            Capability::Clock,
            Capability::Heartbeat,
            Capability::Organisations,
            Capability::Fresh,
            Capability::Wire,
        ]);
        if cfg!(target_os = "linux") {
            // Elsewhere loopback is one address.
            capabilities.insert(Capability::Addresses);
        }
        if self.tun().is_ok() {
            capabilities.insert(Capability::Tun);
        }
        if in_path("sh") && in_path("curl") {
            capabilities.insert(Capability::Installer);
        }
        TargetDescription {
            name: "reference".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            base_url: None,
            reference: true,
            capabilities,
        }
    }

    /// Capabilities that this machine keeps it from having, and why.
    pub(super) fn lacking(&self) -> BTreeMap<Capability, String> {
        let tun = self.tun().as_ref().err();
        let tun = tun.map(|missing| (Capability::Tun, format!("a TUN device, which takes root: {missing}")));
        tun.into_iter().collect()
    }

    fn tun(&self) -> &Result<(), String> {
        self.tun.get_or_init(namespace::tun_devices)
    }

    pub(super) async fn place(&self, with_tun: bool) -> Result<Place, TargetError> {
        let failed = |error: &dyn std::fmt::Display| TargetError::Start(error.to_string());
        let fixture = self.fixture.get_or_try_init(read_fixture).await?.clone();
        // The kit approves at once, so an agent that logs in need not be kept from asking.
        let config = Config {
            device_poll_interval: Some(Duration::ZERO),
            agent_program: agent_program(),
            ..Config::embedded(fixture)
        };
        let server = app::start(config).await.map_err(|error| failed(&error))?;
        let base_url = Url::parse(server.base_url()).map_err(|error| failed(&error))?;
        let network = match with_tun {
            true => Some(network(server.address()).map_err(|error| failed(&error))?),
            false => None,
        };
        let up_flags = if with_tun { Vec::new() } else { vec![WITHOUT_TUN.to_owned()] };
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
            agent: Some(AgentCommand { up_flags, ..itself() }),
            network,
            host: Host::Embedded(Box::new(ControlPlane(server))),
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

impl std::fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Embedded")
    }
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ControlPlane").field(&self.0.base_url()).finish()
    }
}

/// A network in which the control plane answers where it answers outside.
fn network(control_plane: SocketAddr) -> std::io::Result<Network> {
    let namespace = Namespace::make()?;
    let gate = Gate::open(&namespace, control_plane)?;
    Ok(Network { namespace: Arc::new(namespace), _gate: gate })
}

async fn read_fixture() -> Result<Fixture, TargetError> {
    let reading = tokio::task::spawn_blocking(Fixture::built_in).await;
    match reading {
        Ok(Ok(fixture)) => Ok(fixture),
        Ok(Err(error)) => Err(TargetError::Start(error.to_string())),
        Err(error) => Err(TargetError::Start(error.to_string())),
    }
}

/// A database's URL may hold a password.
fn scheme(database: &str) -> &str {
    database.split(':').next().unwrap_or_default()
}

/// What the reference's installer installs: this program.
fn agent_program() -> Option<AgentProgram> {
    Some(AgentProgram { file: itself().program.into(), arguments: vec![AGENT_SUBCOMMAND.to_owned()] })
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// This program, started again as the agent. The link outlives a rebuild that replaces the file.
fn itself() -> AgentCommand {
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.into()
    } else {
        std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string()
    };
    AgentCommand {
        program,
        arguments: vec![AGENT_SUBCOMMAND.into()],
        environment: Vec::new(),
        up_flags: Vec::new(),
    }
}
