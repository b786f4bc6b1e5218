//! Which tokens stand for a session.

use std::time::Duration;

use harness_model::scenario::model::Identity;

use crate::deviation::{Family, KeyKind, ProxyRequest, ProxyResponse, ProxyState, on_request};

pub(super) const ALL: Family = &[
    (
        "revocation-with-an-expired-session",
        on_request(|request, state| renew_if(request, state, |request| request.asks_for("revoke_auth_key"))),
    ),
    (
        "alias-with-an-expired-session",
        on_request(|request, state| renew_if(request, state, |request| request.path == "/api/api-keys")),
    ),
    (
        "machine-credentials-read-lists",
        on_request(|request, state| {
            if request.path.starts_with("/api/db/") && state.sender(request).is_some() {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "machine-credentials-manage-keys",
        on_request(|request, state| {
            if request.path == "/api/key-management" && state.sender(request).is_some() {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "auth-keys-read-lists",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            if request.path.starts_with("/api/db/")
                && issued.is_some_and(|issued| issued.kind == KeyKind::Auth)
            {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "revoked-api-key-still-writes",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            if request.method == "POST" && issued.is_some_and(|issued| issued.is_revoked) {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "signature-unchecked",
        on_request(|request, state| {
            let person = state.identity_of(request.token.as_ref());
            if let Some(person) = person.filter(|_| state.now == Duration::ZERO) {
                request.token = state.session(person).cloned();
            }
            None
        }),
    ),
    (
        "sessions-never-expire",
        on_request(|request, state| {
            let person = state.identity_of(request.token.as_ref());
            if let Some(person) = person.filter(|_| state.now > Duration::ZERO) {
                request.token = state.session(person).cloned();
            }
            None
        }),
    ),
    (
        "lists-with-an-expired-session",
        on_request(|request, state| {
            let person = state.identity_of(request.token.as_ref());
            let lists = request.path.starts_with("/api/db/") && request.method == "GET";
            if let Some(person) = person.filter(|_| lists && state.now > Duration::ZERO) {
                request.token = state.session(person).cloned();
            }
            None
        }),
    ),
    (
        "api-keys-with-an-expired-session",
        on_request(|request, state| renew_if(request, state, ProxyRequest::creates_api_key)),
    ),
    (
        "inserting-with-an-expired-session",
        on_request(|request, state| {
            renew_if(request, state, |request| request.method == "POST" && request.path == "/api/db/api_keys")
        }),
    ),
];

/// Forwards a request with a new session of the same person if `applies`, after the clock was advanced.
fn renew_if(
    request: &mut ProxyRequest,
    state: &ProxyState,
    applies: fn(&ProxyRequest) -> bool,
) -> Option<ProxyResponse> {
    let person = state.identity_of(request.token.as_ref())?;
    if applies(request) && state.now > Duration::ZERO {
        request.token = state.session(person).cloned();
    }
    None
}
