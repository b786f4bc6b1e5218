//! The target as one sub-test has it.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Mutex;

use crate::exchange::{Caller, ClientSettings, ExchangeError, PreparedRequest, joined, send};

use super::agent::AgentCommand;
use super::ask;
use super::control_plane::ControlPlane;
use super::error::TargetError;
use super::namespace::{Namespace, Network};

/// What every session of an organisation may read by the documents (`used-count`): it tells whether a session is good.
const PROOF: &str = "/api/db/auth_keys";

/// The target as one sub-test has it.
#[derive(Debug)]
pub struct TestEnvironment {
    facts: EnvironmentFacts,
    control_plane: Box<dyn ControlPlane>,
    sessions: Mutex<HashMap<Identity, String>>,
}

/// What is known of it from the beginning.
#[derive(Debug)]
pub struct EnvironmentFacts {
    /// Where it answers.
    pub base_url: Url,
    /// `${org}`.
    pub org: String,
    /// `${other_org}`.
    pub other_org: Option<String>,
    /// `${address}`: where the target sees the kit.
    pub address: String,
    /// How its agent is started; none if there is none.
    pub agent: Option<AgentCommand>,
    /// How HTTP clients to it are made.
    pub settings: ClientSettings,
    /// A network of the sub-test's own.
    pub network: Option<Network>,
}

impl TestEnvironment {
    /// One without sessions yet.
    pub fn new(facts: EnvironmentFacts, control_plane: Box<dyn ControlPlane>) -> Self {
        Self { facts, control_plane, sessions: Mutex::default() }
    }

    /// Where it answers.
    pub fn base_url(&self) -> &Url {
        &self.facts.base_url
    }

    /// `${org}`.
    pub fn org(&self) -> &str {
        &self.facts.org
    }

    /// `${other_org}`.
    pub fn other_org(&self) -> Option<&str> {
        self.facts.other_org.as_deref()
    }

    /// `${address}`: where the target sees the kit.
    pub fn address(&self) -> &str {
        &self.facts.address
    }

    /// How its agent is started; none if there is none.
    pub fn agent(&self) -> Option<&AgentCommand> {
        self.facts.agent.as_ref()
    }

    /// Where its agents' processes are to be started, if not on the host's network.
    pub fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.facts.network.as_ref().map(Network::namespace)
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
        let address: Ipv4Addr = self.facts.address.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::Unsupported, format!("{} is no IPv4 address", self.facts.address))
        })?;
        let any = if address.is_loopback() { address } else { Ipv4Addr::UNSPECIFIED };
        let socket = self.inside(move || std::net::UdpSocket::bind((any, 0)))??;
        socket.set_nonblocking(true)?;
        let endpoint = SocketAddr::new(address.into(), socket.local_addr()?.port());
        Ok((UdpSocket::from_std(socket)?, endpoint))
    }

    /// How HTTP clients to it are made.
    pub fn client_settings(&self) -> &ClientSettings {
        &self.facts.settings
    }

    /// Whether it exists for this sub-test alone, so that its URL means nothing afterwards.
    pub fn is_private(&self) -> bool {
        self.control_plane.is_private()
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
        let token = self.control_plane.token(identity).await?;
        sessions.insert(identity, token.clone());
        Ok(token)
    }

    /// Whether there are sessions of that person.
    pub fn knows(&self, identity: Identity) -> bool {
        self.control_plane.knows(identity)
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
    ) -> Result<Option<String>, TargetError> {
        if self.is_private() {
            return Ok(None);
        }
        let path = format!("{PROOF}?org_id={}", self.org_of(identity));
        let probe = self.request(refused, Method::GET, &path, None)?;
        if send(caller, &probe).await?.status != 401 {
            return Ok(None);
        }
        let token = self.control_plane.renew(identity, refused).await?;
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
    ) -> Result<Exchange, TargetError> {
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
        self.control_plane.adapt(exchange);
    }

    fn org_of(&self, identity: Identity) -> &str {
        match (identity, &self.facts.other_org) {
            (Identity::Outsider, Some(other)) => other,
            _ => &self.facts.org,
        }
    }

    fn request(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<PreparedRequest, ExchangeError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            ExchangeError::Request("the token has characters that no header may have".to_owned())
        })?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let url = joined(&self.facts.base_url, path);
        Ok(PreparedRequest { method, url, headers, body: body.map(Value::to_string), from: None })
    }

    /// Moves the target's clock.
    ///
    /// # Errors
    /// The target has no clock to move, or it refused.
    pub async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        self.control_plane.advance(duration).await?;
        self.sessions.lock().await.clear();
        Ok(())
    }

    /// Approves a device login (RFC 8628) as that person.
    ///
    /// # Errors
    /// The target refused.
    pub async fn approve(&self, user_code: &str, identity: Identity) -> Result<(), TargetError> {
        let token = self.token(identity).await?;
        let endpoint = self.control_plane.approval_endpoint()?;
        let body = serde_json::json!({ "user_code": user_code, "approve": true });
        ask::post(&self.facts.settings, endpoint, Some(&token), &body)
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
        self.control_plane.close().await;
    }
}
