//! The target as one sub-test sees it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use reqwest::{Method, Url};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Mutex;

use crate::exchange::{Caller, ClientSettings, ExchangeError, PreparedRequest, joined, send};

use super::agent::AgentCommand;
use super::control_plane::ControlPlane;
use super::dashboard::{Account, Dashboard};
use super::error::TargetError;
use super::machine_host::MachineHost;
use super::namespace::{Namespace, Network};
use super::paths::KEY_LIST;
use super::post::post_json;
use super::profile::Installer;
use super::request::json_request;

/// The target as one sub-test sees it.
#[derive(Debug)]
pub struct TestEnvironment {
    facts: EnvironmentFacts,
    control_plane: Box<dyn ControlPlane>,
    sessions: Mutex<HashMap<Identity, String>>,
}

/// A network of 256 IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBlock(pub [u8; 3]);

/// An organisation that may have a few machines only.
#[derive(Debug, Clone)]
pub struct OrganisationLimit {
    pub org: String,
    pub machines: u32,
}

/// The program with which Terraform manages the target, and how it is told where and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformProvider {
    pub program: PathBuf,
    /// The environment variable that it reads the target's URL from
    pub endpoint: String,
    /// The environment variable that it reads an API key from
    pub api_key: String,
}

/// The properties of a test environment that do not change.
#[derive(Debug)]
pub struct EnvironmentFacts {
    pub base_url: Url,
    pub org: String,
    pub other_org: Option<String>,
    pub quota: Option<OrganisationLimit>,
    /// The address from which the target sees the kit's requests.
    pub address: String,
    pub agent: Option<AgentCommand>,
    pub settings: ClientSettings,
    pub network: Option<Network>,
    /// The network of the addresses from which the kit can send requests, which the variable `network` has.
    pub addresses: AddressBlock,
    /// The kit's address to listen on for machines with hosts of their own; loopback for all others.
    pub listen: Ipv4Addr,
    /// The longest that reads may lag behind writes; `None` if they do not.
    pub settle: Option<Duration>,
    pub installer: Installer,
    pub terraform: Option<TerraformProvider>,
    pub dashboard: Arc<Dashboard>,
    /// How long a machine that does not answer is listened to.
    pub silence: Duration,
}

impl TestEnvironment {
    pub fn new(facts: EnvironmentFacts, control_plane: Box<dyn ControlPlane>) -> Self {
        Self { facts, control_plane, sessions: Mutex::default() }
    }

    pub fn base_url(&self) -> &Url {
        &self.facts.base_url
    }

    pub fn org(&self) -> &str {
        &self.facts.org
    }

    pub fn other_org(&self) -> Option<&str> {
        self.facts.other_org.as_deref()
    }

    /// The organisation of [`Identity::Limited`].
    pub fn quota(&self) -> Option<&OrganisationLimit> {
        self.facts.quota.as_ref()
    }

    /// The URL of the installer.
    pub fn installer_url(&self) -> String {
        let below = || joined(self.base_url(), "/install.sh").to_string();
        self.facts.installer.url.clone().unwrap_or_else(below)
    }

    /// The image that the documents' Dockerfile begins with, if the target has one.
    pub fn installer_image(&self) -> Option<&str> {
        self.facts.installer.image.as_deref()
    }

    pub fn terraform(&self) -> Option<&TerraformProvider> {
        self.facts.terraform.as_ref()
    }

    /// The address from which the target sees the kit's requests.
    pub fn address(&self) -> &str {
        &self.facts.address
    }

    pub fn agent(&self) -> Option<&AgentCommand> {
        self.facts.agent.as_ref()
    }

