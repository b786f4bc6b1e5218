//! Targets of a run: an embedded reference per sub-test, or one implementation that all sub-tests share.

mod ask;
mod credential;
mod description;
pub mod embedded;
pub mod forward;
pub mod front;
pub mod namespace;
pub mod pointers;
pub mod profile;
pub mod remote;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Mutex;

use crate::check::evidence::Exchange;
use crate::plan::TargetFacts;
use crate::scenario::model::Identity;
use crate::step::StepError;
use crate::step::exchange::{Caller, ClientSettings, PreparedRequest, send};

pub use description::{Deviating, TargetDescription};
use embedded::Embedded;
use namespace::{Gate, Namespace};
use remote::Remote;

/// All identities with their names in scenarios and profiles.
pub const IDENTITIES: [(Identity, &str); 4] = [
    (Identity::Admin, "admin"),
    (Identity::Owner, "owner"),
    (Identity::Member, "member"),
    (Identity::Outsider, "outsider"),
];

/// A read that the documents (`used-count`) grant to every session of an organisation: its status shows whether a session
/// is still valid.
const SESSION_PROBE: &str = "/api/db/auth_keys";

/// The flag that `up` gets where there is no TUN device.
pub const WITHOUT_TUN: &str = "--userspace";

/// Returns the identity's name in scenarios and profiles.
pub fn identity_name(identity: Identity) -> &'static str {
    IDENTITIES.iter().find(|(known, _)| *known == identity).map_or("nobody", |(_, name)| name)
}

#[derive(Debug, Clone)]
pub enum Target {
    /// The reference inside this process, with one control plane per sub-test.
    Embedded(Embedded),
    /// A deployed implementation, shared by all sub-tests.
    Remote(Arc<Remote>),
}

/// The target as one sub-test sees it.
#[derive(Debug)]
pub struct Place {
    base_url: Url,
    org: String,
    other_org: Option<String>,
    address: String,
    agent: Option<AgentCommand>,
    settings: ClientSettings,
    network: Option<Network>,
    host: Host,
    sessions: Mutex<HashMap<Identity, String>>,
}

/// A sub-test's own network.
#[derive(Debug)]
struct Network {
    namespace: Arc<Namespace>,
    _gate: Gate,
}

#[derive(Debug)]
enum Host {
    Embedded(Box<embedded::ControlPlane>),
    Remote(Arc<Remote>),
}

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    pub program: OsString,
    /// Arguments before those of a step.
    pub arguments: Vec<OsString>,
    /// Additional environment variables.
    pub environment: Vec<(String, String)>,
    /// Additional flags of every `up`, such as `--userspace` where there is no TUN device.
    pub up_flags: Vec<String>,
}

/// A failure of the target or its environment, as opposed to non-conformance.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("failed to start the reference: {0}")]
    Start(String),
    #[error("target {base_url} is unreachable: {cause}")]
    Unreachable { base_url: String, cause: String },
    /// The base URL redirects to another server.
    #[error("target {base_url} redirects to {elsewhere}\nset base_url = \"{elsewhere}\" in {profile}")]
    Moved { base_url: String, elsewhere: String, profile: String },
    /// A token was refused and cannot be replaced.
    #[error(
        "the token of `{identity}` was refused with 401 {cause}: it has expired, or belongs to another target\n\
         renew the source of tokens.{identity} in {profile}, or change it to {{ login = … }} or {{ command = \"…\" }}, \
         which the kit renews itself"
    )]
    Spent {
        identity: &'static str,
        /// Why there is no other token.
        cause: String,
        profile: String,
    },
    #[error("no token for `{identity}`: {cause}")]
    Token { identity: &'static str, cause: String },
    #[error("failed to advance the target's clock: {0}")]
    Clock(String),
    #[error("failed to approve the device login: {0}")]
    Approval(String),
    /// The profile's reset hook failed.
    #[error("failed to reset the target: {0}")]
    Reset(String),
}

impl Target {
    /// Returns the description for reports.
    pub fn description(&self) -> TargetDescription {
        match self {
            Self::Embedded(embedded) => embedded.description(),
            Self::Remote(remote) => remote.description(),
        }
    }

