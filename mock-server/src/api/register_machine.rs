//! `POST /api/register-machine`: with an auth key in the body and no other credential (`headless/F.2`),
//! or with a session.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{self, ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::envelope::{self, Failed, Success};
use super::machine::MachineView;
use super::{Error, State};
use crate::control::enrol::{self, Candidate};
use crate::domain::key::material::Material;
use crate::domain::{Refusal, cidr, machine, tag};

/// A machine that asks to be let in.
#[derive(Debug, ToSchema)]
pub struct RegisterMachineRequest {
    /// The credential; absent with a session.
    pub auth_key: Option<String>,
    /// With a session: the organisation; may be absent if the user has exactly one.
    pub org_id: Option<String>,
    /// The machine's name: 1 to 63 characters.
    pub name: String,
    /// Its WireGuard public key: 32 bytes in base64.
    pub public_key: String,
    /// Its operating system.
    pub os: Option<String>,
    /// Its agent's version.
    pub version: Option<String>,
    /// The tags it claims, with or without `tag:`.
    pub tags: Option<Vec<String>>,
}

/// A machine that was let in.
#[derive(Serialize, ToSchema)]
pub struct MachineRegistered {
    machine: MachineView,
    /// The organisation it is in.
    org_id: String,
    /// What it calls with from now on; answered this once.
    machine_token: String,
    /// Whether the name existed before: id and address are those of before.
    reregistered: bool,
}

impl fmt::Debug for MachineRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineRegistered").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// Lets a machine in.
#[utoipa::path(
    post,
    path = "/api/register-machine",
    request_body = RegisterMachineRequest,
    responses(
        (status = 200, description = "The name existed: id and address are kept", body = Success<MachineRegistered>),
        (status = 201, description = "A new machine", body = Success<MachineRegistered>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT, INVALID_JSON", body = Failed),
        (status = 401, description = "INVALID_KEY, KEY_USED, UNAUTHORIZED", body = Failed),
        (status = 403, description = "IP_NOT_ALLOWED, TAG_NOT_ALLOWED, MACHINE_LIMIT_REACHED, QUARANTINED, FORBIDDEN", body = Failed),
        (status = 409, description = "REGISTRATION_CONFLICT", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
    ),
    security((), ("session" = []))
)]
pub async fn register_machine(
    extract::State(state): extract::State<State>,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let body = Body::read(body).await?;
    let auth_key = body.present("auth_key").then(|| body.required("auth_key")).transpose()?;
    let caller = match &auth_key {
        None if parts.headers.contains_key(header::AUTHORIZATION) => {
            Some(Caller::from_request_parts(&mut parts, &state).await?)
        }
        _ => None,
    };
    if auth_key.is_none() && caller.is_none() {
        return Err(Refusal::MissingField("auth_key").into());
    }
    let candidate = read(&body, client(&parts, &state))?;
    let org_id = body.present("org_id").then(|| body.required("org_id")).transpose()?;

    let now = state.clock.now();
    let random = state.random;
    let token = Material::machine_token(random.bytes());
    let secret = token.secret.clone();
    let enrolled = state.store.write(move |tx| match (auth_key, caller) {
        (Some(key), _) => enrol::with_key(tx, &key, &candidate, &token, &random, now),
        (None, Some(caller)) => {
            enrol::with_session(tx, &caller, org_id.as_deref(), &candidate, &token, &random, now)
        }
        (None, None) => Err(Refusal::MissingField("auth_key").into()),
    });
    let enrolled = enrolled.await?;
    let answer = MachineRegistered {
        org_id: enrolled.machine.org_id.clone(),
        machine: MachineView::new(enrolled.machine, now),
        machine_token: secret,
        reregistered: enrolled.reregistered,
    };
    let mut response = envelope::ok(answer);
    if !enrolled.reregistered {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

fn read(body: &Body, address: IpAddr) -> Result<Candidate, Refusal> {
    body.require("name")?;
    body.require("public_key")?;
    let name = body.required("name")?;
    machine::check_name(&name)?;
    let public_key = body.required("public_key")?;
    machine::check_public_key(&public_key)?;
    let tags = tag::normalise("tags", &body.texts("tags")?.unwrap_or_default())?;
    Ok(Candidate { name, public_key, os: body.text("os")?, version: body.text("version")?, tags, address })
}

/// Where the request comes from. Nowhere is an address that no network admits.
fn client(parts: &Parts, state: &State) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    cidr::client(peer, forwarded, &state.settings.trusted_proxies)
}