    /// The network namespace for the agents' processes, if not the host's.
    pub fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.facts.network.as_ref().map(Network::namespace)
    }

    /// The network of the addresses from which the kit can send requests.
    pub fn addresses(&self) -> AddressBlock {
        self.facts.addresses
    }

    /// Listens on a free port that machines reach.
    pub fn listener(&self) -> io::Result<TcpListener> {
        let address = self.facts.listen;
        let listener = self.inside(move || std::net::TcpListener::bind((address, 0)))??;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// Binds a UDP socket, and returns it with the endpoint at which the target's machines reach it.
    ///
    /// # Errors
    /// No port is free, or the kit's address is not IPv4.
    pub fn udp_socket(&self) -> io::Result<(UdpSocket, SocketAddr)> {
        let address: Ipv4Addr = self.facts.address.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::Unsupported, format!("{} is no IPv4 address", self.facts.address))
        })?;
        let any = if address.is_loopback() { address } else { Ipv4Addr::UNSPECIFIED };
        let socket = self.inside(move || std::net::UdpSocket::bind((any, 0)))??;
        socket.set_nonblocking(true)?;
        let endpoint = SocketAddr::new(address.into(), socket.local_addr()?.port());
        Ok((UdpSocket::from_std(socket)?, endpoint))
    }

    pub fn client_settings(&self) -> &ClientSettings {
        &self.facts.settings
    }

    /// Where the dashboard is, and what it calls things.
    pub fn dashboard(&self) -> &Arc<Dashboard> {
        &self.facts.dashboard
    }

    /// Returns the user's email address and password, if the kit knows them.
    pub fn account(&self, identity: Identity) -> Option<Account> {
        self.control_plane.account(identity)
    }

    /// Whether it exists for this sub-test only, so that its URL is useless afterwards.
    pub fn is_private(&self) -> bool {
        self.control_plane.is_private()
    }

    /// Returns a valid session token, which is cached until the clock moves.
    pub async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let mut sessions = self.sessions.lock().await;
        if let Some(token) = sessions.get(&identity) {
            return Ok(token.clone());
        }
        let token = self.control_plane.token(identity).await?;
        sessions.insert(identity, token.clone());
        Ok(token)
    }

    /// Whether the target has credentials for the identity.
    pub fn knows(&self, identity: Identity) -> bool {
        self.control_plane.knows(identity)
    }

    pub async fn sessions(&self) -> Vec<(Identity, String)> {
        self.sessions.lock().await.iter().map(|(identity, token)| (*identity, token.clone())).collect()
    }

    /// Replaces a session whose request was refused with 401, if the session itself is invalid. To find out, a documented
    /// read is sent with it: only if that is refused, too, has the session ended. Otherwise the 401 is the target's answer
    /// to the request, and this returns `None`.
    ///
    /// # Errors
    /// The session is invalid and cannot be replaced.
    pub async fn renew_session(
        &self,
        caller: &Caller,
        identity: Identity,
        refused: &str,
    ) -> Result<Option<String>, TargetError> {
        if self.is_private() {
            return Ok(None);
        }
        let org: String = form_urlencoded::byte_serialize(self.org_of(identity).as_bytes()).collect();
        // The status of this read shows whether a session is still valid.
        let path = format!("{KEY_LIST}?org_id={org}");
        let probe = self.request(Some(refused), Method::GET, &path, None)?;
        if send(caller, &probe).await?.status != 401 {
            return Ok(None);
        }
        let token = self.control_plane.renew(identity, refused).await?;
        self.sessions.lock().await.insert(identity, token.clone());
        Ok(Some(token))
    }

    /// Sends a JSON request as an identity, and renews the session if it has ended.
    ///
    /// # Errors
    /// There is no session, or no complete response arrived.
    pub async fn ask(
        &self,
        caller: &Caller,
        identity: Identity,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Exchange, TargetError> {
        let token = self.token(identity).await?;
        let request = self.request(Some(&token), method.clone(), path, body)?;
        let mut exchange = send(caller, &request).await?;
        if exchange.status == 401
            && let Some(token) = self.renew_session(caller, identity, &token).await?
        {
            exchange = send(caller, &self.request(Some(&token), method, path, body)?).await?;
        }
        self.adapt(&mut exchange);
        Ok(exchange)
    }

    /// Like [`TestEnvironment::ask`], without a session.
    ///
    /// # Errors
    /// No complete response arrived.
    pub async fn ask_as_nobody(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Exchange, TargetError> {
        let mut exchange = send(caller, &self.request(None, method, path, body)?).await?;
        self.adapt(&mut exchange);
        Ok(exchange)
    }

    /// Changes the URL of a request to what the profile says of undocumented endpoints and fields.
    pub fn redirect(&self, url: &mut Url) {
        self.control_plane.redirect(url);
    }

    /// Applies the profile's pointers to a response that has just arrived, and notes the time if it does not say it.
    pub fn adapt(&self, exchange: &mut Exchange) {
        self.control_plane.adapt(exchange);
        // A clock that can be moved may have been moved before this run.
        if exchange.header("date").is_none() && !self.has_clock() {
            exchange.arrived = OffsetDateTime::now_utc().format(&Rfc2822).ok();
        }
    }

    fn org_of(&self, identity: Identity) -> &str {
        match (identity, &self.facts.other_org, &self.facts.quota) {
            (Identity::Outsider, Some(other), _) => other,
            (Identity::Limited, _, Some(quota)) => &quota.org,
            _ => &self.facts.org,
        }
    }

    fn request(
        &self,
        token: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<PreparedRequest, ExchangeError> {
        let mut url = joined(&self.facts.base_url, path);
        self.redirect(&mut url);
        json_request(token, method, url, body)
    }

    /// The longest that the target's reads lag behind writes; `None` if they do not.
    pub fn settle(&self) -> Option<Duration> {
        self.facts.settle
    }

    /// How long a machine must not answer to count as silent.
    pub fn silence(&self) -> Duration {
        self.facts.silence
    }

    /// Whether the target's clock can be advanced.
    pub fn has_clock(&self) -> bool {
        self.control_plane.has_clock()
    }

    /// Advances the target's clock and forgets the cached sessions, which may have expired.
    ///
    /// # Errors
    /// The target has no clock hook, or the hook failed.
    pub async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        self.control_plane.advance(duration).await?;
        self.sessions.lock().await.clear();
        Ok(())
    }

    /// Approves a device login (RFC 8628) as the identity.
    ///
    /// # Errors
    /// The target has no approval hook, or the hook failed.
    pub async fn approve(&self, user_code: &str, identity: Identity) -> Result<(), TargetError> {
        let token = self.token(identity).await?;
        let endpoint = self.control_plane.approval_endpoint()?;
        let body = serde_json::json!({ "user_code": user_code, "approve": true });
        post_json(&self.facts.settings, endpoint, Some(&token), &body)
            .await
            .map(drop)
            .map_err(|cause| TargetError::Approval(cause.into()))
    }

    /// Returns a host of its own for a machine with that host name, if machines do not run on this one.
    ///
    /// # Errors
    /// The host cannot be started.
    pub async fn machine_host(&self, host_name: &str) -> Result<Option<Arc<dyn MachineHost>>, TargetError> {
        self.control_plane.machine_host(host_name).await
    }

    /// Returns where to send a request that is to come from that address, if the kit cannot use the address itself.
    ///
    /// # Errors
    /// Nothing can be started at that address.
    pub async fn gate(&self, from: IpAddr) -> Result<Option<SocketAddr>, TargetError> {
        self.control_plane.gate(from).await
    }

    /// Returns what was logged for the sub-test outside its steps, with the names of the logs. May contain secrets.
    pub async fn logs(&self) -> Vec<(String, String)> {
        self.control_plane.logs().await
    }

    fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        match self.namespace() {
            Some(namespace) => namespace.run(work),
            None => Ok(work()),
        }
    }

    /// Stops whatever was started for the sub-test.
    pub async fn close(self) {
        self.control_plane.close().await;
    }
}

impl AddressBlock {
    pub const LOOPBACK: Self = Self([127, 0, 0]);
}

/// The first three numbers, so that `${network}.2` is an address and `${network}.4/30` a network.
impl std::fmt::Display for AddressBlock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, second, third] = self.0;
        write!(formatter, "{first}.{second}.{third}")
    }
}