    /// Returns what planning needs to know.
    pub fn facts(&self) -> TargetFacts {
        let TargetDescription { name, capabilities, reference, .. } = self.description();
        let lacking = match self {
            Self::Embedded(embedded) => embedded.lacking(),
            Self::Remote(_) => BTreeMap::new(),
        };
        TargetFacts { name, capabilities, lacking, is_reference: reference }
    }

    /// Whether sub-tests share it, and with it its clock.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// The maximum number of concurrent requests, and so of sub-tests; `None` without a limit.
    pub fn most_at_once(&self) -> Option<usize> {
        match self {
            Self::Embedded(_) => None,
            Self::Remote(remote) => remote.most_at_once(),
        }
    }

    /// The time limit of a sub-test; `None` if the target sets none.
    pub fn time_limit(&self) -> Option<Duration> {
        match self {
            Self::Embedded(_) => None,
            Self::Remote(remote) => Some(remote.time_limit()),
        }
    }

    /// The number of requests that were retried because their connection failed.
    pub fn retries(&self) -> u64 {
        match self {
            Self::Embedded(_) => 0,
            Self::Remote(remote) => remote.retries(),
        }
    }

    /// Checks that the target responds, and resets it, before anything runs.
    ///
    /// # Errors
    /// The target is unreachable, redirects elsewhere, or cannot be prepared.
    pub async fn preflight(&self) -> Result<(), TargetError> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Remote(remote) => remote.preflight().await,
        }
    }

    /// Creates the target for one sub-test; `with_tun` if its `ztna up` brings up a TUN device.
    ///
    /// # Errors
    /// The reference does not start.
    pub async fn place(&self, with_tun: bool) -> Result<Place, TargetError> {
        match self {
            Self::Embedded(embedded) => embedded.place(with_tun).await,
            Self::Remote(remote) => Ok(Remote::place(remote)),
        }
    }
}

impl Place {
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub fn org(&self) -> &str {
        &self.org
    }

    pub fn other_org(&self) -> Option<&str> {
        self.other_org.as_deref()
    }

