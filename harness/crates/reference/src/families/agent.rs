//! What the agent does and prints.

use std::fs;

use serde_json::Value;

use crate::deviation::{AgentCall, AgentDeviation, Deviation, Family, UNCHANGED, UNCHANGED_AGENT};

const STATE_FILE: &str = "state.json";
const STATE_COPY: &str = "state.before-logout";
const WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.\n";

pub(super) const ALL: Family = &[
    (
        "state-survives-logout",
        agent_deviation(AgentDeviation {
            before_start: |call| {
                if call.is_command("logout") {
                    // Copied first: the agent deletes the state when it logs out.
                    let _ = fs::copy(call.state_folder.join(STATE_FILE), call.state_folder.join(STATE_COPY));
                }
            },
            after_exit: |call| {
                if call.is_command("logout")
                    && fs::rename(call.state_folder.join(STATE_COPY), call.state_folder.join(STATE_FILE))
                        .is_ok()
                {
                    call.changed_files = true;
                }
            },
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "registers-without-need",
        agent_deviation(AgentDeviation {
            before_start: |call| {
                let path = call.state_folder.join(STATE_FILE);
                let state = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
                if let Some(mut state) = state
                    && call.is_command("up")
                    && state["machine"].is_object()
                {
                    state["machine"] = Value::Null;
                    call.changed_files = fs::write(path, state.to_string()).is_ok();
                }
            },
            ..UNCHANGED_AGENT
        }),
    ),
    ("flag-warning-missing", rewriting_output(|_, text| text.replace(WARNING, ""))),
    (
        "flag-warning-always",
        rewriting_output(|call, text| match call.has_flag("--auth-key") {
            false => text.replace("Starting QuickZTNA...\n", &format!("{WARNING}Starting QuickZTNA...\n")),
            true => text.to_owned(),
        }),
    ),
    (
        "key-variable-ignored",
        rewriting_call(|call| {
            if call.is_command("up") && std::env::var_os("ZTNA_AUTH_KEY").is_some() {
                call.environment.push(("ZTNA_AUTH_KEY".to_owned(), None));
            }
        }),
    ),
    ("key-flag-ignored", rewriting_call(|call| remove_flag(call, "--auth-key"))),
    ("host-name-ignored", rewriting_call(|call| set_flag_value(call, "--hostname", "localhost"))),
    (
        "userspace-unknown",
        rewriting_call(|call| {
            for word in call.words.iter_mut().filter(|word| *word == "--userspace") {
                word.push_str("-mode");
            }
        }),
    ),
    (
        "list-asks-in-another-way",
        agent_deviation(AgentDeviation {
            on_request: Some(|request, _| {
                if request.lists("auth_keys") {
                    request.query.push(("revoked".to_owned(), "eq.false".to_owned()));
                }
                None
            }),
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "created-key-loses-its-tags",
        rewriting_call(|call| {
            if call.is_command("auth-key create") {
                remove_flag(call, "--tags");
            }
        }),
    ),
    (
        "not-authenticated-in-other-words",
        rewriting_output(|_, text| {
            text.replace("not authenticated. Run 'ztna login' first or use --auth-key", "no credentials")
        }),
    ),
    (
        "key-refusal-in-other-words",
        rewriting_output(|_, text| text.replace("auth key registration failed: ", "cannot register: ")),
    ),
    ("no-keys-in-other-words", rewriting_output(|_, text| text.replace("No auth keys found.", "0 keys"))),
    (
        "no-organisation-in-other-words",
        rewriting_output(|_, text| text.replace("not connected to an organization", "no organization")),
    ),
    (
        "role-in-other-words",
        rewriting_output(|_, text| text.replace("requires admin role (your role: member)", "is for admins")),
    ),
    (
        "permission-check-in-other-words",
        rewriting_output(|_, text| text.replace("error checking permissions", "request failed")),
    ),
    (
        "revoked-in-other-words",
        rewriting_output(|_, text| text.replace("✓ Revoked — future", "Done: future")),
    ),
    ("copy-hint-missing", rewriting_output(|_, text| text.replace("COPY THIS KEY NOW", "Note"))),
    (
        "node-key-not-shown",
        rewriting_output(
            |_, text| if text.starts_with("Node key: ") { String::new() } else { text.to_owned() },
        ),
    ),
    (
        "status-without-machine-id",
        rewriting_output(|call, text| match call.is_command("status") {
            true => text
                .lines()
                .filter(|line| !line.starts_with("Machine ID:"))
                .map(|line| format!("{line}\n"))
                .collect(),
            false => text.to_owned(),
        }),
    ),
    (
        "status-without-authenticated",
        rewriting_output(|call, text| match call.is_command("status") {
            true => text.replace("Authenticated: true", "Session:       valid"),
            false => text.to_owned(),
        }),
    ),
    (
        "connected-at-another-address",
        rewriting_output(|_, text| match text.starts_with("Connected as ") {
            true => text.replace("(100.", "(101."),
            false => text.to_owned(),
        }),
    ),
    (
        "second-up-says-registered",
        rewriting_output(|_, text| {
            text.replace("Already registered: ", "Registered: ").replace("(IP: ", "(")
        }),
    ),
    (
        "status-json-another-address",
        rewriting_output(|call, text| match call.is_command("status --json") {
            true => text.replace("\"tailnet_ip\": \"100.", "\"tailnet_ip\": \"101."),
            false => text.to_owned(),
        }),
    ),
    (
        "empty-variable-is-a-key",
        rewriting_call(|call| {
            if call.is_command("up") && std::env::var_os("ZTNA_AUTH_KEY").is_some_and(|key| key.is_empty()) {
                call.environment.push(("ZTNA_AUTH_KEY".to_owned(), Some("none".to_owned())));
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
        "status-shows-another-node-key",
        rewriting_output(|call, text| match call.is_command("status") {
            true => text
                .lines()
                .map(|line| match line.strip_prefix("Node Key:") {
                    Some(key) => {
                        format!("Node Key:{}\n", key.replace(['0', '1', '2', '3', '4', '5', '6', '7'], "8"))
                    }
                    None => format!("{line}\n"),
                })
                .collect(),
            false => text.to_owned(),
        }),
    ),
    (
        "flag-and-variable-refused",
        rewriting_call(|call| {
            if call.is_command("up")
                && call.has_flag("--auth-key")
                && std::env::var_os("ZTNA_AUTH_KEY").is_some()
            {
                call.words.push("--two-keys".to_owned());
            }
        }),
    ),
    (
        "state-needs-a-key",
        rewriting_call(|call| {
            if comes_up_without_key(call) && has_machine(call) {
                call.words.push("--no-key".to_owned());
            }
        }),
    ),
    (
        "login-needs-a-key",
        rewriting_call(|call| {
            if comes_up_without_key(call) && !has_machine(call) {
                call.words.push("--no-key".to_owned());
            }
        }),
    ),
    (
        "down-does-nothing",
        rewriting_call(|call| {
            if call.is_command("down") {
                call.words = vec!["status".to_owned()];
            }
        }),
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
        "table-shows-one-prefix",
        rewriting_output(|call, text| match call.is_command("auth-keys list") {
            true => text
                .lines()
                .map(|line| match line.strip_prefix("tskey-auth-") {
                    Some(rest) => format!("tskey-auth-xx{}\n", rest.get(2..).unwrap_or_default()),
                    None => format!("{line}\n"),
                })
                .collect(),
            false => text.to_owned(),
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
    (
        "status-json-without-id",
        rewriting_output(|call, text| {
            let status =
                serde_json::from_str::<Value>(text).ok().filter(|_| call.is_command("status --json"));
            let Some(mut status) = status else { return text.to_owned() };
            if let Some(machine) = status["machine"].as_object_mut() {
                machine.remove("id");
            }
            format!("{status:#}\n")
        }),
    ),
];

/// A deviation of the agent alone.
pub(super) const fn agent_deviation(agent: AgentDeviation) -> Deviation {
    Deviation { agent: Some(agent), ..UNCHANGED }
}

/// The agent prints something else.
pub(super) const fn rewriting_output(rewrite_output: fn(&AgentCall, &str) -> String) -> Deviation {
    agent_deviation(AgentDeviation { rewrite_output, ..UNCHANGED_AGENT })
}

/// The agent is called in another way.
const fn rewriting_call(before_start: fn(&mut AgentCall)) -> Deviation {
    agent_deviation(AgentDeviation { before_start, ..UNCHANGED_AGENT })
}

fn comes_up_without_key(call: &AgentCall) -> bool {
    call.is_command("up") && !call.has_flag("--auth-key") && std::env::var_os("ZTNA_AUTH_KEY").is_none()
}

fn has_machine(call: &AgentCall) -> bool {
    let state = fs::read(call.state_folder.join(STATE_FILE)).ok();
    let state = state.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    state.is_some_and(|state| state["machine"].is_object())
}

fn remove_flag(call: &mut AgentCall, flag: &str) {
    if let Some(position) = call.words.iter().position(|word| word == flag) {
        call.words.drain(position..(position + 2).min(call.words.len()));
    }
}

fn set_flag_value(call: &mut AgentCall, flag: &str, value: &str) {
    let position = call.words.iter().position(|word| word == flag);
    if let Some(given) = position.and_then(|position| call.words.get_mut(position + 1)) {
        value.clone_into(given);
    }
}
