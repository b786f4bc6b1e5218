//! How long an API key is valid.

use serde_json::{Value, json};

use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_both, on_request, on_response};

use crate::families::shared;

pub(super) const ALL: Family = &[
    (
        "api-key-outlives-its-expiry",
        on_both(
            |request, _| replace_days(request, |days| days.is_none_or(in_bounds), Some(90)),
            show_requested_days,
        ),
    ),
    (
        "api-key-default-expiry-90",
        on_request(|request, _| replace_days(request, |days| days.is_none(), Some(90))),
    ),
    (
        "api-key-91-days-accepted",
        on_both(
            |request, _| replace_days(request, |days| days == Some(&json!(91)), Some(90)),
            show_requested_days,
        ),
    ),
    (
        "api-key-365-days-accepted",
        on_both(
            |request, _| replace_days(request, |days| days == Some(&json!(365)), Some(90)),
            show_requested_days,
        ),
    ),
    (
        "api-key-zero-days-accepted",
        on_both(
            |request, _| replace_days(request, |days| days == Some(&json!(0)), Some(1)),
            show_requested_days,
        ),
    ),
    (
        "api-key-permanent-if-null",
        on_both(
            |request, _| replace_days(request, |days| days == Some(&Value::Null), None),
            |request, response, _| {
                let requested = request.json.get("expiry_days");
                if request.creates_api_key() && response.is_success() && requested == Some(&Value::Null) {
                    response.set("expiry_days", Value::Null);
                }
            },
        ),
    ),
    (
        "api-key-one-day-refused",
        on_request(|request, _| {
            let shortest = request.creates_api_key() && request.json["expiry_days"] == 1;
            shortest
                .then(|| ProxyResponse::refusal(400, "INVALID_INPUT", "expiry_days must be between 2 and 90"))
        }),
    ),
    (
        "api-key-90-days-refused",
        on_request(|request, _| {
            let longest = request.creates_api_key() && request.json["expiry_days"] == 90;
            longest
                .then(|| ProxyResponse::refusal(400, "INVALID_INPUT", "expiry_days must be between 1 and 89"))
        }),
    ),
    (
        "api-key-expiry-refused-in-other-words",
        on_response(|request, response, _| {
            if request.creates_api_key() && response.refuses("INVALID_INPUT") {
                response.json["error"]["message"] = json!("expiry_days is out of range");
            }
        }),
    ),
    (
        "api-key-90-days-cut-to-30",
        on_both(
            |request, _| replace_days(request, |days| days == Some(&json!(90)), Some(30)),
            show_requested_days,
        ),
    ),
];

fn in_bounds(days: &Value) -> bool {
    days.as_u64().is_some_and(|days| (1..=90).contains(&days))
}

/// Requests `days`, or no expiry, in place of the expiries that `matches`.
fn replace_days(
    request: &mut ProxyRequest,
    matches: fn(Option<&Value>) -> bool,
    days: Option<u64>,
) -> Option<ProxyResponse> {
    if request.creates_api_key() && matches(request.json.get("expiry_days")) {
        match days {
            Some(days) => request.set("expiry_days", json!(days)),
            None => request.remove("expiry_days"),
        }
    }
    None
}

/// Shows the expiry that the client requested.
fn show_requested_days(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    if request.creates_api_key() {
        shared::show_requested(request, response, state, "expiry_days", &json!(30));
    }
}
