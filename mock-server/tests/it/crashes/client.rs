//! Requests to the server, or to replicas in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::server_process::ServerProcess;
use crate::test_server::key_of;

pub(super) const ORGANISATION: &str = "storm";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Requests of an admin and of machines. `None` stands for an answer that did not arrive, or that does not say whether
/// anything was done.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base_urls: Vec<String>,
    requests: Arc<AtomicUsize>,
    /// Whether an answer did not arrive.
    cut_off: Arc<AtomicBool>,
    pub(super) admin: String,
}

impl Client {
    pub(super) fn of(server: &ServerProcess) -> Self {
        Self::over([server])
    }

    pub(super) fn over<'s>(servers: impl IntoIterator<Item = &'s ServerProcess>) -> Self {
        let servers: Vec<_> = servers.into_iter().collect();
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base_urls: servers.iter().map(|server| server.text("/base_url").to_owned()).collect(),
            requests: Arc::default(),
            cut_off: Arc::default(),
            admin: servers[0].text("/admin/token").to_owned(),
        }
    }

    /// Whether there is a single server, and it is gone.
    pub(super) fn is_over(&self) -> bool {
        self.base_urls.len() == 1 && self.cut_off.load(Ordering::Relaxed)
    }

    fn base_url(&self) -> &str {
        &self.base_urls[self.requests.fetch_add(1, Ordering::Relaxed) % self.base_urls.len()]
    }

    pub(super) async fn post(&self, path: &str, bearer: &str, body: Value) -> Option<(u16, Value)> {
        let mut request = self.http.post(format!("{}{path}", self.base_url())).body(body.to_string());
        if !bearer.is_empty() {
            request = request.bearer_auth(bearer);
        }
        let Some((status, answer)) = answered(request).await else {
            self.cut_off.store(true, Ordering::Relaxed);
            return None;
        };
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        let is_uncertain = status == 503 && message.contains("look whether the change was made");
        (!is_uncertain).then_some((status, answer))
    }

    pub(super) async fn manage(&self, mut fields: Value) -> Option<(u16, Value)> {
        fields["org_id"] = ORGANISATION.into();
        self.post("/api/key-management", &self.admin, fields).await
    }

    /// Creates an auth key; returns its id and the key.
    pub(super) async fn auth_key(
        &self,
        name: &str,
        reusable: bool,
        bearer: &str,
    ) -> Option<(String, String)> {
        let body = json!({ "action": "create_auth_key", "org_id": ORGANISATION, "name": name, "reusable": reusable });
        let (_, made) = self.post("/api/key-management", bearer, body).await?;
        let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        text("/data/id").zip(text("/data/key"))
    }

    pub(super) async fn register(&self, key: &str, name: &str) -> Option<(u16, Value)> {
        let body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
        self.post("/api/register-machine", "", body).await
    }

    pub(super) async fn heartbeat(&self, token: &str) -> u16 {
        self.post("/api/heartbeat", token, json!({})).await.unwrap().0
    }

    pub(super) async fn poll(&self, device_code: &str) -> Option<(u16, Value)> {
        self.post("/api/auth/device/token", "", json!({ "grant_type": GRANT, "device_code": device_code }))
            .await
    }

    pub(super) async fn user_orgs(&self, bearer: &str) -> u16 {
        let request = self.http.get(format!("{}/api/user-orgs", self.base_url())).bearer_auth(bearer);
        request.send().await.unwrap().status().as_u16()
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}
