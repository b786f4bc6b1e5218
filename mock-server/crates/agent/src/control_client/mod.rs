//! Client of the control plane's API, with one method per endpoint.

mod backoff;
mod connection;
mod error;
mod http;
mod list;
mod message;
mod response;

pub(crate) use backoff::{Backoff, retry_delay};
pub(crate) use error::ControlError;
pub(crate) use list::AuthKeyList;
pub(crate) use message::{
    AuthKey, CreateAuthKey, CreatedAuthKey, DeviceCode, DeviceToken, Machine, Membership, NetworkMapAnswer,
    RegisterMachine, Registered,
};

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Upgraded, Url};
use serde_json::{Value, json};
use ztna_protocol::region::Region;

use crate::secret::Secret;
use http::{Body, Http, Request};

/// Time limit of requests made while the agent shuts down.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Decodes the body of a successful response, as a request does.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    response::decode(body).ok()
}

/// Decodes a refusal with this status and these headers, as a request does.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode_refusal(
    status: u16,
    headers: &reqwest::header::HeaderMap,
    body: &[u8],
) -> Option<ControlError> {
    let response::Refusal { code, message, in_envelope } =
        response::Refusal::read(&serde_json::from_slice(body).ok()?)?;
    let retry_after = response::retry_after(headers);
    Some(ControlError::Refused { status, code, message, retry_after, in_envelope })
}

/// Returns by how many seconds a clock that shows `now` is ahead according to these headers.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode_clock(headers: &reqwest::header::HeaderMap, now: time::OffsetDateTime) -> Option<i64> {
    response::seconds_ahead(headers, now)
}

/// A client of the control plane at one address.
#[derive(Debug)]
pub(crate) struct ControlClient {
    http: Http,
}

impl ControlClient {
    /// Returns a client for `server`; sends nothing yet.
    pub(crate) fn new(server: Url) -> Self {
        Self { http: Http::new(server) }
    }

    /// Returns the control plane's address, without a trailing slash.
    pub(crate) fn server(&self) -> &str {
        self.http.server()
    }

    /// `POST /api/register-machine`, with a user's session or else with the auth key in `request`. Requests with the same
    /// `attempt` are one registration.
    pub(crate) async fn register(
        &self,
        request: &RegisterMachine<'_>,
        session: Option<&Secret>,
        attempt: &Secret,
    ) -> Result<Registered, ControlError> {
        let post = Request::post("/api/register-machine", session, Body::Json(request));
        self.http.request(Request { idempotency_key: Some(attempt), ..post }).await
    }

    /// Returns how many seconds this host's clock was ahead of the control plane's at the last response.
    pub(crate) fn seconds_ahead(&self) -> Option<i64> {
        self.http.seconds_ahead()
    }

    /// Returns whether the control plane runs on this host.
    pub(crate) fn is_local(&self) -> bool {
        self.http.is_local()
    }

    /// `POST /api/heartbeat` with the machine's token and, once it has a tunnel, its endpoints and relay.
    pub(crate) async fn heartbeat(
        &self,
        token: &Secret,
        endpoints: Option<&[SocketAddr]>,
        relay: Option<Region>,
    ) -> Result<Machine, ControlError> {
        let mut body = json!({ "version": env!("CARGO_PKG_VERSION"), "status": "online" });
        if let Some(endpoints) = endpoints {
            body["endpoints"] = endpoints.iter().map(SocketAddr::to_string).collect();
        }
        if let Some(relay) = relay {
            body["relay"] = relay.as_str().into();
        }
        self.post_for_machine("/api/heartbeat", token, &body).await
    }

    /// `GET /api/network-map`: the changes since `version`, or the whole map if that is 0. The control plane holds the
    /// request for up to `wait` while there are no changes.
    pub(crate) async fn network_map(
        &self,
        token: &Secret,
        version: i64,
        wait: Duration,
    ) -> Result<NetworkMapAnswer, ControlError> {
        let query = [
            ("since", version.to_string()),
            ("wait", wait.as_secs().to_string()),
            // Without it there are no peers while there are rules.
            ("access_rules", "true".to_owned()),
        ];
        let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.http.get_long_poll("/api/network-map", &query, token, wait).await
    }

    /// `GET /relay`: opens a WebSocket to the relay at this address.
    pub(crate) async fn relay(&self, token: &Secret) -> Result<Upgraded, ControlError> {
        self.http.upgrade("/relay", token).await
    }

    /// Measures the time of a request on an established connection.
    pub(crate) async fn round_trip(&self) -> Result<Duration, ControlError> {
        self.http.probe("/healthz").await?;
        let start = Instant::now();
        self.http.probe("/healthz").await?;
        Ok(start.elapsed())
    }

    /// Sends the last heartbeat, which reports the machine offline.
    pub(crate) async fn report_offline(&self, token: &Secret, limit: Duration) -> Result<(), ControlError> {
        self.send_at_shutdown("/api/heartbeat", token, &json!({ "status": "offline" }), limit).await
    }

