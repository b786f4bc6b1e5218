//! What several deviations do: to hide in answers what they changed in requests, and to delete machines.

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Registration, Told};
use harness_model::scenario::model::Identity;

/// Shows a field of new keys, and of listed ones, as it was asked for.
pub(super) fn as_asked(asked: &Asked, told: &mut Told, memory: &Memory, field: &str, absent: &Value) {
    let shown = |asked: &Value| if asked[field].is_null() { absent.clone() } else { asked[field].clone() };
    if asked.creates_key() && told.is_success() {
        told.set(field, shown(&asked.json));
    }
    for row in told.rows() {
        let issued = memory.key_by_id(&row["id"]);
        if let (Some(issued), Some(value)) = (issued, row.get_mut(field)) {
            *value = shown(&issued.asked);
        }
    }
}

/// Says that an action is done, and does nothing.
pub(super) fn does_nothing(asked: &Asked, action: &str) -> Option<Told> {
    (asked.json["action"] == action).then(|| Told::data(200, json!({})))
}

/// Deletes a machine, whichever organisation it is in.
pub(super) fn delete(memory: &Memory, org_id: &Value, machine: &Registration) -> Vec<Asked> {
    let body = json!({ "action": "delete", "org_id": org_id, "machine_id": machine.id });
    let admins = [Identity::Admin, Identity::Outsider];
    admins
        .iter()
        .map(|admin| Asked::post("/api/machine-admin", memory.session(*admin), body.clone()))
        .collect()
}

/// Says that a machine was let in that was not.
pub(super) fn pretended_registration(asked: &Asked) -> Told {
    let machine = json!({
        "id": "00000000-0000-4000-8000-000000000000", "name": asked.json["name"], "tailnet_ip": "100.64.0.250",
        "status": "online", "tags": [], "ephemeral": false, "public_key": asked.json["public_key"],
        "created_at": "2026-01-01T00:00:00Z",
    });
    let data =
        json!({ "machine": machine, "org_id": "", "machine_token": "ztm_none", "reregistered": false });
    Told::data(201, data)
}
