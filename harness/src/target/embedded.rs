//! The reference inside this process.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mock_server::app::{self, AgentProgram, Config, Fixture, Person, Ready, Server, StartError};
use mock_server::store::Location;
use reqwest::Url;
use tokio::sync::OnceCell;

use crate::scenario::model::{Capability, Identity};
use crate::step::exchange::ClientSettings;

use super::front::{Front, Sessions, Standing};
use super::namespace::{self, Gate, Namespace};
use super::{
    AgentCommand, Host, IDENTITIES, Network, Place, TargetDescription, TargetError, WITHOUT_TUN,
    identity_name,
};

/// The hidden subcommand that makes this program the reference's agent.
pub const AGENT_SUBCOMMAND: &str = "__ztna";

/// The reference's endpoint for approving device logins.
pub(super) const APPROVE: &str = "/api/auth/device/approve";

const EVERY_ADDRESS: [&str; 2] = ["0.0.0.0/0", "::/0"];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a control plane for each sub-test.
#[derive(Clone, Default)]
pub struct Embedded {
    /// Read once, as hashing its passwords is slow.
    fixture: Arc<OnceCell<Fixture>>,
    /// Whether agents can create TUN devices; checked once.
    tun: Arc<OnceLock<Result<(), String>>>,
    front: Option<Arc<dyn Front>>,
}

/// One control plane.
pub(super) struct ControlPlane {
    server: Server,
    layer: Option<Box<dyn Standing>>,
}

/// Options of `harness serve`.
#[derive(Debug)]
pub struct ServeOptions {
    pub front: Option<Arc<dyn Front>>,
    pub listen: SocketAddr,
    /// `sqlite::memory:` or `sqlite:PATH`.
    pub database: String,
    /// The file to write the base URL and credentials to once it is ready.
    pub ready_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An unsupported option.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

/// A running reference of `harness serve`.
pub struct Served(ControlPlane);

/// Starts the reference for interactive use, on the system's clock.
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
                format!("unsupported database `{scheme}`\nuse --database sqlite::memory: or sqlite:PATH");
            return Err(ServeError::Usage(what));
        }
    };
    let front = options.front.as_deref();
    let config = |fixture| Config {
        listen: if front.is_some() { app::DEFAULT_LISTEN } else { options.listen },
        database: location,
        clock: app::clock::Clock::system(),
        ..config(fixture, front)
    };
    let started = async {
        let server = app::start(config(Fixture::built_in()?)).await?;
        let served = ControlPlane::behind(front, server, options.listen)
            .await
            .map_err(|source| StartError::Listen { address: options.listen, source })?;
        if let Some(path) = options.ready_file {
            let ready = Ready { base_url: served.base_url().to_owned(), ..served.server.ready().clone() };
            ready.write(&path).map_err(|source| StartError::ReadyFile { path, source })?;
        }
        Ok(Served(served))
    };
    started.await.map_err(|error: StartError| ServeError::Failed(error.to_string()))
}

impl Served {
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// Returns the shell variables that the documents' command lines use.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let ready = self.0.server.ready();
        let token = |person: &Option<Person>| person.as_ref().map(|person| person.token.clone());
        let base_url = self.base_url().to_owned();
        let variables = [
            ("BASE_URL", Some(base_url.clone())),
            ("ZTNA_SERVER", Some(base_url)),
            ("ORG_ID", Some(ready.org_id.clone())),
            ("TOKEN", token(&ready.admin)),
            ("OWNER_TOKEN", token(&ready.owner)),
            ("MEMBER_TOKEN", token(&ready.member)),
            ("OUTSIDER_TOKEN", token(&ready.outsider)),
            ("OTHER_ORG_ID", ready.other_org_id.clone()),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// Runs the reference's agent in this process.
pub fn agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    mock_server::agent::main(arguments)
}

impl Embedded {
    /// Returns the same target with a layer in front of each control plane.
    pub fn behind(&self, front: Arc<dyn Front>) -> Self {
        Self { front: Some(front), ..self.clone() }
    }

    pub(super) fn description(&self) -> TargetDescription {
        let mut capabilities = BTreeSet::from([
            Capability::Agent,
            Capability::Cidr,
            Capability::Clock,
            Capability::Heartbeat,
            Capability::Organisations,
            Capability::Fresh,
            Capability::Wire,
        ]);
        if cfg!(target_os = "linux") {
            // Other systems have only one loopback address.
            capabilities.insert(Capability::Addresses);
        }
        if self.tun().is_ok() {
            capabilities.insert(Capability::Tun);
        }
        if in_path("sh") && in_path("curl") {
            capabilities.insert(Capability::Installer);
        }
        let deviating = self.front.as_ref().map(|front| front.announced());
        TargetDescription {
            name: match &deviating {
                Some(deviating) => format!("reference, deviating ({})", deviating.id),
                None => "reference".to_owned(),
            },
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            base_url: None,
            reference: true,
            capabilities,
            deviating,
        }
    }

    /// Returns the capabilities that this host prevents, with the reasons.
    pub(super) fn lacking(&self) -> BTreeMap<Capability, String> {
        let tun = self.tun().as_ref().err();
        let tun = tun.map(|missing| (Capability::Tun, format!("a TUN device, which needs root: {missing}")));
        tun.into_iter().collect()
    }