    /// The address from which the target sees the kit's requests.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn agent(&self) -> Option<&AgentCommand> {
        self.agent.as_ref()
    }

    /// The network namespace for the agents' processes, if not the host's.
    pub fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.network.as_ref().map(|network| &network.namespace)
    }

    /// Listens on a free loopback port in the agents' network.
    ///
    /// # Errors
    /// No port is free.
    pub fn listener(&self) -> io::Result<TcpListener> {
        let listener = self.inside(|| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))??;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// Binds a UDP socket, and returns it with the endpoint at which the target's machines reach it.
    ///
    /// # Errors
    /// No port is free, or the kit's address is not IPv4.
    pub fn udp_socket(&self) -> io::Result<(UdpSocket, SocketAddr)> {
        let address: Ipv4Addr = self.address.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::Unsupported, format!("{} is not an IPv4 address", self.address))
        })?;
        let any = if address.is_loopback() { address } else { Ipv4Addr::UNSPECIFIED };
        let socket = self.inside(move || std::net::UdpSocket::bind((any, 0)))??;
        socket.set_nonblocking(true)?;
        let endpoint = SocketAddr::new(address.into(), socket.local_addr()?.port());
        Ok((UdpSocket::from_std(socket)?, endpoint))
    }

    pub fn client_settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Whether it exists for this sub-test only, so that its URL is useless afterwards.
    pub fn is_private(&self) -> bool {
        matches!(self.host, Host::Embedded(_))
    }

    /// Returns a valid session token, which is cached until the clock moves.
    ///
    /// # Errors
    /// No token can be obtained.
    pub async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let mut sessions = self.sessions.lock().await;
        if let Some(token) = sessions.get(&identity) {
            return Ok(token.clone());
        }
        let token = match &self.host {
            Host::Embedded(control_plane) => control_plane.token(identity).await?,
            Host::Remote(remote) => remote.token(identity).await?,
        };
        sessions.insert(identity, token.clone());
        Ok(token)
    }

    /// Whether the target has credentials for the identity.
    pub fn knows(&self, identity: Identity) -> bool {
        match &self.host {
            Host::Embedded(_) => true,
            Host::Remote(remote) => remote.knows(identity),
        }
    }

    /// Returns the cached sessions.
    pub async fn sessions(&self) -> Vec<(Identity, String)> {
        self.sessions.lock().await.iter().map(|(identity, token)| (*identity, token.clone())).collect()
    }

    /// Replaces a session whose request was refused with 401, if the session itself is invalid. To find out, a documented
    /// read is sent with it: only if that is refused, too, has the session ended. Otherwise the 401 is the target's answer
    /// to the request, and this returns `None`.
    ///
    /// # Errors
    /// The session is invalid and cannot be replaced.
    pub async fn revive(
        &self,
        caller: &Caller,
        identity: Identity,
        refused: &str,
    ) -> Result<Option<String>, StepError> {
        let Host::Remote(remote) = &self.host else { return Ok(None) };
        let path = format!("{SESSION_PROBE}?org_id={}", self.org_of(identity));
        let probe = self.request(refused, Method::GET, &path, None)?;
        if send(caller, &probe).await?.status != 401 {
            return Ok(None);
        }
        let token = remote.renew(identity, refused).await?;
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
    ) -> Result<Exchange, StepError> {
        let token = self.token(identity).await?;
        let request = self.request(&token, method.clone(), path, body)?;
        let mut exchange = send(caller, &request).await?;
        if exchange.status == 401
            && let Some(token) = self.revive(caller, identity, &token).await?
        {
            exchange = send(caller, &self.request(&token, method, path, body)?).await?;
        }
        self.adapt(&mut exchange);
        Ok(exchange)
    }

    /// Applies the profile's pointers to a response.
    pub fn adapt(&self, exchange: &mut Exchange) {
        if let Host::Remote(remote) = &self.host {
            remote.pointers().apply(exchange);
        }
    }

    fn org_of(&self, identity: Identity) -> &str {
        match (identity, &self.other_org) {
            (Identity::Outsider, Some(other)) => other,
            _ => &self.org,
        }
    }

    fn request(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<PreparedRequest, StepError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            StepError::Request("the token has characters that are invalid in a header".to_owned())
        })?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let url = joined(&self.base_url, path);
        Ok(PreparedRequest { method, url, headers, body: body.map(Value::to_string), from: None })
    }

    /// Advances the target's clock and forgets the cached sessions, which may have expired.
    ///
    /// # Errors
    /// The target has no clock hook, or the hook failed.
    pub async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        match &self.host {
            Host::Embedded(control_plane) => control_plane.advance(duration).await?,
            Host::Remote(remote) => remote.advance(duration).await?,
        }
        self.sessions.lock().await.clear();
        Ok(())
    }

    /// Approves a device login (RFC 8628) as the identity.
    ///
    /// # Errors
    /// The target has no approval hook, or the hook failed.
    pub async fn approve(&self, user_code: &str, identity: Identity) -> Result<(), TargetError> {
        let token = self.token(identity).await?;
        let endpoint = match &self.host {
            Host::Embedded(_) => joined(&self.base_url, embedded::APPROVE),
            Host::Remote(remote) => remote.approve_endpoint()?,
        };
        let body = serde_json::json!({ "user_code": user_code, "approve": true });
        ask::post(&self.settings, endpoint, Some(&token), &body)
            .await
            .map(drop)
            .map_err(TargetError::Approval)
    }

    fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        match self.namespace() {
            Some(namespace) => namespace.run(work),
            None => Ok(work()),
        }
    }

    /// Stops whatever was started for the sub-test.
    pub async fn close(self) {
        if let Host::Embedded(control_plane) = self.host {
            control_plane.stop().await;
        }
    }
}

/// Appends a path to a base URL, which may have a path itself.
pub(crate) fn joined(base_url: &Url, path: &str) -> Url {
    let text = format!("{}{path}", base_url.as_str().trim_end_matches('/'));
    Url::parse(&text).unwrap_or_else(|_| base_url.clone())
}
