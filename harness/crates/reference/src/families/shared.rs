//! What several deviations do: hide in responses what they changed in requests, and delete machines.

use serde_json::{Value, json};

use harness_model::scenario::model::Identity;

use crate::deviation::{ProxyRequest, ProxyResponse, ProxyState, Registration};

/// Shows a field of created and listed keys as the client requested it; `absent` where it requested none.
pub(super) fn show_requested(
    request: &ProxyRequest,
    response: &mut ProxyResponse,
    state: &ProxyState,
    field: &str,
    absent: &Value,
) {
    let shown = |body: &Value| if body[field].is_null() { absent.clone() } else { body[field].clone() };
    if request.creates_key() && response.is_success() {
        response.set(field, shown(&request.json));
    }
    for row in response.rows() {
        let issued = state.key_by_id(&row["id"]);
        if let (Some(issued), Some(value)) = (issued, row.get_mut(field)) {
            *value = shown(&issued.requested);
        }
    }
}

/// Answers a request for that action with success, without forwarding it.
pub(super) fn pretend_success(request: &ProxyRequest, action: &str) -> Option<ProxyResponse> {
    (request.json["action"] == action).then(|| ProxyResponse::data(200, json!({})))
}

/// Requests that delete a machine. The admins of both organisations ask, since only one of them may.
pub(super) fn delete_machine(
    state: &ProxyState,
    org_id: &Value,
    machine: &Registration,
) -> Vec<ProxyRequest> {
    let body = json!({ "action": "delete", "org_id": org_id, "machine_id": machine.machine_id });
    let admins = [Identity::Admin, Identity::Outsider];
    admins
        .iter()
        .map(|admin| ProxyRequest::post("/api/machine-admin", state.session(*admin), body.clone()))
        .collect()
}

/// The response to a successful registration that never took place.
pub(super) fn pretended_registration(request: &ProxyRequest) -> ProxyResponse {
    let machine = pretended_machine(request.text("name"), &request.json["public_key"]);
    let data =
        json!({ "machine": machine, "org_id": "", "machine_token": "ztm_none", "reregistered": false });
    ProxyResponse::data(201, data)
}

/// The record of a machine that does not exist.
pub(super) fn pretended_machine(name: &str, public_key: &Value) -> Value {
    json!({
        "id": "00000000-0000-4000-8000-000000000000", "name": name, "tailnet_ip": "100.64.0.250",
        "status": "online", "tags": [], "ephemeral": false, "public_key": public_key,
        "created_at": "2026-01-01T00:00:00Z",
    })
}
