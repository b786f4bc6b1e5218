//! The control plane of one sub-test.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::scenario::model::{IDENTITIES, Identity, identity_name};
use harness_runner::exchange::joined;
use harness_runner::targets::{ControlPlane, TargetError};
use mock_server::app::{Person, Ready, Server};
use reqwest::Url;

use crate::front::{Front, Sessions, Standing};

/// The reference's endpoint for approving device logins.
const APPROVE: &str = "/api/auth/device/approve";

pub(super) struct EmbeddedControlPlane {
    server: Server,
    standing: Option<Box<dyn Standing>>,
}

impl EmbeddedControlPlane {
    /// Starts the layer in front of the server, if there is one.
    pub(super) async fn behind(
        front: Option<&dyn Front>,
        server: Server,
        listen: SocketAddr,
    ) -> std::io::Result<Self> {
        let mut plane = Self { server, standing: None };
        if let Some(front) = front {
            let origin = Url::parse(plane.server.base_url()).map_err(std::io::Error::other)?;
            plane.standing = Some(front.stand(origin, listen, plane.sessions().await).await?);
        }
        Ok(plane)
    }

    /// Has no trailing slash.
    pub(super) fn base_url(&self) -> &str {
        match &self.standing {
            Some(standing) => standing.base_url().as_str().trim_end_matches('/'),
            None => self.server.base_url(),
        }
    }

    pub(super) fn ready(&self) -> &Ready {
        self.server.ready()
    }

    /// The address of the reference itself, behind any layer.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
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

    async fn session(&self, identity: Identity) -> Result<String, TargetError> {
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

    async fn move_clock(&self, duration: Duration) -> Result<(), TargetError> {
        let moved = self.server.advance(duration).await;
        moved.map_err(|error| TargetError::Clock(error.to_string()))?;
        if let Some(standing) = &self.standing {
            standing.time_passed(duration, self.sessions().await).await;
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        drop(self.standing);
        self.server.stop().await;
    }
}

impl ControlPlane for EmbeddedControlPlane {
    fn is_private(&self) -> bool {
        true
    }

    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>> {
        Box::pin(self.session(identity))
    }

    /// Returns a new session; a private control plane's sessions only end when its clock moves.
    fn renew<'a>(
        &'a self,
        identity: Identity,
        _refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>> {
        self.token(identity)
    }

    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(self.move_clock(duration))
    }

    fn approval_endpoint(&self) -> Result<Url, TargetError> {
        let base_url =
            Url::parse(self.base_url()).map_err(|error| TargetError::Approval(error.to_string()))?;
        Ok(joined(&base_url, APPROVE))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.stop())
    }
}

impl std::fmt::Debug for EmbeddedControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ControlPlane").field(&self.base_url()).finish()
    }
}
