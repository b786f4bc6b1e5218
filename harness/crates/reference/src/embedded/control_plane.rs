//! One control plane of the reference.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::scenario::model::{IDENTITIES, Identity, identity_name};
use harness_runner::exchange::joined;
use harness_runner::targets::{Account, Cause, ControlPlane, TargetError};
use mock_server::app::{DEFAULT_LISTEN, Person, Ready, Server};
use reqwest::Url;

use super::balancer::Balancer;
use super::database::Database;
use crate::front_proxy::{FrontProxy, RunningProxy, Sessions};

/// Where device logins are approved.
const APPROVE: &str = "/api/auth/device/approve";

pub(super) struct EmbeddedControlPlane {
    server: Server,
    /// The other servers on the same database, behind the balancer.
    replicas: Vec<Server>,
    balancer: Option<Balancer>,
    database: Option<Database>,
    /// The balancer's or the server's. Without a slash at the end.
    base_url: String,
    proxy: Option<Box<dyn RunningProxy>>,
}

impl EmbeddedControlPlane {
    /// The servers behind a balancer if there are several, and a proxy in front that listens on `listen`, if one is given.
    /// The database is removed in the end.
    pub(super) async fn start(
        front: Option<&dyn FrontProxy>,
        servers: Vec<Server>,
        database: Option<Database>,
        listen: SocketAddr,
    ) -> std::io::Result<Self> {
        let addresses: Vec<_> = servers.iter().map(Server::address).collect();
        let mut servers = servers.into_iter();
        let server = servers.next().ok_or(std::io::ErrorKind::InvalidInput)?;
        let balancer = match addresses.len() {
            1 => None,
            _ => Some(Balancer::start(DEFAULT_LISTEN, addresses)?),
        };
        let balancer_url = balancer.as_ref().map(|balancer| format!("http://{}", balancer.address()));
        let base_url = balancer_url.unwrap_or_else(|| server.base_url().to_owned());
        let mut plane =
            Self { server, replicas: servers.collect(), balancer, database, base_url, proxy: None };
        if let Some(front) = front {
            let upstream = Url::parse(&plane.base_url).map_err(std::io::Error::other)?;
            plane.proxy = Some(front.start(upstream, listen, plane.sessions().await).await?);
        }
        Ok(plane)
    }

    /// The proxy's address if there is one. Without a slash at the end.
    pub(super) fn base_url(&self) -> &str {
        match &self.proxy {
            Some(proxy) => proxy.base_url().as_str().trim_end_matches('/'),
            None => &self.base_url,
        }
    }

    /// The reference's addresses and people.
    pub(super) fn ready(&self) -> &Ready {
        self.server.ready()
    }

    /// Where the reference listens, behind a proxy if there is one.
    pub(super) fn address(&self) -> SocketAddr {
        self.balancer.as_ref().map_or_else(|| self.server.address(), Balancer::address)
    }

    async fn sessions(&self) -> Sessions {
        let mut sessions = Sessions::new();
        for (identity, _) in IDENTITIES {
            if let Ok(token) = self.session(identity).await {
                sessions.insert(identity, token);
            }
        }
        sessions
    }

    fn person(&self, identity: Identity) -> Option<&Person> {
        let ready = self.server.ready();
        match identity {
            Identity::Admin => ready.admin.as_ref(),
            Identity::Owner => ready.owner.as_ref(),
            Identity::Member => ready.member.as_ref(),
            Identity::Outsider | Identity::Limited => ready.outsider.as_ref(),
        }
    }

    async fn session(&self, identity: Identity) -> Result<String, TargetError> {
        let failed = |cause: Cause| TargetError::Token { identity: identity_name(identity), cause };
        let person = self.person(identity).ok_or_else(|| failed("the fixture has no such person".into()))?;
        self.server.token(&person.email).await.map_err(|error| failed(error.into()))
    }

    async fn advance_clock(&self, duration: Duration) -> Result<(), TargetError> {
        // Each has a clock of its own, and the first one does what becomes due.
        for server in std::iter::once(&self.server).chain(&self.replicas) {
            let advanced = server.advance(duration).await;
            advanced.map_err(|error| TargetError::Clock(error.into()))?;
        }
        if let Some(proxy) = &self.proxy {
            proxy.clock_advanced(duration, self.sessions().await).await;
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        drop(self.proxy);
        drop(self.balancer);
        futures::future::join_all(std::iter::once(self.server).chain(self.replicas).map(Server::stop)).await;
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

impl ControlPlane for EmbeddedControlPlane {
    fn is_private(&self) -> bool {
        true
    }

    fn account(&self, identity: Identity) -> Option<Account> {
        let person = self.person(identity)?;
        Some(Account { email: person.email.clone(), password: person.password.clone() })
    }

    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>> {
        Box::pin(self.session(identity))
    }

    /// Never needed: sessions only expire when the clock is advanced.
    fn renew<'a>(
        &'a self,
        identity: Identity,
        _refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>> {
        self.token(identity)
    }

    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(self.advance_clock(duration))
    }

    fn approval_endpoint(&self) -> Result<Url, TargetError> {
        let base_url = Url::parse(self.base_url()).map_err(|error| TargetError::Approval(error.into()))?;
        Ok(joined(&base_url, APPROVE))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.stop())
    }
}

impl std::fmt::Debug for EmbeddedControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("EmbeddedControlPlane").field(&self.base_url()).finish()
    }
}
