//! Commands that create and revoke keys and administer machines.

use serde_json::{Value, json};

use crate::deviation::{AgentDeviation, Family, UNCHANGED_AGENT};

use super::call::{remove_flag, replace_flag_value, set_flag_value};
use super::constructors::{agent_deviation, requesting, rewriting_call, rewriting_output};

pub(super) const ALL: Family = &[
    (
        "created-key-loses-its-tags",
        rewriting_call(|call| {
            if call.is_command("auth-key create") {
                remove_flag(call, "--tags");
            }
        }),
    ),
    (
        "created-key-has-another-expiry",
        agent_deviation(AgentDeviation {
            before_start: |call| {
                if call.is_command("auth-key create") {
                    set_flag_value(call, "--expiry", "3h");
                }
            },
            rewrite_output: |_, text| text.replace("in 3 hours", "in 1 hour"),
            ..UNCHANGED_AGENT
        }),
    ),
    ("copy-hint-missing", rewriting_output(|_, text| text.replace("COPY THIS KEY NOW", "Note"))),
    (
        "revoked-in-other-words",
        rewriting_output(|_, text| text.replace("✓ Revoked — future", "Done: future")),
    ),
    (
        "revoke-needs-the-dots",
        rewriting_call(|call| {
            let has_dots = call.words.iter().any(|word| word.ends_with("...") || word.ends_with('…'));
            if call.is_command("auth-keys revoke") && !has_dots {
                call.words = ["auth-keys", "revoke", "tskey-auth-zzzzzz"].map(str::to_owned).to_vec();
            }
        }),
    ),
    (
        "set-tags-does-nothing",
        rewriting_call(|call| {
            if call.is_command("set") {
                call.words = vec!["status".to_owned()];
            }
        }),
    ),
    (
        "cli-quarantine-does-nothing",
        rewriting_call(|call| {
            if call.is_command("machine-admin") && call.has_flag("quarantine") {
                call.words = vec!["status".to_owned()];
            }
        }),
    ),
    (
        "created-key-expires-early",
        requesting(|request, _| {
            if let Some(seconds) = request.json["expires_in"].as_u64().filter(|_| request.creates_auth_key())
            {
                request.set("expires_in", json!(seconds / 2));
            }
            None
        }),
    ),
    (
        "created-key-not-reusable",
        requesting(|request, _| {
            if request.creates_auth_key() {
                request.set("reusable", json!(false));
            }
            None
        }),
    ),
    (
        "created-key-keeps-one-tag",
        requesting(|request, _| {
            let tags = request.json.get_mut("tags").and_then(Value::as_array_mut);
            if let Some(tags) = tags {
                tags.truncate(1);
            }
            None
        }),
    ),
    (
        "revoke-takes-the-newest",
        agent_deviation(AgentDeviation {
            on_request: Some(|request, state| {
                if request.asks_for("revoke_auth_key")
                    && let Some(newest) = state.notes.get("newest").cloned()
                {
                    request.set("key_id", newest);
                }
                None
            }),
            on_response: Some(|request, response, state| {
                if request.lists("auth_keys")
                    && let Some(newest) = response.rows().max_by_key(|row| row["created_at"].to_string())
                {
                    state.notes.insert("newest".to_owned(), newest["id"].clone());
                }
            }),
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "revoking-nothing-succeeds",
        agent_deviation(AgentDeviation {
            after_exit: |call| {
                if call.is_command("auth-keys revoke") {
                    call.exit_code = 0;
                }
            },
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "set-tags-only-first",
        rewriting_call(|call| {
            if call.is_command("set") {
                replace_flag_value(call, "--tags", |tags| {
                    tags.split(',').next().unwrap_or_default().to_owned()
                });
            }
        }),
    ),
    (
        "cli-deletion-does-nothing",
        rewriting_call(|call| {
            if call.is_command("machine-admin") && call.has_flag("delete") {
                call.words = vec!["status".to_owned()];
            }
        }),
    ),
];
