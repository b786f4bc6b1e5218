//! Where sub-tests run: a reference started for each of them, or one implementation that all share.

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

/// Every identity and its name in scenarios and profiles.
pub const IDENTITIES: [(Identity, &str); 4] = [
    (Identity::Admin, "admin"),
    (Identity::Owner, "owner"),
    (Identity::Member, "member"),
    (Identity::Outsider, "outsider"),
];

/// What every session of an organisation may read by the documents (`used-count`): it tells whether a session is good.
const PROOF: &str = "/api/db/auth_keys";

/// What `up` is told where there is no TUN device.
pub const WITHOUT_TUN: &str = "--userspace";

/// Its name in scenarios and profiles.
pub fn identity_name(identity: Identity) -> &'static str {
    IDENTITIES.iter().find(|(known, _)| *known == identity).map_or("nobody", |(_, name)| name)
}

/// What the kit runs against.
#[derive(Debug, Clone)]
pub enum Target {
    /// The reference inside this process, one control plane a sub-test.
    Embedded(Embedded),
    /// An implementation somewhere, shared by all sub-tests.
    Remote(Arc<Remote>),
}

/// The target as one sub-test has it.
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

/// A network of the sub-test's own.
#[derive(Debug)]
struct Network {
    namespace: Arc<Namespace>,
    _gate: Gate,
}

/// Who answers behind the base URL.
#[derive(Debug)]
enum Host {
    Embedded(Box<embedded::ControlPlane>),
    Remote(Arc<Remote>),
}

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program.
    pub program: OsString,
    /// What stands before the words of a step.
    pub arguments: Vec<OsString>,
    /// More environment.
    pub environment: Vec<(String, String)>,
    /// What every `up` gets beside its words, such as `--userspace` where there is no TUN device.
    pub up_flags: Vec<String>,
}

/// The target, or what surrounds it, failed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The reference does not start.
    #[error("the reference cannot be started: {0}")]
    Start(String),
    /// Nobody answers at the base URL.
    #[error("the target {base_url} cannot be reached: {cause}")]
    Unreachable {
        /// The base URL.
        base_url: String,
        /// What happened.
        cause: String,
    },
    /// Another server is meant.
    #[error("the target {base_url} redirects to {elsewhere}; set base_url = \"{elsewhere}\" in {profile}")]
    Moved {
        /// The base URL.
        base_url: String,
        /// The one that is meant.
        elsewhere: String,
        /// The profile's file.
        profile: String,
    },
    /// A token was refused and there is no other.
    #[error(
        "the token of `{identity}` is refused with 401, {cause}: it has expired, or is none of this target; \
         renew what tokens.{identity} in {profile} names, or write {{ login = … }} or {{ command = \"…\" }} there, \
         which the kit renews by itself"
    )]
    Spent {
        /// Whose.
        identity: &'static str,
        /// What came of renewing it.
        cause: String,
        /// The profile's file.
        profile: String,
    },
    /// There is no token for an identity.
    #[error("there is no token for `{identity}`: {cause}")]
    Token {
        /// Whose.
        identity: &'static str,
        /// What was tried and what came.
        cause: String,
    },
    /// The clock cannot be moved.
    #[error("the target's clock cannot be advanced: {0}")]
    Clock(String),
    /// A device login cannot be approved.
    #[error("the device login cannot be approved: {0}")]
    Approval(String),
    /// The target could not be brought into its first state.
    #[error("the target cannot be reset: {0}")]
    Reset(String),
}

impl Target {
    /// What reports say about it.
    pub fn description(&self) -> TargetDescription {
        match self {
            Self::Embedded(embedded) => embedded.description(),
            Self::Remote(remote) => remote.description(),
        }
    }

    /// What the plan has to know about it.
    pub fn facts(&self) -> TargetFacts {
        let TargetDescription { name, capabilities, reference, .. } = self.description();
        let lacking = match self {
            Self::Embedded(embedded) => embedded.lacking(),
            Self::Remote(_) => BTreeMap::new(),
        };
        TargetFacts { name, capabilities, lacking, is_reference: reference }
    }

    /// Whether sub-tests meet on it: its clock is everybody's.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// How many requests, and so sub-tests, it allows at the same time; none if it does not say.
    pub fn most_at_once(&self) -> Option<usize> {
        match self {
            Self::Embedded(_) => None,
            Self::Remote(remote) => remote.most_at_once(),
        }
    }

    /// How long a sub-test may take on it; none if it does not say.
    pub fn time_limit(&self) -> Option<Duration> {
        match self {
            Self::Embedded(_) => None,
            Self::Remote(remote) => Some(remote.time_limit()),
        }
    }

    /// Reads that were repeated because their connection failed, up to now.
    pub fn retries(&self) -> u64 {
        match self {
            Self::Embedded(_) => 0,
            Self::Remote(remote) => remote.retries(),
        }
    }

