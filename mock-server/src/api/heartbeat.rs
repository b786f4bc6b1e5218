//! `POST /api/heartbeat`: a machine says that it is there, or that it goes.

use axum::extract;
use axum::response::Response;
use utoipa::ToSchema;

use super::body::Body;
use super::envelope::{self, Failed, Success};
use super::machine::{MachineAnswer, MachineToken};
use super::{Error, State};
use crate::control::heartbeat::{self, Heartbeat};
use crate::domain::site::Site;
use crate::domain::{Refusal, endpoint};

/// What a machine says of itself; everything may be absent, the body too.
#[derive(Debug, ToSchema)]
pub struct HeartbeatRequest {
    /// Its agent's version.
    pub version: Option<String>,
    /// online, or offline when it goes; online if absent.
    pub status: Option<String>,
    /// Where it can be reached over UDP, at most 16 of ADDRESS:PORT, those it prefers first; as before if absent.
    pub endpoints: Option<Vec<String>>,
    /// The region at whose relay it listens, one of those that /api/network-map names; as before if absent.
    pub relay: Option<String>,
}

/// Hears a machine.
#[utoipa::path(
    post,
    path = "/api/heartbeat",
    request_body = Option<HeartbeatRequest>,
    responses(
        (status = 200, description = "The machine as it now is", body = Success<MachineAnswer>),
        (status = 400, description = "INVALID_INPUT, INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED: deleted, logged out or replaced", body = Failed),
        (status = 403, description = "QUARANTINED", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
    ),
    security(("machine_token" = []))
)]
pub async fn heartbeat(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    body: Option<Body>,
) -> Result<Response, Error> {
    let silent = Heartbeat { online: true, version: None, endpoints: None, relay: None };
    let beat = body.as_ref().map_or(Ok(silent), |body| read(body, &state.settings.relays))?;
    let now = state.clock.now();
    let machine = state.store.write(move |tx| heartbeat::heartbeat(tx, &token.hash, beat, now)).await?;
    Ok(envelope::ok(MachineAnswer::new(machine, now)))
}

fn read(body: &Body, relays: &[Site]) -> Result<Heartbeat, Refusal> {
    let online = match body.text("status")?.as_deref() {
        None | Some("online") => true,
        Some("offline") => false,
        Some(_) => return Err(Refusal::invalid("status must be \"online\" or \"offline\"")),
    };
    let endpoints = body.texts("endpoints")?.map(|endpoints| endpoint::normalise(&endpoints)).transpose()?;
    let named = |code: String| {
        let site = relays.iter().find(|site| site.region.as_str() == code);
        site.map(|site| site.region)
            .ok_or(Refusal::invalid("relay must be a region that /api/network-map names"))
    };
    let relay = body.text("relay")?.map(named).transpose()?;
    Ok(Heartbeat { online, version: body.text("version")?, endpoints, relay })
}
