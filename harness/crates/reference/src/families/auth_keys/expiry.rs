//! How long an auth key can enrol machines.

use serde_json::{Value, json};

use crate::deviation::{
    Deviation, Family, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request, on_response,
};

use crate::families::shared::{delete_machine, pretended_registration, show_requested};

const DAY: u64 = 86_400;
/// The shortest `expires_in`, in seconds.
const SHORTEST: u64 = 300;

pub(super) const ALL: Family = &[
    (
        "expiry-unheeded",
        on_both(
            |request, _| {
                if request.creates_auth_key() && is_valid(request) {
                    request.remove("expires_in");
                    request.set("expiry_days", json!(365));
                }
                None
            },
            show_requested_days,
        ),
    ),
    (
        "expiry-default-30",
        on_request(|request, _| {
            if request.creates_auth_key() && request.json["expires_in"].is_null() && !has_days(request) {
                request.set("expiry_days", json!(30));
            }
            None
        }),
    ),
    (
        "expiry-zero-accepted",
        on_both(|request, _| replace_days(request, |days| *days == json!(0), 1), show_requested_days),
    ),
    (
        "expiry-366-accepted",
        on_both(|request, _| replace_days(request, |days| *days == json!(366), 365), show_requested_days),
    ),
    (
        "expiry-unbounded",
        on_both(
            |request, _| replace_days(request, |days| days.as_u64().is_some_and(|days| days > 365), 365),
            show_requested_days,
        ),
    ),
    (
        "expiry-fraction-accepted",
        on_both(
            |request, _| replace_days(request, |days| days.is_f64() && days.as_f64() < Some(366.0), 1),
            show_requested_days,
        ),
    ),
    (
        "expiry-text-accepted",
        on_both(|request, _| replace_days(request, |days| *days == json!("7"), 7), show_requested_days),
    ),
    (
        "expiry-365-refused",
        on_request(|request, _| {
            let longest = request.creates_auth_key() && request.json["expiry_days"] == 365;
            longest.then(|| {
                ProxyResponse::refusal(
                    400,
                    "INVALID_INPUT",
                    "expiry_days must be an integer between 1 and 365",
                )
            })
        }),
    ),
    (
        "expiry-refused-in-other-words",
        on_response(|request, response, _| {
            if request.creates_key() && response.refuses("INVALID_INPUT") {
                response.json["error"]["message"] = json!("expiry_days is out of range");
            }
        }),
    ),
    (
        "expiry-day-short",
        on_both(
            |request, _| {
                if !request.creates_auth_key() || !is_valid(request) || !request.json["expires_in"].is_null()
                {
                    return None;
                }
                match request.json["expiry_days"].as_u64().unwrap_or(90) {
                    1 => {
                        request.remove("expiry_days");
                        request.set("expires_in", json!(DAY / 2));
                    }
                    days => request.set("expiry_days", json!(days - 1)),
                }
                None
            },
            show_requested_days,
        ),
    ),
    (
        "machines-die-with-their-key",
        Deviation {
            on_clock_advance: |state| {
                let expired = state.keys.iter().filter(|issued| state.now >= issued.expires_at);
                let machines = expired.flat_map(|issued| {
                    state.registrations_with(&issued.key).map(|machine| (&issued.org_id, machine))
                });
                machines.flat_map(|(org_id, machine)| delete_machine(state, org_id, machine)).collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "expires-in-unbounded",
        on_request(|request, _| {
            let seconds = request.json["expires_in"].as_i64().filter(|_| request.creates_auth_key())?;
            request.set("expires_in", json!(seconds.clamp(300, 2_592_000)));
            None
        }),
    ),
    (
        "expires-in-of-months-kept",
        on_both(
            |request, _| {
                let seconds = request.json["expires_in"].as_u64().filter(|_| request.creates_auth_key())?;
                if seconds > 30 * DAY {
                    request.remove("expires_in");
                    request.set("expiry_days", json!(seconds.div_ceil(DAY)));
                }
                None
            },
            |request, response, _| {
                if request.creates_auth_key()
                    && !request.json["expires_in"].is_null()
                    && response.is_success()
                {
                    response.set("expiry_days", Value::Null);
                }
            },
        ),
    ),
    (
        "expires-in-of-a-minute-kept",
        on_request(|request, state| {
            let issued = state.key(request.text("auth_key")).filter(|_| request.registers());
            let ended = issued.filter(|issued| is_short(&issued.requested) && state.now >= issued.expires_at);
            if ended.is_some() {
                return Some(ProxyResponse::refusal(401, "INVALID_KEY", "Invalid or expired auth key"));
            }
            if request.creates_auth_key() && is_short(&request.json) {
                request.set("expires_in", json!(SHORTEST));
            }
            None
        }),
    ),
    (
        "expires-in-outside-is-an-hour",
        on_request(|request, _| {
            let seconds = request.json["expires_in"].as_i64().filter(|_| request.creates_auth_key())?;
            if !(300..=2_592_000).contains(&seconds) {
                request.set("expires_in", json!(3_600));
            }
            None
        }),
    ),
    (
        "expires-in-ignored",
        on_request(|request, _| {
            if request.creates_auth_key() {
                request.remove("expires_in");
            }
            None
        }),
    ),
    (
        "expires-in-300-refused",
        on_request(|request, _| {
            let shortest = request.creates_auth_key() && request.json["expires_in"] == 300;
            shortest.then(|| ProxyResponse::refusal(400, "INVALID_INPUT", "expires_in is too short"))
        }),
    ),
    (
        "expiry-always-answered-as-90",
        on_response(|request, response, _| {
            if request.creates_auth_key() && response.json["data"]["expiry_days"].is_number() {
                response.set("expiry_days", json!(90));
            }
        }),
    ),
    (
        "expiry-true-is-a-day",
        on_both(|request, _| replace_days(request, |days| *days == json!(true), 1), show_requested_days),
    ),
    (
        "expiry-negative-accepted",
        on_both(|request, _| replace_days(request, |days| *days == json!(-1), 1), show_requested_days),
    ),
    (
        "expiry-unchecked-at-the-alias",
        on_both(
            |request, _| {
                let is_number = request.json["expiry_days"].is_i64();
                if request.path == "/api/api-keys" && request.creates_key() && is_number {
                    request.remove("expiry_days");
                }
                None
            },
            |request, response, state| {
                if request.path == "/api/api-keys" && request.creates_key() {
                    show_requested(request, response, state, "expiry_days", &json!(90));
                }
            },
        ),
    ),
    (
        "expiry-spares-single-use-keys",
        on_response(|request, response, state| {
            let issued = state.key(request.text("auth_key")).filter(|_| response.refuses("INVALID_KEY"));
            let spared = issued.is_some_and(|issued| {
                issued.is_single_use() && !issued.is_revoked && state.uses(&issued.key) == 0
            });
            if spared {
                *response = pretended_registration(request);
            }
        }),
    ),
    (
        "expiry-capped-at-90",
        on_both(
            |request, _| {
                replace_days(request, |days| days.as_u64().is_some_and(|days| (91..=365).contains(&days)), 90)
            },
            show_requested_days,
        ),
    ),
];

fn has_days(request: &ProxyRequest) -> bool {
    request.json.get("expiry_days").is_some()
}

/// Whether the reference would accept its expiry.
fn is_valid(request: &ProxyRequest) -> bool {
    match (request.json.get("expiry_days"), request.json.get("expires_in")) {
        (None, None) => true,
        (Some(days), None) => days.as_u64().is_some_and(|days| (1..=365).contains(&days)),
        (None, Some(seconds)) => seconds.as_u64().is_some_and(|seconds| (300..=30 * DAY).contains(&seconds)),
        (Some(_), Some(_)) => false,
    }
}

/// Requests `days` in place of the expiries that `matches`.
fn replace_days(request: &mut ProxyRequest, matches: fn(&Value) -> bool, days: u64) -> Option<ProxyResponse> {
    if request.creates_auth_key() && matches(&request.json["expiry_days"]) {
        request.set("expiry_days", json!(days));
    }
    None
}

/// Shows the expiry that the client requested.
fn show_requested_days(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    if request.creates_auth_key() && request.json["expires_in"].is_null() {
        show_requested(request, response, state, "expiry_days", &json!(90));
    }
}

/// Whether a body asks for less than the shortest expiry.
fn is_short(body: &Value) -> bool {
    body["expires_in"].as_u64().is_some_and(|seconds| (1..SHORTEST).contains(&seconds))
}
