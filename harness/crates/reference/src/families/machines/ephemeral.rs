//! Machines that are removed when they stay offline.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deviation::{
    Deviation, Family, IssuedKey, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request,
    on_response,
};

use crate::families::shared::{delete_machine, pretended_machine, show_requested};

/// Earlier than the documented 30 minutes.
const EARLY: Duration = Duration::from_secs(25 * 60);

pub(super) const ALL: Family = &[
    ("ephemeral-stays", on_both(|request, _| request_ephemeral(request, false), show_as_requested)),
    ("persistent-goes-too", on_both(|request, _| request_ephemeral(request, true), show_as_requested)),
    (
        "ephemeral-goes-while-online",
        on_request(|request, state| {
            let key = state.sender(request).and_then(|sender| state.key(&sender.key));
            let is_ignored = key.is_some_and(IssuedKey::is_ephemeral);
            (is_ignored && request.path == "/api/heartbeat").then(|| ProxyResponse::data(200, json!({})))
        }),
    ),
    (
        "ephemeral-goes-early",
        Deviation {
            on_clock_advance: |state| {
                let silent =
                    state.registrations.iter().filter(|machine| state.now >= machine.last_seen + EARLY);
                silent
                    .filter_map(|machine| state.key(&machine.key).map(|issued| (issued, machine)))
                    .filter(|(issued, _)| issued.is_ephemeral())
                    .flat_map(|(issued, machine)| delete_machine(state, &issued.org_id, machine))
                    .collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "ephemeral-not-answered",
        on_response(|request, response, _| {
            if request.creates_auth_key() && response.is_success() {
                response.set("ephemeral", json!(false));
            }
        }),
    ),
    (
        "ephemeral-keys-are-single-use",
        on_request(|request, _| {
            if request.creates_auth_key() && request.json["ephemeral"] == true {
                request.set("reusable", json!(false));
            }
            None
        }),
    ),
    (
        "ephemeral-stays-once-it-registers-again",
        on_response(|request, response, state| {
            let asked = request.query.iter().find(|(column, _)| column == "name");
            let asked = asked.and_then(|(_, value)| value.strip_prefix("eq.")).unwrap_or_default();
            let known: Vec<_> = state.registrations.iter().filter(|machine| machine.name == asked).collect();
            let is_ephemeral =
                known.last().and_then(|machine| state.key(&machine.key)).is_some_and(IssuedKey::is_ephemeral);
            if request.lists("machines")
                && known.len() > 1
                && is_ephemeral
                && let Some(rows) = response.json["data"].as_array_mut().filter(|rows| rows.is_empty())
            {
                rows.push(pretended_machine(asked, &Value::Null));
            }
        }),
    ),
    (
        "ephemeral-stays-with-a-single-use-key",
        on_both(
            |request, _| match request.json["reusable"] == true {
                true => None,
                false => request_ephemeral(request, false),
            },
            show_as_requested,
        ),
    ),
];

fn request_ephemeral(request: &mut ProxyRequest, ephemeral: bool) -> Option<ProxyResponse> {
    if request.creates_auth_key() && matches!(request.json["ephemeral"], Value::Bool(_) | Value::Null) {
        request.set("ephemeral", json!(ephemeral));
    }
    None
}

fn show_as_requested(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    if request.creates_auth_key() || request.lists("auth_keys") {
        show_requested(request, response, state, "ephemeral", &json!(false));
    }
}
