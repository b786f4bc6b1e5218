//! Refusals of bad input, and the response to a creation.

use serde_json::{Value, json};

use harness_model::scenario::model::Identity;

use crate::deviation::{Deviation, Family, ProxyRequest, ProxyResponse, UNCHANGED, on_request, on_response};

pub(super) const ALL: Family = &[
    (
        "refused-yet-stored",
        Deviation {
            send_after: |request, response, state| {
                let refused = response.status == 400 || response.status == 403;
                if !request.creates_key() || !refused || request.text("name").is_empty() {
                    return Vec::new();
                }
                let fields =
                    ["action", "org_id", "name"].map(|field| (field.to_owned(), request.json[field].clone()));
                let body = Value::Object(fields.into_iter().collect());
                let admins = [Identity::Admin, Identity::Outsider];
                admins
                    .map(|admin| ProxyRequest::post(&request.path, state.session(admin), body.clone()))
                    .into()
            },
            ..UNCHANGED
        },
    ),
    (
        "alias-missing",
        on_request(|request, _| {
            (request.path == "/api/api-keys")
                .then(|| ProxyResponse::refusal(404, "NOT_FOUND", "Endpoint not found"))
        }),
    ),
    (
        "alias-drops-options",
        on_request(|request, _| {
            if request.path == "/api/api-keys" && request.creates_auth_key() {
                for field in ["reusable", "ephemeral", "allowed_tags", "allowed_cidrs"] {
                    request.remove(field);
                }
            }
            None
        }),
    ),
    (
        "alias-drops-scopes",
        on_request(|request, _| {
            if request.path == "/api/api-keys" && request.creates_api_key() {
                request.remove("scopes");
            }
            None
        }),
    ),
    (
        "alias-refuses-revocation",
        on_request(|request, _| {
            (request.path == "/api/api-keys" && request.json["action"] == "revoke_auth_key")
                .then(|| ProxyResponse::refusal(400, "INVALID_ACTION", "Unknown action"))
        }),
    ),
    (
        "api-key-made-key-dead",
        on_request(|request, _| {
            let by_program = request.token.as_deref().is_some_and(|token| token.starts_with("qztna_"));
            (by_program && request.creates_auth_key()).then(|| {
                let key = format!("tskey-auth-{}", "0".repeat(64));
                let id = "00000000-0000-4000-8000-000000000000";
                ProxyResponse::data(201, json!({ "id": id, "key": key, "name": request.json["name"] }))
            })
        }),
    ),
    (
        "api-keys-may-not-revoke",
        on_request(|request, _| {
            let by_program = request.token.as_deref().is_some_and(|token| token.starts_with("qztna_"));
            (by_program && request.json["action"] == "revoke_auth_key")
                .then(|| ProxyResponse::refusal(403, "FORBIDDEN", "API keys cannot revoke"))
        }),
    ),
    (
        "created-is-200",
        on_response(|request, response, _| {
            if request.creates_key() && response.status == 201 {
                response.status = 200;
            }
        }),
    ),
    (
        "bad-input-is-422",
        on_response(|request, response, _| {
            if request.creates_key() && response.status == 400 {
                response.status = 422;
            }
        }),
    ),
    (
        "refusals-are-200",
        on_response(|request, response, _| {
            if request.creates_key() && response.status >= 400 {
                response.status = 200;
            }
        }),
    ),
    (
        "missing-field-has-another-code",
        on_response(|_, response, _| {
            if response.refuses("MISSING_FIELDS") {
                response.json["error"]["code"] = json!("BAD_REQUEST");
            }
        }),
    ),
    (
        "missing-name-in-other-words",
        on_response(|_, response, _| {
            if response.refuses("MISSING_FIELDS") {
                response.json["error"]["message"] = json!("a field is missing");
            }
        }),
    ),
    (
        "missing-name-made-up",
        on_request(|request, _| {
            if request.creates_key()
                && request.text("name").is_empty()
                && request.json["description"].is_null()
            {
                request.set("name", json!("unnamed"));
            }
            None
        }),
    ),
    ("creation-without-id", on_response(|request, response, _| remove_from_created(request, response, "id"))),
    (
        "creation-without-name",
        on_response(|request, response, _| remove_from_created(request, response, "name")),
    ),
    (
        "nulls-left-out",
        on_response(|request, response, _| {
            if let Some(data) = response.json["data"].as_object_mut().filter(|_| request.creates_auth_key()) {
                data.retain(|_, value| !value.is_null());
            }
        }),
    ),
    (
        "reusable-required",
        on_request(|request, _| {
            let missing = request.creates_auth_key() && request.json["reusable"].is_null();
            let named = !request.text("name").is_empty();
            (missing && named).then(|| ProxyResponse::refusal(400, "MISSING_FIELDS", "reusable required"))
        }),
    ),
    (
        "guide-form-unprocessable",
        on_request(|request, _| {
            is_guide_form(request)
                .then(|| ProxyResponse::refusal(422, "UNPROCESSABLE", "the form is not understood"))
        }),
    ),
    (
        "guide-form-loses-its-description",
        on_request(|request, _| {
            if is_guide_form(request) {
                request.set("name", json!("unnamed"));
            }
            None
        }),
    ),
    (
        "form-content-type-refused",
        on_request(|request, _| {
            is_form(request)
                .then(|| ProxyResponse::refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Expected application/json"))
        }),
    ),
    (
        "form-revocation-does-nothing",
        on_request(|request, _| {
            (is_form(request) && request.asks_for("revoke_auth_key"))
                .then(|| ProxyResponse::data(200, json!({})))
        }),
    ),
    (
        "missing-organisation-made-up",
        on_request(|request, state| {
            let known = state.keys.first().map(|issued| issued.org_id.clone());
            if request.creates_key()
                && request.json["org_id"].is_null()
                && let Some(org_id) = known
            {
                request.set("org_id", org_id);
            }
            None
        }),
    ),
    (
        "missing-action-creates-a-key",
        on_request(|request, state| {
            let kind = state.keys.last().map(|issued| issued.requested["action"].clone());
            if request.json["action"].is_null()
                && !request.text("name").is_empty()
                && request.path == "/api/key-management"
                && let Some(action) = kind
            {
                request.set("action", action);
            }
            None
        }),
    ),
    (
        "creation-without-success",
        on_response(|request, response, _| {
            if request.creates_key()
                && let Some(fields) = response.json.as_object_mut()
            {
                fields.remove("success");
            }
        }),
    ),
    (
        "key-of-the-alias-not-stored",
        Deviation {
            send_after: |request, response, _| {
                let id = &response.json["data"]["id"];
                if request.path != "/api/api-keys" || !request.creates_key() || !response.is_success() {
                    return Vec::new();
                }
                let action = if request.creates_auth_key() { "revoke_auth_key" } else { "revoke_api_key" };
                let body = json!({ "action": action, "org_id": request.json["org_id"], "key_id": id });
                vec![ProxyRequest::post("/api/key-management", request.token.as_ref(), body)]
            },
            ..UNCHANGED
        },
    ),
    (
        "guide-form-is-never-reusable",
        on_request(|request, _| {
            if request.creates_auth_key()
                && request.text("name").is_empty()
                && !request.text("description").is_empty()
            {
                request.set("reusable", json!(false));
            }
            None
        }),
    ),
    (
        "alias-for-auth-keys-only",
        on_request(|request, _| {
            (request.path == "/api/api-keys" && request.creates_api_key())
                .then(|| ProxyResponse::refusal(400, "INVALID_ACTION", "Unknown action"))
        }),
    ),
    (
        "alias-for-api-keys-only",
        on_request(|request, _| {
            (request.path == "/api/api-keys" && request.creates_auth_key())
                .then(|| ProxyResponse::refusal(400, "INVALID_ACTION", "Unknown action"))
        }),
    ),
    (
        "alias-without-action-makes-an-api-key",
        on_request(|request, _| {
            if request.path == "/api/api-keys" && request.json["action"].is_null() {
                request.set("action", json!("create_api_key"));
            }
            None
        }),
    ),
];

fn is_guide_form(request: &ProxyRequest) -> bool {
    request.creates_auth_key() && request.json["name"].is_null() && request.json["description"].is_string()
}

fn remove_from_created(request: &ProxyRequest, response: &mut ProxyResponse, field: &str) {
    if let Some(data) = response.json["data"].as_object_mut().filter(|_| request.creates_key()) {
        data.remove(field);
    }
}

/// Whether a body is sent as something else than JSON.
fn is_form(request: &ProxyRequest) -> bool {
    request.method == "POST" && !request.json.is_null() && !request.is_declared_json()
}
