//! `POST /api/machine-admin`: what an admin does to one machine (`issuing/disconnect.1`).

use axum::extract;
use axum::response::Response;
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::envelope::{self, Failed, Success};
use super::machine::MachineAnswer;
use super::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::machine_admin::{self, AdminAction};
use crate::domain::{Refusal, tag};

const ACTIONS: &str = "quarantine, release, approve, delete, set_tags";

/// What to do to which machine.
#[derive(Debug, ToSchema)]
pub struct MachineAdminRequest {
    /// quarantine, release, approve, delete or set_tags.
    pub action: String,
    /// The organisation.
    pub org_id: String,
    /// The machine's id.
    pub machine_id: String,
    /// To set_tags: all its tags from now on.
    pub tags: Option<Vec<String>>,
}

/// Takes a measure against, or for, one machine.
#[utoipa::path(
    post,
    path = "/api/machine-admin",
    request_body = MachineAdminRequest,
    responses(
        (status = 200, description = "The machine as it now is, or last was", body = Success<MachineAnswer>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT, INVALID_ACTION, INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN, INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn machine_admin(
    extract::State(state): extract::State<State>,
    caller: Caller,
    body: Body,
) -> Result<Response, Error> {
    let action = body.required("action")?;
    let org_id = body.required("org_id")?;
    let machine_id = body.required("machine_id")?;
    let now = state.clock.now();
    let random = state.random;
    let taken = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::ManageMachines, now)?;
        let measure = measure(&action, &body)?;
        machine_admin::apply(tx, &actor, &org_id, &machine_id, &measure, &random, now)
    });
    Ok(envelope::ok(MachineAnswer::new(taken.await?, now)))
}

fn measure(action: &str, body: &Body) -> Result<AdminAction, Refusal> {
    match action {
        "quarantine" => Ok(AdminAction::Quarantine),
        "release" => Ok(AdminAction::Release),
        "approve" => Ok(AdminAction::Approve),
        "delete" => Ok(AdminAction::Delete),
        "set_tags" => {
            let tags = body.texts("tags")?.ok_or(Refusal::MissingField("tags"))?;
            Ok(AdminAction::SetTags(tag::normalise("tags", &tags)?))
        }
        _ => Err(Refusal::InvalidAction { valid: ACTIONS }),
    }
}
