//! What revoking an auth key does to the key and to its machines.

use serde_json::json;

use crate::deviation::{
    Deviation, Family, KeyKind, ProxyRequest, ProxyResponse, UNCHANGED, on_both, on_request, on_response,
};

use crate::families::shared::{delete_machine, pretend_success, pretended_registration};

pub(super) const ALL: Family = &[
    ("revocation-ignored", on_request(|request, _| pretend_success(request, "revoke_auth_key"))),
    (
        "revocation-only-listed",
        on_both(
            |request, state| {
                let done = pretend_success(request, "revoke_auth_key")?;
                state.marks.insert(request.text("key_id").to_owned());
                Some(done)
            },
            |_, response, state| {
                for row in response.rows() {
                    let id = row["id"].as_str().unwrap_or_default();
                    if state.marks.contains(id) && row.get("revoked").is_some() {
                        row["revoked"] = json!(true);
                    }
                }
            },
        ),
    ),
    (
        "revocation-cuts-off-machines",
        Deviation {
            send_after: |request, response, state| {
                let revokes = request.json["action"] == "revoke_auth_key" && response.is_success();
                let Some(issued) = state.key_by_id(&request.json["key_id"]).filter(|_| revokes) else {
                    return Vec::new();
                };
                let theirs = state.registrations_with(&issued.key);
                theirs.flat_map(|machine| delete_machine(state, &request.json["org_id"], machine)).collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "revoked-key-has-its-own-code",
        on_response(|request, response, state| {
            let is_revoked = state.key(request.text("auth_key")).is_some_and(|issued| issued.is_revoked);
            if is_revoked && response.refuses("INVALID_KEY") {
                response.json["error"]["code"] = json!("KEY_REVOKED");
            }
        }),
    ),
    (
        "revocation-spares-enrolled-machines",
        on_response(|request, response, state| {
            let key = request.text("auth_key");
            let is_revoked = state.key(key).is_some_and(|issued| issued.is_revoked);
            let knows = state.registrations_with(key).any(|machine| request.json["name"] == *machine.name);
            if is_revoked && knows && response.refuses("INVALID_KEY") {
                *response = pretended_registration(request);
            }
        }),
    ),
    (
        "revocation-hits-all-keys",
        Deviation {
            send_after: |request, response, state| {
                if !request.asks_for("revoke_auth_key") || !response.is_success() {
                    return Vec::new();
                }
                let others = state.keys.iter().filter(|issued| issued.kind == KeyKind::Auth);
                others.map(|issued| revocation_of(request, &issued.id)).collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "revocation-hits-the-newest-key",
        on_request(|request, state| {
            let newest = state.keys.iter().rfind(|issued| issued.kind == KeyKind::Auth);
            if request.asks_for("revoke_auth_key")
                && let Some(newest) = newest
            {
                request.set("key_id", json!(newest.id));
            }
            None
        }),
    ),
    (
        "revoked-keys-listed-as-valid",
        on_response(|_, response, _| response.each("revoked", |revoked| *revoked = json!(false))),
    ),
    (
        "revocation-ends-credentials",
        on_request(|request, state| {
            let key = state.sender(request).and_then(|sender| state.key(&sender.key));
            key.is_some_and(|issued| issued.is_revoked)
                .then(|| ProxyResponse::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
    (
        "revocation-answers-the-key",
        on_response(|request, response, state| {
            let issued = state.key_by_id(&request.json["key_id"]);
            if let Some(issued) = issued.filter(|_| response.is_success()) {
                response.set("key", json!(issued.key));
            }
        }),
    ),
];

/// The same revocation for another key.
fn revocation_of(request: &ProxyRequest, id: &str) -> ProxyRequest {
    let mut other = request.clone();
    other.set("key_id", json!(id));
    other
}
