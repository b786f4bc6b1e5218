//! What revoking an auth key does to the key and to its machines.

use harness_model::scenario::model::identity_name;
use serde_json::json;

use crate::deviation::{
    Deviation, Family, KeyKind, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request,
    on_response,
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
    (
        "revocation-spares-single-use-keys",
        on_request(|request, state| {
            let issued = state.key_by_id(&request.json["key_id"])?;
            let spared = issued.is_single_use() && state.uses(&issued.key) == 0;
            spared.then(|| pretend_success(request, "revoke_auth_key")).flatten()
        }),
    ),
    (
        "revocation-by-the-creator-only",
        on_both(
            |request, state| {
                let person = state.identity_of(request.token.as_ref())?;
                let creator = state.notes.get(request.text("key_id"))?;
                let is_other =
                    request.asks_for("revoke_auth_key") && *creator != json!(identity_name(person));
                is_other.then(|| ProxyResponse::refusal(403, "FORBIDDEN", "Not your key"))
            },
            note_creator,
        ),
    ),
    (
        "lists-show-own-keys",
        on_both(
            |_, _| None,
            |request, response, state| {
                note_creator(request, response, state);
                let person = state.identity_of(request.token.as_ref()).map(identity_name);
                if let Some(person) = person.filter(|_| request.lists("auth_keys")) {
                    response.retain(|row| {
                        let creator = state.notes.get(row["id"].as_str().unwrap_or_default());
                        creator.is_none_or(|creator| *creator == json!(person))
                    });
                }
            },
        ),
    ),
];

/// The same revocation for another key.
fn revocation_of(request: &ProxyRequest, id: &str) -> ProxyRequest {
    let mut other = request.clone();
    other.set("key_id", json!(id));
    other
}

/// Notes who created a key in a session.
fn note_creator(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    let person = state.identity_of(request.token.as_ref()).filter(|_| request.creates_auth_key());
    if let (Some(person), Some(id)) = (person, response.json["data"]["id"].as_str()) {
        state.notes.insert(id.to_owned(), json!(identity_name(person)));
    }
}
