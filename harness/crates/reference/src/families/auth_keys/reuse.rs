use std::time::Duration;

use serde_json::json;

use crate::deviation::{
    Deviation, Family, IssuedKey, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request,
    on_response,
};

use crate::families::shared::{pretended_machine, show_requested};

pub(super) const ALL: Family = &[
    ("reuse-allowed", ALWAYS_REUSABLE),
    (
        // The use is looked up first and claimed later, so that all contestants of a race find the key unused.
        "reuse-under-concurrency",
        Deviation {
            on_request: |request, state| {
                if let Some(refused) = used_up(request, state, |_| true) {
                    return Some(refused);
                }
                (ALWAYS_REUSABLE.on_request)(request, state)
            },
            registration_delay: Duration::from_millis(250),
            ..ALWAYS_REUSABLE
        },
    ),
    (
        "reuse-rearmed-by-deletion",
        Deviation {
            on_request: |request, state| {
                let deleted = state.deleted_machines.clone();
                if let Some(refused) = used_up(request, state, |id| !deleted.contains(id)) {
                    return Some(refused);
                }
                (ALWAYS_REUSABLE.on_request)(request, state)
            },
            ..ALWAYS_REUSABLE
        },
    ),
    (
        "key-used-before-expired",
        on_response(|request, response, state| {
            let key = request.text("auth_key");
            if response.refuses("INVALID_KEY") && state.uses(key) > 0 && is_single_use(state, key) {
                response.json["error"] = json!({ "code": "KEY_USED", "message": "Auth key already used" });
            }
        }),
    ),
    (
        "key-used-is-forbidden",
        on_response(|_, response, _| {
            if response.refuses("KEY_USED") {
                response.status = 403;
            }
        }),
    ),
    (
        "key-used-as-invalid-key",
        on_response(|_, response, _| replace_in_key_used(response, "code", "INVALID_KEY")),
    ),
    (
        "key-used-with-other-words",
        on_response(|_, response, _| replace_in_key_used(response, "message", "Key was redeemed")),
    ),
    (
        "key-used-with-other-code",
        on_response(|_, response, _| replace_in_key_used(response, "code", "ALREADY_REDEEMED")),
    ),
    (
        "single-use-never-works",
        on_request(|request, state| {
            (request.registers() && is_single_use(state, request.text("auth_key"))).then(refusal)
        }),
    ),
    (
        "reusable-by-default",
        on_request(|request, _| {
            if request.creates_auth_key() && request.json["reusable"].is_null() {
                request.set("reusable", json!(true));
            }
            None
        }),
    ),
    (
        "reusable-good-once",
        on_both(
            |request, _| {
                if request.creates_auth_key() && request.json["reusable"] == true {
                    request.set("reusable", json!(false));
                }
                None
            },
            |request, response, state| show_requested(request, response, state, "reusable", &json!(false)),
        ),
    ),
    (
        "single-use-good-twice",
        Deviation {
            on_request: |request, state| {
                let uses = state.uses(request.text("auth_key"));
                if let Some(refused) = used_up(request, state, |_| uses > 1) {
                    return Some(refused);
                }
                (ALWAYS_REUSABLE.on_request)(request, state)
            },
            ..ALWAYS_REUSABLE
        },
    ),
    (
        "single-use-good-for-its-machine",
        Deviation {
            on_request: |request, state| {
                let own = state.registration_named(request.text("name")).map(|own| own.machine_id.clone());
                if let Some(refused) = used_up(request, state, |id| Some(id) != own.as_ref()) {
                    return Some(refused);
                }
                (ALWAYS_REUSABLE.on_request)(request, state)
            },
            ..ALWAYS_REUSABLE
        },
    ),
    (
        "single-use-machine-awaits-approval",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            for row in response.rows() {
                let machine = state.registration_named(row["name"].as_str().unwrap_or_default());
                if machine.is_some_and(|machine| is_single_use(state, &machine.key))
                    && row["status"] == "online"
                {
                    row["status"] = json!("pending");
                }
            }
        }),
    ),
    (
        "refused-machine-is-listed",
        on_response(|request, response, state| {
            let name = request.text("name");
            if request.registers() && response.status == 401 && state.registration_named(name).is_none() {
                state.marks.insert(name.to_owned());
            }
            let asked = request.query.iter().find(|(column, _)| column == "name");
            let asked = asked.and_then(|(_, value)| value.strip_prefix("eq.")).unwrap_or_default();
            if request.lists("machines") && state.marks.contains(asked) {
                let machine = pretended_machine(asked, &json!(null));
                if let Some(rows) = response.json["data"].as_array_mut().filter(|rows| rows.is_empty()) {
                    rows.push(machine);
                }
            }
        }),
    ),
    (
        "reusable-good-32-times",
        on_request(|request, state| {
            let key = request.text("auth_key");
            let is_reusable = state.key(key).is_some_and(|issued| !issued.is_single_use());
            (request.registers() && is_reusable && state.uses(key) >= 32).then(refusal)
        }),
    ),
    (
        "single-use-unlimited-if-ephemeral",
        Deviation {
            on_request: |request, state| match request.json["ephemeral"] == true {
                true => (ALWAYS_REUSABLE.on_request)(request, state),
                false => None,
            },
            ..ALWAYS_REUSABLE
        },
    ),
];

/// Makes every key reusable and shows it as it was requested.
const ALWAYS_REUSABLE: Deviation = Deviation {
    on_request: |request, _| {
        if request.creates_auth_key() && [json!(null), json!(false)].contains(&request.json["reusable"]) {
            request.set("reusable", json!(true));
        }
        None
    },
    on_response: |request, response, state| {
        if request.creates_auth_key() || request.lists("auth_keys") {
            show_requested(request, response, state, "reusable", &json!(false));
        }
    },
    ..UNCHANGED
};

/// The refusal of a valid single-use key that one of the machines which count was registered with.
fn used_up(
    request: &ProxyRequest,
    state: &ProxyState,
    counts: impl Fn(&String) -> bool,
) -> Option<ProxyResponse> {
    let issued = state.key(request.text("auth_key")).filter(|_| request.registers())?;
    let single = issued.requested["reusable"] != true;
    let valid = !issued.is_revoked && state.now < issued.expires_at;
    let used = state.registrations_with(&issued.key).any(|registration| counts(&registration.machine_id));
    (single && valid && used).then(refusal)
}

fn is_single_use(state: &ProxyState, key: &str) -> bool {
    state.key(key).is_some_and(IssuedKey::is_single_use)
}

fn refusal() -> ProxyResponse {
    ProxyResponse::refusal(401, "KEY_USED", "Auth key already used")
}

fn replace_in_key_used(response: &mut ProxyResponse, field: &str, text: &str) {
    if response.refuses("KEY_USED") {
        response.json["error"][field] = json!(text);
    }
}
