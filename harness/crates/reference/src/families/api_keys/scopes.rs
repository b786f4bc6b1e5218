//! API keys: scopes, rate limits, revocation, and what they authorise.

use serde_json::{Value, json};

use harness_model::scenario::model::Identity;

use crate::deviation::{
    Deviation, Family, KeyKind, ProxyRequest, ProxyResponse, UNCHANGED, on_both, on_request, on_response,
};

use crate::families::shared::{pretend_success, show_requested};

const SCOPES: [&str; 8] = ["read", "write", "admin", "machines", "dns", "acl", "billing", "audit"];

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
        "rate-default-1000",
        on_request(|request, _| {
            if request.creates_api_key() && request.json["rate_limit_rpm"].is_null() {
                request.set("rate_limit_rpm", json!(1000));
            }
            None
        }),
    ),
    (
        "rates-of-the-page-only",
        on_request(|request, _| {
            let rate = request.json["rate_limit_rpm"].as_u64();
            let is_other = rate.is_some_and(|rate| rate == 7 || rate == 100_000);
            (request.creates_api_key() && is_other).then(|| {
                ProxyResponse::refusal(400, "INVALID_INPUT", "rate_limit_rpm must be one of the list")
            })
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
        "rate-stored-as-60",
        on_response(|_, response, _| response.each("rate_limit_rpm", |rate| *rate = json!(60))),
    ),
    (
        "rate-not-enforced",
        on_both(
            |request, _| {
                if request.creates_api_key()
                    && request.json["rate_limit_rpm"].as_u64().is_some_and(|rate| rate > 0)
                {
                    request.set("rate_limit_rpm", json!(1_000_000));
                }
                None
            },
            |request, response, state| {
                if request.lists("api_keys") {
                    show_requested(request, response, state, "rate_limit_rpm", &json!(60));
                }
            },
        ),
    ),
    (
        "rate-shared-between-keys",
        on_request(|request, state| {
            let first = state.keys.iter().find(|issued| issued.kind == KeyKind::Api);
            if let Some(first) = first
                && request.token.as_deref().is_some_and(|token| state.key(token).is_some())
            {
                request.token = Some(first.key.clone());
            }
            None
        }),
    ),
    (
        "rate-limit-never-lifted",
        on_both(
            |request, state| {
                let refused = state.marks.contains(request.token.as_deref()?);
                refused.then(|| ProxyResponse::refusal(429, "RATE_LIMITED", "Rate limit exceeded"))
            },
            |request, response, state| {
                if let Some(token) = request.token.clone().filter(|_| response.refuses("RATE_LIMITED")) {
                    state.marks.insert(token);
                }
            },
        ),
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