    /// `POST /api/machine-logout`: removes an ephemeral machine, or revokes the token of any other. Times out early.
    pub(crate) async fn log_machine_out(&self, token: &Secret) -> Result<(), ControlError> {
        self.send_at_shutdown("/api/machine-logout", token, &json!({}), SHUTDOWN_TIMEOUT).await
    }

    /// `POST /api/machine-tags`: adds tags to the token's machine (issuing/tags.2).
    pub(crate) async fn add_tags(&self, token: &Secret, tags: &[String]) -> Result<Machine, ControlError> {
        self.post_for_machine("/api/machine-tags", token, &json!({ "tags": tags })).await
    }

    /// `POST /api/machine-admin` (issuing/disconnect.1).
    pub(crate) async fn administer(
        &self,
        caller: &Secret,
        org_id: &str,
        machine_id: &str,
        action: &str,
    ) -> Result<(), ControlError> {
        let body = json!({ "action": action, "org_id": org_id, "machine_id": machine_id });
        let _: Value = self.http.post("/api/machine-admin", Some(caller), &body).await?;
        Ok(())
    }

    /// `GET /api/user-orgs`: the caller's organisations and role in each (generate/ST5.5).
    pub(crate) async fn memberships(&self, caller: &Secret) -> Result<Vec<Membership>, ControlError> {
        self.http.get("/api/user-orgs", &[], caller).await
    }

    /// `GET /api/db/auth_keys?org_id=ORG`, exactly this query (used-count/ST5.5). Returns the oldest key first.
    ///
    /// A control plane may return a limited number of rows at a time. If the list may be one of them, the rest is requested
    /// in the order of creation.
    pub(crate) async fn auth_keys(&self, caller: &Secret, org_id: &str) -> Result<AuthKeyList, ControlError> {
        let path = "/api/db/auth_keys";
        let mut list = AuthKeyList::default();
        list.add(self.http.get(path, &[("org_id", org_id)], caller).await?);
        while let Some(from) = list.next_page() {
            let from = from.map(|moment| format!("gte.{moment}"));
            let mut query = vec![("org_id", org_id), ("order", "created_at.asc")];
            query.extend(from.as_deref().map(|from| ("created_at", from)));
            match self.http.get(path, &query, caller).await {
                Ok(page) => list.add(page),
                // Another implementation may know no such query.
                Err(error) => {
                    tracing::info!(%error, "requesting the rest of the list failed");
                    break;
                }
            }
        }
        Ok(list)
    }

    /// `GET /api/db/machines?org_id=ORG&name=eq.NAME`.
    pub(crate) async fn machines_named(
        &self,
        caller: &Secret,
        org_id: &str,
        name: &str,
    ) -> Result<Vec<Machine>, ControlError> {
        let query = [("org_id", org_id), ("name", &format!("eq.{name}"))];
        self.http.get("/api/db/machines", &query, caller).await
    }

    /// `create_auth_key` (issuing/create.1).
    pub(crate) async fn create_auth_key(
        &self,
        caller: &Secret,
        request: &CreateAuthKey<'_>,
    ) -> Result<CreatedAuthKey, ControlError> {
        self.http.post("/api/key-management", Some(caller), request).await
    }

    /// `revoke_auth_key` (issuing/revoke.1).
    pub(crate) async fn revoke_auth_key(
        &self,
        caller: &Secret,
        org_id: &str,
        key_id: &str,
    ) -> Result<(), ControlError> {
        let body = json!({ "action": "revoke_auth_key", "org_id": org_id, "key_id": key_id });
        let _: Value = self.http.post("/api/key-management", Some(caller), &body).await?;
        Ok(())
    }

    /// The device authorisation request of RFC 8628, section 3.1.
    pub(crate) async fn device_code(&self) -> Result<DeviceCode, ControlError> {
        self.http.post_form("/api/auth/device/code", &[("client_id", "ztna")]).await
    }

    /// The device access token request of RFC 8628, section 3.4. Until the login is approved it fails with
    /// [`ControlError::Refused`] and a code of section 3.5.
    pub(crate) async fn device_token(&self, device_code: &Secret) -> Result<DeviceToken, ControlError> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device_code.expose()),
            ("client_id", "ztna"),
        ];
        self.http.post_form("/api/auth/device/token", &form).await
    }

    async fn post_for_machine(
        &self,
        path: &'static str,
        token: &Secret,
        body: &Value,
    ) -> Result<Machine, ControlError> {
        let answer: message::OneMachine = self.http.post(path, Some(token), body).await?;
        Ok(answer.machine)
    }

    async fn send_at_shutdown(
        &self,
        path: &'static str,
        token: &Secret,
        body: &Value,
        limit: Duration,
    ) -> Result<(), ControlError> {
        let request = self.http.send(Request::post(path, Some(token), Body::Json(body)));
        match tokio::time::timeout(limit, request).await {
            Ok(answer) => answer,
            Err(_) => Err(self.http.unreachable("timed out")),
        }
    }
}
