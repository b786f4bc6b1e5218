//! The control plane's API for machines, as the capability `wire` expects it of every target.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::exchange::{Caller, PreparedRequest, joined, send};
use crate::step::error::StepError;
use crate::targets::TestEnvironment;
use harness_model::check::evidence::Exchange;

use super::key::NodeKey;

const REGISTER: &str = "/api/register-machine";
const HEARTBEAT: &str = "/api/heartbeat";
/// Asks for the complete map without waiting for a change.
const NETWORK_MAP: &str = "/api/network-map?since=0&wait=0";

/// A client of the control plane that acts for one peer.
#[derive(Debug)]
pub(super) struct ControlPlane {
    client: Caller,
    environment: Arc<TestEnvironment>,
    peer: String,
}

/// The response to a request for the network map.
#[derive(Debug)]
pub(super) enum NetworkMapResponse {
    Complete(NetworkMap),
    /// Refused with this status, as to a machine in quarantine.
    Refused(u16),
}

/// The part of the network map that a peer needs.
#[derive(Debug)]
pub(super) struct NetworkMap {
    pub(super) own: Option<Ipv4Addr>,
    machines: Vec<Value>,
}

/// A machine as the network map shows it to its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownMachine {
    /// In base64.
    pub(super) public_key: String,
    /// Its address inside the tailnet.
    pub(super) address: Ipv4Addr,
    /// Where it receives WireGuard datagrams.
    pub(super) endpoints: Vec<SocketAddr>,
}

impl ControlPlane {
    pub(super) fn new(client: Caller, environment: Arc<TestEnvironment>, peer: String) -> Self {
        Self { client, environment, peer }
    }

    /// Registers the peer and returns its machine token.
    pub(super) async fn register(
        &self,
        auth_key: &str,
        name: &str,
        public_key: &str,
    ) -> Result<String, StepError> {
        let body = json!({ "auth_key": auth_key, "name": name, "public_key": public_key });
        let response = self.request(Method::POST, REGISTER, None, Some(body)).await?;
        let token = self.success_body(&response)?.pointer("/data/machine_token").and_then(Value::as_str);
        token
            .map(str::to_owned)
            .ok_or_else(|| self.contract_violation("the response has no `/data/machine_token`", REGISTER))
    }

    pub(super) async fn publish(&self, token: &str, endpoint: SocketAddr) -> Result<(), StepError> {
        let body = json!({ "endpoints": [endpoint.to_string()] });
        let response = self.request(Method::POST, HEARTBEAT, Some(token), Some(body)).await?;
        self.success_body(&response).map(drop)
    }

    pub(super) async fn network_map(&self, token: &str) -> Result<NetworkMapResponse, StepError> {
        let response = self.request(Method::GET, NETWORK_MAP, Some(token), None).await?;
        if matches!(response.status, 401 | 403) {
            return Ok(NetworkMapResponse::Refused(response.status));
        }
        let map = self.success_body(&response)?;
        let machines = map.pointer("/data/peers").and_then(Value::as_array);
        let machines = machines
            .ok_or_else(|| self.contract_violation("the response has no `/data/peers`", NETWORK_MAP))?
            .clone();
        let own = map.pointer("/data/self/tailnet_ip").and_then(Value::as_str);
        Ok(NetworkMapResponse::Complete(NetworkMap { own: own.and_then(|text| text.parse().ok()), machines }))
    }

    /// Returns the error for a response that does not meet the contract.
    pub(super) fn contract_violation(&self, what: &str, path: &str) -> StepError {
        StepError::Wire {
            peer: self.peer.clone(),
            cause: format!(
                "{path}: {what}\nthe capability `wire` requires this (scenarios/README.md); if the target differs, do not declare it"
            ),
        }
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<Exchange, StepError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                self.contract_violation("the machine token has characters that are invalid in a header", path)
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut url = joined(self.environment.base_url(), path);
        self.environment.redirect(&mut url);
        let body = body.map(|body| body.to_string());
        let request = PreparedRequest { method, url, headers, body, from: None };
        let mut exchange = send(&self.client, &request).await?;
        self.environment.adapt(&mut exchange);
        Ok(exchange)
    }

    /// Returns the JSON of a 2xx response. The error for a refusal names only its code: the body may contain a secret.
    fn success_body<'a>(&self, response: &'a Exchange) -> Result<&'a Value, StepError> {
        let path =
            Url::parse(&response.url).map_or_else(|_| response.url.clone(), |url| url.path().to_owned());
        match response.json() {
            Some(json) if (200..300).contains(&response.status) => Ok(json),
            json => {
                let unnamed = if json.is_some() { "without a code" } else { "without JSON" };
                let code = response.refusal_code().unwrap_or(unnamed);
                let what = format!("the response was {} {code}", response.status);
                Err(self.contract_violation(&what, &path))
            }
        }
    }
}

impl NetworkMap {
    /// Returns the machine of that name if the map has its key, address and at least one IPv4 endpoint.
    pub(super) fn machine(&self, name: &str) -> Option<KnownMachine> {
        let machine = self.machines.iter().find(|machine| machine.pointer("/name") == Some(&json!(name)))?;
        let text = |place: &str| machine.pointer(place).and_then(Value::as_str);
        let endpoints = machine.pointer("/endpoints").and_then(Value::as_array)?;
        let endpoints: Vec<SocketAddr> = endpoints
            .iter()
            .filter_map(|endpoint| endpoint.as_str()?.parse().ok())
            .filter(SocketAddr::is_ipv4)
            .collect();
        let public_key = text("/public_key")?.to_owned();
        NodeKey::parse_public(&public_key)?;
        let address = text("/tailnet_ip")?.parse().ok()?;
        (!endpoints.is_empty()).then_some(KnownMachine { public_key, address, endpoints })
    }
}
