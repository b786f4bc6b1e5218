//! API keys: scopes, rate limits, revocation, and what they authorise.

use serde_json::{Value, json};

use harness_model::scenario::model::Identity;

use crate::deviation::{
    Deviation, Family, IssuedKey, KeyKind, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_request,
    on_response,
};

use crate::families::shared::pretend_success;

const SCOPES: [&str; 8] = ["read", "write", "admin", "machines", "dns", "acl", "billing", "audit"];

/// The characters of an API key that lists show: `qztna_` and 8 digits.
const SHOWN: usize = 14;

pub(super) const ALL: Family = &[
    (
        "scopes-unheeded-in-lists",
        on_request(|request, state| {
            let scoped = request.token.as_deref().and_then(|token| state.key(token));
            if request.path.starts_with("/api/db/")
                && scoped.is_some_and(|issued| issued.requested["scopes"].is_array())
            {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "scopes-unheeded",
        on_request(|request, _| {
            if request.creates_api_key() && has_known_scopes(request) {
                request.remove("scopes");
            }
            None
        }),
    ),
    (
        "unknown-scope-accepted",
        on_request(|request, _| {
            if let Some(scopes) = request.json.get_mut("scopes").and_then(Value::as_array_mut) {
                scopes.retain(|scope| !scope.is_string() || SCOPES.iter().any(|known| scope == known));
                if scopes.is_empty() {
                    request.remove("scopes");
                }
            }
            None
        }),
    ),
    (
        "unknown-scope-stored-then-refused",
        Deviation {
            send_after: |request, response, _| {
                if !response.refuses("INVALID_SCOPES") {
                    return Vec::new();
                }
                let mut again = request.clone();
                again.remove("scopes");
                vec![again]
            },
            ..UNCHANGED
        },
    ),
    (
        "unknown-scope-refused-in-other-words",
        on_response(|_, response, _| {
            if response.refuses("INVALID_SCOPES") {
                response.json["error"]["message"] = json!("Invalid scopes");
            }
        }),
    ),
    (
        "scope-billing-missing",
        on_request(|request, _| {
            let wanted =
                request.json["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("billing")));
            wanted.then(|| ProxyResponse::refusal(400, "INVALID_SCOPES", "Invalid scopes: billing"))
        }),
    ),
    (
        "usage-count-stuck",
        on_response(|_, response, _| response.each("usage_count", |count| *count = json!(0))),
    ),
    (
        "revoked-filter-ignored",
        on_request(|request, _| {
            request.query.retain(|(name, _)| name != "revoked");
            None
        }),
    ),
    ("api-key-revocation-ignored", on_request(|request, _| pretend_success(request, "revoke_api_key"))),
    (
        "api-keys-open-nothing",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            issued.map(|_| ProxyResponse::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
    (
        "api-key-id-is-no-uuid",
        on_response(|request, response, _| {
            if request.creates_api_key() && response.is_success() {
                let id = response.json["data"]["id"].as_str().unwrap_or_default().replace('-', "");
                response.set("id", json!(format!("key_{id}")));
            }
        }),
    ),
    (
        "scopes-unheeded-by-key-management",
        on_request(|request, state| {
            let scoped = request.token.as_deref().and_then(|token| state.key(token));
            if request.path == "/api/key-management"
                && scoped.is_some_and(|issued| issued.requested["scopes"].is_array())
            {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "scope-admin-opens-nothing",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            issued.is_some_and(|issued| issued.requested["scopes"] == json!(["admin"])).then(|| {
                ProxyResponse::refusal(403, "INSUFFICIENT_SCOPE", "The API key's scopes do not allow this")
            })
        }),
    ),
    (
        "scopes-only-first",
        on_request(|request, _| {
            if has_known_scopes(request)
                && let Some(scopes) = request.json.get_mut("scopes").and_then(Value::as_array_mut)
            {
                scopes.truncate(1);
            }
            None
        }),
    ),
    (
        "scope-audit-missing",
        on_request(|request, _| {
            let wanted =
                request.json["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("audit")));
            (wanted && request.creates_api_key())
                .then(|| ProxyResponse::refusal(400, "INVALID_SCOPES", "Invalid scopes: audit"))
        }),
    ),
    (
        "scopes-only-first-checked",
        on_request(|request, _| {
            if is_scope(&request.json["scopes"][0]) {
                drop_unknown_scopes(request);
            }
            None
        }),
    ),
    (
        "scopes-any-valid-suffices",
        on_request(|request, _| {
            if request.json["scopes"].as_array().is_some_and(|scopes| scopes.iter().any(is_scope)) {
                drop_unknown_scopes(request);
            }
            None
        }),
    ),
    (
        "api-key-tail-ignored",
        on_request(|request, state| {
            let given = request.token.clone().unwrap_or_default();
            let known = state
                .keys
                .iter()
                .find(|issued| issued.kind == KeyKind::Api && given.starts_with(&issued.key));
            if let Some(known) = known {
                request.token = Some(known.key.clone());
            }
            None
        }),
    ),
    (
        "scopes-unheeded-by-the-alias",
        on_request(|request, state| {
            as_admin_if_scoped(request, state, |request| request.path == "/api/api-keys")
        }),
    ),
    (
        "scopes-unheeded-by-revocation",
        on_request(|request, state| {
            as_admin_if_scoped(request, state, |request| request.asks_for("revoke_auth_key"))
        }),
    ),
    (
        "api-key-by-its-prefix",
        on_request(|request, state| {
            let shown = request.token.as_deref().and_then(|given| given.get(..SHOWN)).unwrap_or_default();
            let known =
                state.keys.iter().find(|issued| issued.kind == KeyKind::Api && issued.key.starts_with(shown));
            let is_whole =
                |known: &&IssuedKey| request.token.as_ref().map(String::len) == Some(known.key.len());
            if let Some(known) = known.filter(|_| !shown.is_empty()).filter(is_whole) {
                request.token = Some(known.key.clone());
            }
            None
        }),
    ),
    (
        "api-keys-read-nothing",
        on_response(|request, response, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            if request.path.starts_with("/api/db/") && issued.is_some() {
                response.retain(|_| false);
            }
        }),
    ),
];

fn has_known_scopes(request: &ProxyRequest) -> bool {
    let scopes = request.json["scopes"].as_array();
    scopes.is_some_and(|scopes| scopes.iter().all(is_scope))
}

fn is_scope(scope: &Value) -> bool {
    SCOPES.iter().any(|known| scope == known)
}

fn drop_unknown_scopes(request: &mut ProxyRequest) {
    if let Some(scopes) = request.json.get_mut("scopes").and_then(Value::as_array_mut) {
        scopes.retain(is_scope);
    }
}

/// Forwards a request of a scoped API key with the admin's session if `applies`.
fn as_admin_if_scoped(
    request: &mut ProxyRequest,
    state: &ProxyState,
    applies: fn(&ProxyRequest) -> bool,
) -> Option<ProxyResponse> {
    let issued = request.token.as_deref().and_then(|token| state.key(token))?;
    if applies(request) && issued.requested["scopes"].is_array() {
        request.token = state.session(Identity::Admin).cloned();
    }
    None
}
