//! `POST /api/heartbeat`: a machine reports that it is online, or signs off.

use axum::extract;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use ztna_protocol::endpoint::MAX_ENDPOINTS;

use super::body::Body;
use super::envelope::{self, Success};
use super::machine::{MachineAnswer, MachineToken};
use super::refusals::refusals;
use super::request::{FieldType, Optional, Text, array, one_of, plain, request, string, strings};
use super::{Error, State};
use crate::control::heartbeat::{self, Heartbeat};
use crate::domain::site::Site;
use crate::domain::{Refusal, endpoint};

/// Typical endpoints: IPv4, and global IPv6 in lower case.
const ENDPOINT: &str = concat!(
    r"^((22[0-3]|2[01][0-9]|1[0-9][0-9]|[1-9][0-9]?)(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}",
    r"|\[2[0-9a-f]{3}(:[0-9a-f]{1,4}){7}\])",
    r":(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})$"
);

request! {
    /// What a machine reports of itself. Every field may be missing, and so may the body.
    pub struct HeartbeatRequest {
        /// The agent's version.
        version: Optional<Text>,
        /// `offline` to sign off; `online` by default.
        status: Optional<Presence>,
        /// At most 16 UDP endpoints in order of preference, each ADDRESS:PORT; unchanged if missing.
        endpoints: Optional<Endpoints>,
        /// The region of the connected relay, one of those in /api/network-map; unchanged if missing.
        relay: Optional<RegionCode>,
    }
}

refusals!(HeartbeatRefusals: InvalidInput, InvalidJson, Unauthorized, Quarantined, PayloadTooLarge);

pub(super) struct Presence {
    online: bool,
}

/// Normalised endpoints.
pub(super) struct Endpoints(Vec<String>);

pub(super) struct RegionCode(String);

/// Records a heartbeat.
#[utoipa::path(
    post,
    path = "/api/heartbeat",
    request_body = Option<HeartbeatRequest>,
    responses(
        (status = 200, description = "The updated machine", body = Success<MachineAnswer>),
        HeartbeatRefusals,
    ),
    security(("machine_token" = []))
)]
pub async fn heartbeat(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    body: Option<Body<HeartbeatRequest>>,
) -> Result<Response, Error> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let beat = request.validate(&state.settings.relays)?;
    let now = state.clock.now();
    let machine = state.store.write(move |tx| heartbeat::heartbeat(tx, &token.0, &beat, now)).await?;
    Ok(envelope::ok(MachineAnswer::new(machine, now)))
}

impl HeartbeatRequest {
    fn validate(&self, relays: &[Site]) -> Result<Heartbeat, Refusal> {
        let online = self.status()?.is_none_or(|presence| presence.online);
        let endpoints = self.endpoints()?.map(|endpoints| endpoints.0);
        let known = |code: RegionCode| {
            let site = relays.iter().find(|site| site.region.as_str() == code.0);
            let refused = Refusal::invalid("relay must be a region listed by /api/network-map");
            site.map(|site| site.region).ok_or(refused)
        };
        let relay = self.relay()?.map(known).transpose()?;
        Ok(Heartbeat { online, version: self.version()?.map(|version| version.0), endpoints, relay })
    }
}

impl FieldType for Presence {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        match plain(field, value)?.as_str() {
            "online" => Ok(Self { online: true }),
            "offline" => Ok(Self { online: false }),
            _ => Err(Refusal::invalid(format!("{field} must be \"online\" or \"offline\""))),
        }
    }

    fn schema() -> Schema {
        one_of(["online", "offline"])
    }
}

impl FieldType for Endpoints {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        endpoint::normalise(&strings(field, value)?).map(Self)
    }

    fn schema() -> Schema {
        array(ObjectBuilder::new().schema_type(Type::String).pattern(Some(ENDPOINT)), Some(MAX_ENDPOINTS))
    }
}

impl FieldType for RegionCode {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        string("^[a-z0-9-]*$", 1, ztna_protocol::region::MAX_REGION_LEN).into()
    }
}
