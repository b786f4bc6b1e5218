//! `POST /api/register-machine`: registers a machine with an auth key in the body and no other credential
//! (`headless/F.2`), or with a session.

use std::fmt;
use std::net::IpAddr;

use axum::extract::{self, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use ztna_protocol::registration::{IDEMPOTENCY_KEY, attempt_hash};

use super::body;
use super::caller::Caller;
use super::client_address::client_address;
use super::envelope::{self, Success};
use super::machine::MachineView;
use super::refusals::refusals;
use super::request::{FieldType, Optional, PRINTABLE, Required, Tags, Text, plain, request, string};
use super::{Error, State};
use crate::control::enrol::{self, Candidate};
use crate::domain::{Refusal, machine};

request! {
    /// A machine to register.
    pub struct RegisterMachineRequest {
        /// The auth key; missing with a session.
        auth_key: Optional<Text>,
        /// With a session: the organisation; may be missing if the user has exactly one.
        org_id: Optional<Text>,
        /// The machine's name.
        name: Required<MachineName> = "Linux-C",
        /// The machine's WireGuard public key: 32 bytes in base64.
        public_key: Required<PublicKey> = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        /// The operating system.
        os: Optional<Text>,
        /// The agent's version.
        version: Optional<Text>,
        /// The claimed tags, with or without `tag:`.
        tags: Optional<Tags>,
    }
}

refusals!(RegisterMachineRefusals: MissingFields, InvalidInput, InvalidJson, InvalidKey, KeyUsed, Unauthorized,
    IpNotAllowed, TagNotAllowed, MachineLimitReached, Quarantined, Forbidden, InsufficientScope, NotFound,
    RegistrationConflict, PublicKeyInUse, PayloadTooLarge, RateLimited);

/// A registered machine.
#[derive(Serialize, ToSchema)]
pub struct MachineRegistered {
    machine: MachineView,
    org_id: String,
    /// The token of later requests, returned only here.
    machine_token: String,
    /// Whether the name existed before; the machine then keeps its id and address.
    reregistered: bool,
}

pub(super) struct MachineName(String);

pub(super) struct PublicKey(String);

enum Credential {
    AuthKey(String),
    Session(Caller),
}

/// Registers a machine.
#[utoipa::path(
    post,
    path = "/api/register-machine",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 16, max_length = 128, pattern = "^[!-~]*$",
        description = "Identifies one attempt to register. A repetition with the same public key and credential within \
            24 hours returns the same machine with a new token, and does not count as a use of the auth key")),
    request_body = RegisterMachineRequest,
    responses(
        (status = 200, description = "The name existed: id and address are kept", body = Success<MachineRegistered>),
        (status = 201, description = "A new machine", body = Success<MachineRegistered>),
        RegisterMachineRefusals,
    ),
    security((), ("session" = []))
)]
pub async fn register_machine(
    extract::State(state): extract::State<State>,
    request: Request,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let request: RegisterMachineRequest = body::read(body).await?;
    let credential = match non_blank(request.auth_key()?) {
        Some(key) => Credential::AuthKey(key),
        None if parts.headers.contains_key(header::AUTHORIZATION) => {
            Credential::Session(Caller::from_request_parts(&mut parts, &state).await?)
        }
        None => return Err(Refusal::MissingField("auth_key").into()),
    };
    let address = client_address(&parts.extensions, &parts.headers, &state);
    let attempt_hash = read_attempt(&parts.headers)?;
    let candidate = Candidate { attempt_hash, ..request.validate(address)? };
    let org_id = non_blank(request.org_id()?);

    let now = state.clock.now();
    let random = state.random.repeatable();
    let lookup = match &credential {
        Credential::AuthKey(key) => enrol::lookup(key, &candidate),
        Credential::Session(_) => None,
    };
    let enrolled = state.store.write_with(lookup, move |tx| match &credential {
        Credential::AuthKey(key) => enrol::with_key(tx, key, &candidate, &random.draws(), now),
        Credential::Session(caller) => {
            enrol::with_session(tx, caller, org_id.as_deref(), &candidate, &random.draws(), now)
        }
    });
    let enrolled = enrolled.await?;
    let answer = MachineRegistered {
        org_id: enrolled.machine.org_id.clone(),
        machine: MachineView::new(enrolled.machine, now),
        machine_token: enrolled.token.secret,
        reregistered: enrolled.reregistered,
    };
    let mut response = envelope::ok(answer);
    if !enrolled.reregistered {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

impl RegisterMachineRequest {
    /// Validates everything but the credential and the organisation. Missing fields are refused before invalid ones.
    fn validate(&self, address: Option<IpAddr>) -> Result<Candidate, Refusal> {
        let (name, public_key) = (self.name(), self.public_key());
        for missing in [name.as_ref().err(), public_key.as_ref().err()].into_iter().flatten() {
            if matches!(missing, Refusal::MissingField(_)) {
                return Err(missing.clone());
            }
        }
        Ok(Candidate {
            name: name?.0,
            public_key: public_key?.0,
            tags: self.tags()?.map(|tags| tags.0).unwrap_or_default(),
            os: self.os()?.map(|os| os.0),
            version: self.version()?.map(|version| version.0),
            address,
            attempt_hash: None,
        })
    }
}

/// Reads the Idempotency-Key, of which only the hash is stored.
fn read_attempt(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (16..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let invalid = || Refusal::invalid("Idempotency-Key must have 16 to 128 printable ASCII characters");
    key.map(|key| Some(attempt_hash(key))).ok_or_else(invalid)
}

impl FieldType for MachineName {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let name = plain(field, value)?;
        machine::normalise_name(&name).map(Self)
    }

    fn schema() -> Schema {
        string(PRINTABLE, 1, 63).into()
    }
}

impl FieldType for PublicKey {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let key = plain(field, value)?;
        machine::check_public_key(&key)?;
        Ok(Self(key))
    }

    fn schema() -> Schema {
        let pattern = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl fmt::Debug for MachineRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineRegistered").field("machine", &self.machine).finish_non_exhaustive()
    }
}

fn non_blank(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0).filter(|text| !text.trim().is_empty())
}
