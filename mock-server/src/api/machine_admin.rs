//! `POST /api/machine-admin`: administers a machine (`issuing/disconnect.1`).

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::{Object, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::{Body, Fields};
use super::caller::Caller;
use super::envelope::{self, Success};
use super::machine::MachineView;
use super::refusals::refusals;
use super::request::{NonBlank, Required, Tags, merged, request, schema_of};
use super::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::machine_admin::{self, AdminAction};
use crate::domain::Refusal;

const ACTIONS: &str = "quarantine, release, approve, delete, set_tags";

/// An action on a machine.
pub struct MachineAdminRequest;

request! {
    /// An action on a machine.
    struct CommonFields {
        action: Required<NonBlank>,
        /// The organisation.
        org_id: Required<NonBlank> = "org_9fX2kR",
        /// The machine's id.
        machine_id: Required<NonBlank>,
    }
}

request! {
    struct SetTags {
        /// All tags of the machine from now on, with or without `tag:`.
        tags: Required<Tags>,
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AdministeredMachine {
    /// Null if a quarantine was released whose machine had been deleted.
    machine: Option<MachineView>,
}

refusals!(MachineAdminRefusals: MissingFields, InvalidInput, InvalidAction, InvalidJson, Unauthorized, Forbidden,
    MachineLimitReached,
    InsufficientScope, NotFound, PayloadTooLarge, RateLimited);

/// Quarantines, releases, approves or deletes a machine, or sets its tags.
#[utoipa::path(
    post,
    path = "/api/machine-admin",
    request_body = MachineAdminRequest,
    responses(
        (status = 200, description = "The updated or deleted machine", body = Success<AdministeredMachine>),
        MachineAdminRefusals,
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn machine_admin(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(fields): Body<Fields>,
) -> Result<Response, Error> {
    let common: CommonFields = fields.read()?;
    let (action, org_id, machine_id) = (common.action()?.0, common.org_id()?.0, common.machine_id()?.0);
    let action = parse_action(&action, &fields);
    let now = state.clock.now();
    let random = state.random.repeatable();
    let applied = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::ManageMachines, now)?;
        let action = action.as_ref().map_err(Refusal::clone)?;
        machine_admin::apply(tx, &actor, &org_id, &machine_id, action, &random.draws(), now)
    });
    let machine = applied.await?.map(|machine| MachineView::new(machine, now));
    Ok(envelope::ok(AdministeredMachine { machine }))
}

fn parse_action(name: &str, fields: &Fields) -> Result<AdminAction, Refusal> {
    match name {
        "quarantine" => Ok(AdminAction::Quarantine),
        "release" => Ok(AdminAction::Release),
        "approve" => Ok(AdminAction::Approve),
        "delete" => Ok(AdminAction::Delete),
        "set_tags" => Ok(AdminAction::SetTags(fields.read::<SetTags>()?.tags()?.0)),
        _ => Err(Refusal::InvalidAction { valid: ACTIONS }),
    }
}

impl PartialSchema for MachineAdminRequest {
    fn schema() -> RefOr<Schema> {
        let variants = ["quarantine", "release", "approve", "delete"].map(|action| (action, Object::new()));
        let variants = variants.into_iter().chain([("set_tags", schema_of::<SetTags>())]).collect();
        merged(&schema_of::<CommonFields>(), variants).into()
    }
}

impl ToSchema for MachineAdminRequest {}
