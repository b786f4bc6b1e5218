//! `used_count`: its initial value, and what increases it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::deviation::{Family, IssuedKey, ProxyResponse, ProxyState, Registration, on_response};

/// How long the machines of ephemeral keys may be offline.
const UNTIL_REMOVED: Duration = Duration::from_secs(30 * 60);

pub(super) const ALL: Family = &[
    ("count-frozen", on_response(|_, response, _| response.each("used_count", |count| *count = json!(0)))),
    (
        "count-null-at-first",
        on_response(|_, response, _| {
            response.each("used_count", |count| {
                if *count == json!(0) {
                    *count = Value::Null;
                }
            });
        }),
    ),
    (
        "count-as-text",
        on_response(|_, response, _| response.each("used_count", |count| *count = json!(count.to_string()))),
    ),
    (
        "count-starts-at-one",
        on_response(|_, response, state| recount(response, state, |_, _, count| count + 1)),
    ),
    (
        "count-moves-on-refusal",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, count| {
                count + state.refused_registrations.get(&issued.key).copied().unwrap_or_default()
            });
        }),
    ),
    (
        "count-skips-reregistrations",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, _| {
                let names: BTreeSet<_> =
                    state.registrations_with(&issued.key).map(|registration| &registration.name).collect();
                number(names.len())
            });
        }),
    ),
    (
        "count-of-machines",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, _| {
                let present: BTreeSet<_> = state
                    .registrations_with(&issued.key)
                    .map(|registration| &registration.machine_id)
                    .filter(|id| !state.deleted_machines.contains(*id))
                    .collect();
                number(present.len())
            });
        }),
    ),
    (
        "count-jumps-by-two",
        on_response(|_, response, state| recount(response, state, |_, _, count| count * 2)),
    ),
    (
        "count-lost-in-races",
        on_response(|request, response, state| {
            if request.registers() && response.is_success() && state.is_contended(request) {
                let uncounted = state.notes.entry(request.text("auth_key").to_owned()).or_insert(json!(0));
                *uncounted = json!(uncounted.as_u64().unwrap_or_default() + 1);
            }
            recount(response, state, |state, issued, count| {
                count.saturating_sub(state.notes.get(&issued.key).and_then(Value::as_u64).unwrap_or_default())
            });
        }),
    ),
    (
        "count-skips-the-first-use",
        on_response(|_, response, state| recount(response, state, |_, _, count| count.saturating_sub(1))),
    ),
    (
        "count-of-all-keys",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, _| {
                let keys = state.keys.iter().filter(|known| known.org_id == issued.org_id);
                number(keys.map(|known| state.uses(&known.key)).sum())
            });
        }),
    ),
    (
        "count-on-the-first-key-of-a-machine",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, _| {
                let first = |machine: &&Registration| {
                    let named = state.registrations.iter().find(|known| known.name == machine.name);
                    named.is_some_and(|first| first.key == issued.key)
                };
                number(state.registrations.iter().filter(first).count())
            });
        }),
    ),
    (
        "count-of-machines-logged-in",
        on_response(|request, response, state| {
            if request.path == "/api/machine-logout"
                && let Some(sender) = state.sender(request).map(|sender| sender.key.clone())
            {
                let left = state.notes.entry(sender).or_insert(json!(0));
                *left = json!(left.as_u64().unwrap_or_default() + 1);
            }
            recount(response, state, |state, issued, count| {
                count.saturating_sub(state.notes.get(&issued.key).and_then(Value::as_u64).unwrap_or_default())
            });
        }),
    ),
    (
        "reusable-listed-as-false",
        on_response(|request, response, _| {
            if request.lists("auth_keys") {
                response.each("reusable", |reusable| *reusable = json!(false));
            }
        }),
    ),
    (
        "count-not-of-ephemeral-keys",
        on_response(|_, response, state| {
            recount(response, state, |_, issued, count| if issued.is_ephemeral() { 0 } else { count });
        }),
    ),
    (
        "count-reset-by-revocation",
        on_response(|_, response, state| {
            recount(response, state, |_, issued, count| if issued.is_revoked { 0 } else { count });
        }),
    ),
    (
        "count-falls-with-removed-machines",
        on_response(|_, response, state| {
            recount(response, state, |state, issued, count| {
                let removed = state.registrations_with(&issued.key).filter(|machine| {
                    issued.is_ephemeral() && state.now >= machine.last_seen + UNTIL_REMOVED
                });
                count.saturating_sub(number(removed.count()))
            });
        }),
    ),
];

/// Replaces `used_count` in every row of a known key.
fn recount(response: &mut ProxyResponse, state: &ProxyState, count: fn(&ProxyState, &IssuedKey, u64) -> u64) {
    for row in response.rows() {
        let issued = state.key_by_id(&row["id"]);
        // Rows of selected columns may lack the id; names are unique enough here.
        let issued = issued.or_else(|| state.keys.iter().find(|issued| row["name"] == *issued.name));
        if let (Some(issued), Some(used)) = (issued, row.get_mut("used_count")) {
            *used = json!(count(state, issued, used.as_u64().unwrap_or_default()));
        }
    }
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
