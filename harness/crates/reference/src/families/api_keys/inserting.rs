//! API keys that a client makes and inserts with their hash.

use serde_json::{Value, json};

use harness_model::scenario::model::Identity;

use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_both, on_request, on_response};

/// How keys of the dashboard's page begin.
const INSERTED_PREFIX: &str = "ztna_";

pub(super) const ALL: Family = &[
    (
        "inserting-missing",
        on_request(|request, _| {
            inserts_api_key(request)
                .then(|| ProxyResponse::refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed"))
        }),
    ),
    (
        "inserting-without-session",
        on_request(|request, state| {
            if inserts_api_key(request) && request.token.is_none() {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "members-may-insert-api-keys",
        on_request(|request, state| {
            if inserts_api_key(request) && state.is_by(request, Identity::Member) {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "inserted-key-counts-a-use",
        on_response(|_, response, state| {
            each_inserted(response, state, |row| {
                if let Some(count) = row["usage_count"].as_u64() {
                    row["usage_count"] = json!(count + 1);
                }
            });
        }),
    ),
    (
        "inserted-key-without-scopes",
        on_both(
            |request, state| {
                if inserts_api_key(request) {
                    state.notes.insert(request.text("name").to_owned(), request.json["scopes"].clone());
                    request.remove("scopes");
                }
                None
            },
            |_, response, state| {
                for row in response.rows() {
                    let scopes = state.notes.get(row["name"].as_str().unwrap_or_default());
                    if let (Some(scopes), Some(shown)) = (scopes, row.get_mut("scopes")) {
                        *shown = scopes.clone();
                    }
                }
            },
        ),
    ),
    (
        "inserted-key-opens-nothing",
        on_request(|request, _| {
            let is_inserted =
                request.token.as_deref().is_some_and(|token| token.starts_with(INSERTED_PREFIX));
            is_inserted.then(|| ProxyResponse::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
    (
        "hash-is-a-credential",
        on_request(|request, state| {
            if inserts_api_key(request) {
                state.marks.insert(request.text("key_hash").to_owned());
            } else if request.token.as_ref().is_some_and(|token| state.marks.contains(token)) {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "usage-count-null-at-first",
        on_response(|_, response, _| {
            response.each("usage_count", |count| {
                if *count == json!(0) {
                    *count = Value::Null;
                }
            });
        }),
    ),
    (
        "scopes-unheeded-by-inserting",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            if inserts_api_key(request) && issued.is_some_and(|issued| issued.requested["scopes"].is_array())
            {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "outsider-may-insert-api-keys",
        on_request(|request, state| {
            if inserts_api_key(request) && state.is_by(request, Identity::Outsider) {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
];

fn inserts_api_key(request: &ProxyRequest) -> bool {
    request.method == "POST" && request.path == "/api/db/api_keys"
}

/// Changes the rows of API keys that were inserted.
fn each_inserted(response: &mut ProxyResponse, state: &ProxyState, change: impl Fn(&mut Value)) {
    for row in response.rows() {
        let shown = row["key_prefix"].as_str().unwrap_or_default();
        if shown.starts_with(INSERTED_PREFIX) && state.key_by_id(&row["id"]).is_none() {
            change(row);
        }
    }
}
