//! How a key is looked up: by the hash of everything after its prefix, and in no other way.

use serde_json::json;

use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_request, on_response};

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
