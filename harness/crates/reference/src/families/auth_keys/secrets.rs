//! The form of keys, and that they are shown only once.

use serde_json::{Value, json};

use crate::deviation::{Family, KeyKind, ProxyRequest, ProxyResponse, ProxyState, on_both, on_response};

const AUTH_PREFIX: &str = "tskey-auth-";
const API_PREFIX: &str = "qztna_";

pub(super) const ALL: Family = &[
    // In base64: hexadecimal would be found by any check that searches for hex digits.
    (
        "hash-listed",
        on_response(|_, response, state| {
            let known = |row: &Value| state.key_by_id(&row["id"]).is_some();
            response
                .rows()
                .filter(|row| known(row))
                .for_each(|row| row["key_hash"] = json!("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
        }),
    ),
    (
        "key-listed",
        on_response(|_, response, state| {
            for row in response.rows() {
                let issued = state.key_by_id(&row["id"]);
                if let (Some(issued), Some(prefix)) = (issued, row.get_mut("key_prefix")) {
                    *prefix = json!(issued.key);
                }
            }
        }),
    ),
    (
        "key-answered-when-selected",
        on_both(
            |request, state| {
                let named = |(name, value): &(String, String)| name == "select" && value.contains("key");
                let wanted =
                    request.query.iter().any(named) && request.query.iter().all(|(_, value)| value != "*");
                let rows = state.keys.iter().map(|issued| json!({ "key": issued.key }));
                wanted.then(|| ProxyResponse::data(200, rows.collect()))
            },
            |_, _, _| (),
        ),
    ),
    (
        "keys-constant",
        on_response(|request, response, state| {
            let kind = if request.creates_auth_key() { KeyKind::Auth } else { KeyKind::Api };
            let first = state.keys.iter().find(|issued| issued.kind == kind);
            if let Some(first) = first.filter(|_| created(request, response)) {
                response.set("key", json!(first.key));
            }
        }),
    ),
    (
        "keys-short",
        on_both(
            |request, state| accept(request, state, shortened),
            |request, response, _| show(request, response, shortened),
        ),
    ),
    (
        "keys-not-in-hex",
        on_both(
            |request, state| accept(request, state, not_hex),
            |request, response, _| show(request, response, not_hex),
        ),
    ),
    (
        "keys-with-another-prefix",
        on_both(
            |request, state| accept(request, state, with_other_prefix),
            |request, response, _| show(request, response, with_other_prefix),
        ),
    ),
    (
        "key-prefix-without-dots",
        on_response(|request, response, _| {
            if created(request, response) {
                let prefix = response.json["data"]["key_prefix"].as_str().unwrap_or_default();
                let prefix = json!(prefix.trim_end_matches('.'));
                response.set("key_prefix", prefix);
            }
        }),
    ),
    (
        "key-prefix-of-the-end",
        on_response(|request, response, state| {
            if created(request, response) {
                let prefix = of_the_end(response.json["data"]["key"].as_str().unwrap_or_default());
                response.set("key_prefix", json!(prefix));
            }
            show_prefixes(response, state);
        }),
    ),
    ("key-prefix-of-the-end-in-lists", on_response(|_, response, state| show_prefixes(response, state))),
    (
        "key-shown-in-its-record",
        on_response(|request, response, state| {
            if request.query.iter().any(|(column, _)| column == "id") {
                for row in response.rows() {
                    let issued = state.key_by_id(&row["id"]).map(|issued| json!(issued.key));
                    if let Some(key) = issued {
                        row["key"] = key;
                    }
                }
            }
        }),
    ),
    (
        "api-key-shown-in-its-record",
        on_response(|request, response, state| {
            if request.lists("api_keys") && request.query.iter().any(|(column, _)| column == "id") {
                for row in response.rows() {
                    let issued = state.key_by_id(&row["id"]).map(|issued| json!(issued.key));
                    if let Some(key) = issued {
                        row["key"] = key;
                    }
                }
            }
        }),
    ),
    (
        "api-key-revocation-answers-the-key",
        on_response(|request, response, state| {
            let issued = state.key_by_id(&request.json["key_id"]);
            let is_revoked = request.json["action"] == "revoke_api_key" && response.is_success();
            if let Some(issued) = issued.filter(|_| is_revoked) {
                response.set("key", json!(issued.key));
            }
        }),
    ),
    (
        "record-without-expiry",
        on_response(|_, response, _| response.each("expires_at", |expiry| *expiry = Value::Null)),
    ),
    (
        "machine-shows-its-key",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            for row in response.rows() {
                let machine = state.registration_named(row["name"].as_str().unwrap_or_default());
                if let Some(machine) = machine {
                    row["auth_key"] = json!(machine.key);
                }
            }
        }),
    ),
    (
        "registration-answers-the-key",
        on_response(|request, response, _| {
            if request.registers() && response.is_success() {
                response.set("auth_key", request.json["auth_key"].clone());
            }
        }),
    ),
];

/// Lists the end of each key in place of its beginning.
fn show_prefixes(response: &mut ProxyResponse, state: &ProxyState) {
    for row in response.rows() {
        let issued = state.key_by_id(&row["id"]);
        if let (Some(issued), Some(prefix)) = (issued, row.get_mut("key_prefix")) {
            *prefix = json!(of_the_end(&issued.key));
        }
    }
}

fn of_the_end(key: &str) -> String {
    let (prefix, rest) = split(key);
    format!("{prefix}{}...", rest.get(rest.len().saturating_sub(8)..).unwrap_or_default())
}

fn created(request: &ProxyRequest, response: &ProxyResponse) -> bool {
    request.creates_key() && response.is_success()
}

/// Shows new keys in another form.
fn show(request: &ProxyRequest, response: &mut ProxyResponse, form: fn(&str) -> String) {
    if created(request, response) {
        let key = form(response.json["data"]["key"].as_str().unwrap_or_default());
        response.set("key", json!(key));
    }
}

/// Accepts keys in that form.
fn accept(request: &mut ProxyRequest, state: &ProxyState, form: fn(&str) -> String) -> Option<ProxyResponse> {
    let known = |shown: &str| state.keys.iter().find(|issued| form(&issued.key) == shown);
    if let Some(issued) = known(request.text("auth_key")) {
        request.set("auth_key", json!(issued.key));
    }
    if let Some(issued) = request.token.as_deref().and_then(known) {
        request.token = Some(issued.key.clone());
    }
    None
}

fn shortened(key: &str) -> String {
    key.get(..key.len().saturating_sub(32)).unwrap_or(key).to_owned()
}

fn not_hex(key: &str) -> String {
    let (prefix, rest) = split(key);
    // Every digit is replaced: eight of them may all be below ten.
    let letters = rest.chars().map(|digit| match digit {
        '0'..='9' => char::from(b'g' + (digit as u8 - b'0')),
        'a'..='f' => char::from(b'q' + (digit as u8 - b'a')),
        other => other,
    });
    prefix.chars().chain(letters).collect()
}

fn with_other_prefix(key: &str) -> String {
    let (prefix, rest) = split(key);
    if prefix == AUTH_PREFIX { format!("authkey-{rest}") } else { format!("ztna_{rest}") }
}

fn split(key: &str) -> (&str, &str) {
    let prefix = if key.starts_with(AUTH_PREFIX) { AUTH_PREFIX } else { API_PREFIX };
    (prefix, key.strip_prefix(prefix).unwrap_or(key))
}