    fn tun(&self) -> &Result<(), String> {
        self.tun.get_or_init(namespace::tun_devices)
    }

    pub(super) async fn place(&self, with_tun: bool) -> Result<Place, TargetError> {
        let failed = |error: &dyn std::fmt::Display| TargetError::Start(error.to_string());
        let fixture = self.fixture.get_or_try_init(read_fixture).await?.clone();
        // The kit approves logins at once, so agents need no pause between polls.
        let front = self.front.as_deref();
        let config = Config { device_poll_interval: Some(Duration::ZERO), ..config(fixture, front) };
        let server = app::start(config).await.map_err(|error| failed(&error))?;
        let plane = ControlPlane::behind(front, server, app::DEFAULT_LISTEN).await;
        let plane = plane.map_err(|error| failed(&error))?;
        let base_url = Url::parse(plane.base_url()).map_err(|error| failed(&error))?;
        let network = match with_tun {
            true => Some(network(&base_url).map_err(|error| failed(&error))?),
            false => None,
        };
        let up_flags = if with_tun { Vec::new() } else { vec![WITHOUT_TUN.to_owned()] };
        let ready = plane.server.ready();
        Ok(Place {
            settings: ClientSettings::plain(base_url.clone(), CONNECT_TIMEOUT, TIMEOUT),
            base_url,
            org: ready.org_id.clone(),
            other_org: ready.other_org_id.clone(),
            address: plane.server.address().ip().to_string(),
            agent: Some(AgentCommand { up_flags, ..own_agent(front) }),
            network,
            host: Host::Embedded(Box::new(plane)),
            sessions: Default::default(),
        })
    }
}

impl ControlPlane {
    /// Starts the layer in front of the server, if there is one.
    async fn behind(front: Option<&dyn Front>, server: Server, listen: SocketAddr) -> std::io::Result<Self> {
        let mut plane = Self { server, layer: None };
        if let Some(front) = front {
            let origin = Url::parse(plane.server.base_url()).map_err(std::io::Error::other)?;
            plane.layer = Some(front.stand(origin, listen, plane.sessions().await).await?);
        }
        Ok(plane)
    }

    /// Has no trailing slash.
    fn base_url(&self) -> &str {
        match &self.layer {
            Some(layer) => layer.base_url().as_str().trim_end_matches('/'),
            None => self.server.base_url(),
        }
    }

    async fn sessions(&self) -> Sessions {
        let mut sessions = Sessions::new();
        for (identity, _) in IDENTITIES {
            if let Ok(token) = self.token(identity).await {
                sessions.insert(identity, token);
            }
        }
        sessions
    }

    pub(super) async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let failed = |cause: String| TargetError::Token { identity: identity_name(identity), cause };
        let ready = self.server.ready();
        let person: Option<&Person> = match identity {
            Identity::Admin => ready.admin.as_ref(),
            Identity::Owner => ready.owner.as_ref(),
            Identity::Member => ready.member.as_ref(),
            Identity::Outsider => ready.outsider.as_ref(),
        };
        let person = person.ok_or_else(|| failed("the fixture has no such person".to_owned()))?;
        self.server.token(&person.email).await.map_err(|error| failed(error.to_string()))
    }

    pub(super) async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        let moved = self.server.advance(duration).await;
        moved.map_err(|error| TargetError::Clock(error.to_string()))?;
        if let Some(layer) = &self.layer {
            layer.time_passed(duration, self.sessions().await).await;
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        drop(self.layer);
        self.server.stop().await;
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Embedded")
    }
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ControlPlane").field(&self.base_url()).finish()
    }
}

/// Creates a network in which the control plane has the same URL as outside.
fn network(base_url: &Url) -> std::io::Result<Network> {
    let control_plane = base_url.socket_addrs(|| None)?.into_iter().next();
    let control_plane = control_plane.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
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

/// Returns the scheme only: the rest of the URL may contain a password.
fn scheme(database: &str) -> &str {
    database.split(':').next().unwrap_or_default()
}

/// Returns the configuration of an in-memory reference whose installer installs this program as the agent.
fn config(fixture: Fixture, front: Option<&dyn Front>) -> Config {
    let AgentCommand { program, arguments, .. } = own_agent(front);
    let arguments = arguments.into_iter().filter_map(|word| word.into_string().ok()).collect();
    let trusts_every_address = front.is_some_and(Front::trusts_every_proxy);
    Config {
        agent_program: Some(AgentProgram { file: program.into(), arguments }),
        trusted_proxies: if trusts_every_address {
            EVERY_ADDRESS.iter().filter_map(|net| net.parse().ok()).collect()
        } else {
            Vec::new()
        },
        ..Config::embedded(fixture)
    }
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns the command that starts this program as the agent. The `/proc` link survives a rebuild that replaces the file.
fn own_agent(front: Option<&dyn Front>) -> AgentCommand {
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.into()
    } else {
        std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string()
    };
    let arguments = front.and_then(Front::agent).unwrap_or_else(|| vec![AGENT_SUBCOMMAND.into()]);
    AgentCommand { program, arguments, environment: Vec::new(), up_flags: Vec::new() }
}
