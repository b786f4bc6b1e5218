use serde_json::json;

use harness_model::scenario::model::Identity;

use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_both, on_request, on_response};

pub(super) const ALL: Family = &[
    (
        "member-may-create-auth-keys",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.creates_auth_key() && state.is_by(request, Identity::Member)
            })
        }),
    ),
    (
        "member-may-create-api-keys",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.creates_api_key() && state.is_by(request, Identity::Member)
            })
        }),
    ),
    (
        "member-may-revoke-keys",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.json["action"] == "revoke_auth_key" && state.is_by(request, Identity::Member)
            })
        }),
    ),
    (
        "owner-may-not-create-keys",
        on_request(|request, state| {
            let owner = request.creates_key() && state.is_by(request, Identity::Owner);
            owner.then(|| ProxyResponse::refusal(403, "FORBIDDEN", "Admin required"))
        }),
    ),
    (
        "forbidden-in-other-words",
        on_response(|_, response, _| {
            if response.refuses("FORBIDDEN") {
                response.json["error"]["message"] = json!("Not allowed");
            }
        }),
    ),
    (
        "outsider-may-create-keys",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.creates_key() && state.is_by(request, Identity::Outsider)
            })
        }),
    ),
    (
        "member-may-list-keys",
        on_both(
            |request, state| {
                as_admin_if(request, state, |request, state| {
                    request.lists("auth_keys") && state.is_by(request, Identity::Member)
                })
            },
            |request, response, state| show_role(request, response, state, Identity::Member, "admin"),
        ),
    ),
    (
        "owner-may-not-list-keys",
        on_response(|request, response, state| {
            show_role(request, response, state, Identity::Owner, "member");
        }),
    ),
    (
        "keys-seen-from-elsewhere",
        on_request(|request, state| {
            if request.lists("auth_keys") && state.is_by(request, Identity::Outsider) {
                request.token = state.session(Identity::Admin).cloned();
                request.query.retain(|(name, _)| name == "id");
            }
            None
        }),
    ),
    (
        "nobody-may-create-keys",
        on_request(|request, state| {
            as_admin_if(request, state, |request, _| request.creates_key() && request.token.is_none())
        }),
    ),
    (
        "organisations-not-listed",
        on_response(|request, response, _| {
            if request.path == "/api/user-orgs" {
                response.retain(|_| false);
            }
        }),
    ),
    (
        "alias-without-session",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.path == "/api/api-keys" && state.identity_of(request.token.as_ref()).is_none()
            })
        }),
    ),
    (
        "revocation-without-session",
        on_request(|request, state| {
            as_admin_if(request, state, |request, _| {
                request.json["action"] == "revoke_auth_key" && request.token.is_none()
            })
        }),
    ),
    (
        "lists-without-session",
        on_request(|request, state| {
            as_admin_if(request, state, |request, _| {
                (request.lists("auth_keys") || request.lists("api_keys")) && request.token.is_none()
            })
        }),
    ),
    (
        "machines-listed-without-session",
        on_request(|request, state| {
            as_admin_if(request, state, |request, _| request.lists("machines") && request.token.is_none())
        }),
    ),
    (
        "machine-admin-without-session",
        on_request(|request, state| {
            as_admin_if(request, state, |request, _| {
                request.path == "/api/machine-admin" && request.token.is_none()
            })
        }),
    ),
    (
        "owner-may-not-revoke-keys",
        on_request(|request, state| {
            let owner = request.json["action"] == "revoke_auth_key" && state.is_by(request, Identity::Owner);
            owner.then(|| ProxyResponse::refusal(403, "FORBIDDEN", "Admin required"))
        }),
    ),
    (
        "forbidden-is-401",
        on_response(|_, response, _| {
            if response.refuses("FORBIDDEN") {
                response.status = 401;
            }
        }),
    ),
    (
        "alias-for-members",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.path == "/api/api-keys"
                    && request.creates_key()
                    && state.is_by(request, Identity::Member)
            })
        }),
    ),
    (
        "lists-with-any-token",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.path.starts_with("/api/db/") && is_unknown(request, state)
            })
        }),
    ),
    (
        "revocation-with-any-token",
        on_request(|request, state| {
            as_admin_if(request, state, |request, state| {
                request.asks_for("revoke_auth_key") && is_unknown(request, state)
            })
        }),
    ),
    (
        "outsider-may-revoke-keys",
        on_request(|request, state| {
            let issued = state.key_by_id(&request.json["key_id"]).map(|issued| issued.org_id.clone());
            if request.asks_for("revoke_auth_key")
                && state.is_by(request, Identity::Outsider)
                && let Some(org_id) = issued
            {
                request.token = state.session(Identity::Admin).cloned();
                request.set("org_id", org_id);
            }
            None
        }),
    ),
    (
        "everybody-is-an-owner",
        on_response(|request, response, _| {
            if request.path == "/api/user-orgs" {
                response.each("role", |role| *role = json!("owner"));
            }
        }),
    ),
    (
        "owner-may-not-use-the-alias",
        on_request(|request, state| {
            let owner = request.path == "/api/api-keys" && state.is_by(request, Identity::Owner);
            owner.then(|| ProxyResponse::refusal(403, "FORBIDDEN", "Admin required"))
        }),
    ),
];

/// Forwards the request with the admin's session if `applies`.
fn as_admin_if(
    request: &mut ProxyRequest,
    state: &ProxyState,
    applies: fn(&ProxyRequest, &ProxyState) -> bool,
) -> Option<ProxyResponse> {
    if applies(request, state) {
        request.token = state.session(Identity::Admin).cloned();
    }
    None
}

/// Shows that person another role than they have.
fn show_role(
    request: &ProxyRequest,
    response: &mut ProxyResponse,
    state: &ProxyState,
    person: Identity,
    role: &str,
) {
    if request.path == "/api/user-orgs" && state.is_by(request, person) {
        response.each("role", |shown| *shown = json!(role));
    }
}

/// Whether the request has a bearer that is neither a session, a key nor a machine's credential.
fn is_unknown(request: &ProxyRequest, state: &ProxyState) -> bool {
    let is_known = |token: &String| state.identity_of(Some(token)).is_some() || state.key(token).is_some();
    request.token.as_ref().is_some_and(|token| !is_known(token)) && state.sender(request).is_none()
}
