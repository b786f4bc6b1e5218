//! How a key is looked up: by the hash of everything after its prefix, and in no other way.

use axum::http::header;
use serde_json::json;

use crate::deviation::{Family, KeyKind, ProxyRequest, ProxyResponse, ProxyState, on_request, on_response};
use crate::families::shared::pretended_registration;

const PREFIX: &str = "tskey-auth-";
/// Characters of a whole key.
const KEY_LENGTH: usize = PREFIX.len() + 64;

pub(super) const ALL: Family = &[
    (
        "prefix-optional",
        on_request(|request, _| {
            replace_key(request, |key| (key.len() == 64).then(|| format!("{PREFIX}{key}")))
        }),
    ),
    ("key-case-ignored", on_request(|request, _| replace_key(request, |key| Some(key.to_lowercase())))),
    (
        "key-by-its-beginning",
        on_request(|request, state| {
            use_similar_key(request, state, |known, given| {
                given.len() > PREFIX.len() && known.starts_with(given)
            })
        }),
    ),
    (
        "key-tail-ignored",
        on_request(|request, _| replace_key(request, |key| key.get(..KEY_LENGTH).map(str::to_owned))),
    ),
    (
        "key-last-character-ignored",
        on_request(|request, state| {
            use_similar_key(request, state, |known, given| {
                given.len() == KEY_LENGTH && known.get(..KEY_LENGTH - 1) == given.get(..KEY_LENGTH - 1)
            })
        }),
    ),
    (
        "invalid-key-is-not-found",
        on_response(|_, response, _| {
            if response.refuses("INVALID_KEY") {
                response.status = 404;
            }
        }),
    ),
    (
        "registration-needs-session",
        on_request(|request, _| {
            let anonymous = request.registers() && request.token.is_none();
            anonymous.then(|| ProxyResponse::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
    (
        "any-prefix-accepted",
        on_request(|request, _| {
            replace_key(request, |key| {
                let (_, rest) = key.rsplit_once(['-', '_'])?;
                Some(format!("{PREFIX}{rest}"))
            })
        }),
    ),
    (
        "api-key-registers-machines",
        on_request(|request, state| {
            let issued = state.key(request.text("auth_key")).filter(|_| request.registers());
            let is_api_key = issued.is_some_and(|issued| issued.kind == KeyKind::Api);
            is_api_key.then(|| pretended_registration(request))
        }),
    ),
    (
        "registration-by-agents-only",
        on_request(|request, _| {
            let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
            let foreign = !agent.is_some_and(|agent| agent.starts_with("ztna/"));
            (request.registers() && foreign)
                .then(|| ProxyResponse::refusal(403, "FORBIDDEN", "Only the ztna agent may register"))
        }),
    ),
    (
        "registration-needs-an-organisation",
        on_request(|request, _| {
            (request.registers() && request.json["org_id"].is_null())
                .then(|| ProxyResponse::refusal(400, "MISSING_FIELDS", "org_id required"))
        }),
    ),
];

/// Forwards another key than the one that was sent.
fn replace_key(request: &mut ProxyRequest, other: fn(&str) -> Option<String>) -> Option<ProxyResponse> {
    if request.registers()
        && let Some(key) = other(request.text("auth_key"))
    {
        request.set("auth_key", json!(key));
    }
    None
}

/// Forwards a known key that is similar to the one that was sent.
fn use_similar_key(
    request: &mut ProxyRequest,
    state: &ProxyState,
    is_similar: fn(&str, &str) -> bool,
) -> Option<ProxyResponse> {
    let given = request.text("auth_key");
    let known = state.keys.iter().find(|issued| request.registers() && is_similar(&issued.key, given));
    if let Some(key) = known.map(|issued| issued.key.clone()) {
        request.set("auth_key", json!(key));
    }
    None
}
