//! The control plane as a machine sees it: what the capability `wire` assumes of every target.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::exchange::{Caller, PreparedRequest, joined, send};
use crate::step::error::StepError;
use harness_model::check::evidence::Exchange;

use super::key::NodeKey;

const REGISTER: &str = "/api/register-machine";
const HEARTBEAT: &str = "/api/heartbeat";
/// From the beginning, and without waiting for a change.
const NETWORK_MAP: &str = "/api/network-map?since=0&wait=0";

/// The control plane, asked in the name of a peer.
#[derive(Debug)]
pub(super) struct ControlPlane {
    client: Caller,
    base_url: Url,
    peer: String,
}

/// The network map, as far as a peer needs it.
#[derive(Debug)]
pub(super) struct NetworkMap {
    /// Its own address.
    pub(super) own: Option<Ipv4Addr>,
    machines: Vec<Value>,
}

/// A machine as its peers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Its WireGuard public key in base64.
    pub(super) public_key: String,
    /// Its address in the tailnet.
    pub(super) address: Ipv4Addr,
    /// Where it can be reached.
    pub(super) endpoints: Vec<SocketAddr>,
}

impl ControlPlane {
    pub(super) fn new(client: Caller, base_url: Url, peer: String) -> Self {
        Self { client, base_url, peer }
    }

    /// Registers; the machine's credential.
    pub(super) async fn register(
        &self,
        auth_key: &str,
        name: &str,
        public_key: &str,
    ) -> Result<String, StepError> {
        let body = json!({ "auth_key": auth_key, "name": name, "public_key": public_key });
        let answer = self.ask(Method::POST, REGISTER, None, Some(body)).await?;
        let token = self.good(&answer)?.pointer("/data/machine_token").and_then(Value::as_str);
        token
            .map(str::to_owned)
            .ok_or_else(|| self.unlike("its answer has no `/data/machine_token`", REGISTER))
    }

    /// Says where the peer can be reached.
    pub(super) async fn publish(&self, token: &str, endpoint: SocketAddr) -> Result<(), StepError> {
        let body = json!({ "endpoints": [endpoint.to_string()] });
        let answer = self.ask(Method::POST, HEARTBEAT, Some(token), Some(body)).await?;
        self.good(&answer).map(drop)
    }

    /// Asks for the whole map; the status if it is refused, as it is to a machine in quarantine.
    pub(super) async fn network_map(&self, token: &str) -> Result<Result<NetworkMap, u16>, StepError> {
        let answer = self.ask(Method::GET, NETWORK_MAP, Some(token), None).await?;
        if matches!(answer.status, 401 | 403) {
            return Ok(Err(answer.status));
        }
        let map = self.good(&answer)?;
        let machines = map.pointer("/data/peers").and_then(Value::as_array);
        let machines =
            machines.ok_or_else(|| self.unlike("its answer has no `/data/peers`", NETWORK_MAP))?.clone();
        let own = map.pointer("/data/self/tailnet_ip").and_then(Value::as_str);
        Ok(Ok(NetworkMap { own: own.and_then(|text| text.parse().ok()), machines }))
    }

    /// What is missing of what the kit assumes.
    pub(super) fn unlike(&self, what: &str, path: &str) -> StepError {
        StepError::Wire {
            peer: self.peer.clone(),
            cause: format!(
                "{path}: {what}; the capability `wire` promises it (scenarios/README.md), or is not to be declared"
            ),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<Exchange, StepError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| self.unlike("the machine's credential cannot be sent in a header", path))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let url = joined(&self.base_url, path);
        let body = body.map(|body| body.to_string());
        Ok(send(&self.client, &PreparedRequest { method, url, headers, body, from: None }).await?)
    }

    /// The JSON of a 2xx. A refusal is told by its code: the rest of the answer may hold a secret.
    fn good<'a>(&self, answer: &'a Exchange) -> Result<&'a Value, StepError> {
        let path = Url::parse(&answer.url).map_or_else(|_| answer.url.clone(), |url| url.path().to_owned());
        match &answer.json {
            Some(json) if (200..300).contains(&answer.status) => Ok(json),
            json => {
                let code = json.as_ref().and_then(|json| json.pointer("/error/code")).and_then(Value::as_str);
                let what = format!("it answered {} {}", answer.status, code.unwrap_or("without JSON"));
                Err(self.unlike(&what, &path))
            }
        }
    }
}

impl NetworkMap {
    /// The machine of that name, if it is told with a key, an address and somewhere to send to.
    pub(super) fn machine(&self, name: &str) -> Option<Known> {
        let machine = self.machines.iter().find(|machine| machine.pointer("/name") == Some(&json!(name)))?;
        let text = |place: &str| machine.pointer(place).and_then(Value::as_str);
        let endpoints = machine.pointer("/endpoints").and_then(Value::as_array)?;
        let endpoints: Vec<SocketAddr> = endpoints
            .iter()
            .filter_map(|endpoint| endpoint.as_str()?.parse().ok())
            .filter(SocketAddr::is_ipv4)
            .collect();
        let public_key = text("/public_key")?.to_owned();
        NodeKey::read_public(&public_key)?;
        let address = text("/tailnet_ip")?.parse().ok()?;
        (!endpoints.is_empty()).then_some(Known { public_key, address, endpoints })
    }
}