    /// Whether it answers at all, found out before anything runs.
    ///
    /// # Errors
    /// It does not.
    pub async fn preflight(&self) -> Result<(), TargetError> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Remote(remote) => remote.preflight().await,
        }
    }

    /// The target for one sub-test, whose `ztna up` may have to bring up a TUN device.
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
    /// Where it answers.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// `${org}`.
    pub fn org(&self) -> &str {
        &self.org
    }

    /// `${other_org}`.
    pub fn other_org(&self) -> Option<&str> {
        self.other_org.as_deref()
    }

    /// `${address}`: where the target sees the kit.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How its agent is started; none if there is none.
    pub fn agent(&self) -> Option<&AgentCommand> {
        self.agent.as_ref()
    }

    /// Where its agents' processes are to be started, if not on the host's network.
    pub fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.network.as_ref().map(|network| &network.namespace)
    }

    /// A listener on a free port of loopback, where its agents are.
    ///
    /// # Errors
    /// There is no free port.
    pub fn listener(&self) -> io::Result<TcpListener> {
        let listener = self.inside(|| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))??;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// A UDP socket that the target's machines reach, and where.
    ///
    /// # Errors
    /// There is no port, or no IPv4 address known to them.
    pub fn udp_socket(&self) -> io::Result<(UdpSocket, SocketAddr)> {
        let address: Ipv4Addr = self.address.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::Unsupported, format!("{} is no IPv4 address", self.address))
        })?;
        let any = if address.is_loopback() { address } else { Ipv4Addr::UNSPECIFIED };
        let socket = self.inside(move || std::net::UdpSocket::bind((any, 0)))??;
        socket.set_nonblocking(true)?;
        let endpoint = SocketAddr::new(address.into(), socket.local_addr()?.port());
        Ok((UdpSocket::from_std(socket)?, endpoint))
    }

    /// How HTTP clients to it are made.
    pub fn client_settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Whether it exists for this sub-test alone, so that its URL means nothing afterwards.
    pub fn is_private(&self) -> bool {
        matches!(self.host, Host::Embedded(_))
    }

    /// A valid session token; kept until the clock moves.
    ///
    /// # Errors
    /// The target does not give one.
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

    /// Whether there are sessions of that person.
    pub fn knows(&self, identity: Identity) -> bool {
        match &self.host {
            Host::Embedded(_) => true,
            Host::Remote(remote) => remote.knows(identity),
        }
    }

    /// The sessions that were given out since the clock moved last.
    pub async fn sessions(&self) -> Vec<(Identity, String)> {
        self.sessions.lock().await.iter().map(|(identity, token)| (*identity, token.clone())).collect()
    }

    /// Another session for one whose request was answered 401, if that was for the session's sake: a shared target
    /// is asked for something documented, and refuses the session there, too. None if the answer is the target's own.
    ///
    /// # Errors
    /// The session is refused, and there is no other.
    pub async fn revive(
        &self,
        caller: &Caller,
        identity: Identity,
        refused: &str,
    ) -> Result<Option<String>, StepError> {
        let Host::Remote(remote) = &self.host else { return Ok(None) };
        let path = format!("{PROOF}?org_id={}", self.org_of(identity));
        let probe = self.request(refused, Method::GET, &path, None)?;
        if send(caller, &probe).await?.status != 401 {
            return Ok(None);
        }
        let token = remote.renew(identity, refused).await?;
        self.sessions.lock().await.insert(identity, token.clone());
        Ok(Some(token))
    }

    /// Asks for something below the base URL in the name of a person, JSON in both directions.
    ///
    /// # Errors
    /// There is no session, or no whole answer came.
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

    /// Brings an answer that no document describes to where the kit reads it, as the profile says.
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
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| StepError::Request("the token has characters that no header may have".to_owned()))?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let url = joined(&self.base_url, path);
        Ok(PreparedRequest { method, url, headers, body: body.map(Value::to_string), from: None })
    }

    /// Moves the target's clock.
    ///
    /// # Errors
    /// The target has no clock to move, or it refused.
    pub async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        match &self.host {
            Host::Embedded(control_plane) => control_plane.advance(duration).await?,
            Host::Remote(remote) => remote.advance(duration).await?,
        }
        self.sessions.lock().await.clear();
        Ok(())
    }

    /// Approves a device login (RFC 8628) as that person.
    ///
    /// # Errors
    /// The target refused.
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

    /// Ends what was started for the sub-test.
    pub async fn close(self) {
        if let Host::Embedded(control_plane) = self.host {
            control_plane.stop().await;
        }
    }
}

/// A path below a base URL that may have a path of its own.
pub(crate) fn joined(base_url: &Url, path: &str) -> Url {
    let text = format!("{}{path}", base_url.as_str().trim_end_matches('/'));
    Url::parse(&text).unwrap_or_else(|_| base_url.clone())
}
