//! Starting and stopping the agent, and the state that it keeps.

use std::fs;

use serde_json::Value;

use crate::deviation::{AgentCall, AgentDeviation, Family, UNCHANGED_AGENT};

use super::call::{STATE_FILE, comes_up_without_key, read_state, replace_flag_value, set_flag_value};
use super::constructors::{agent_deviation, rewriting_call};

const STATE_COPY: &str = "state.before-logout";

pub(super) const ALL: Family = &[
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
                if call.is_command("up") {
                    forget_machine(call);
                }
            },
            ..UNCHANGED_AGENT
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
        "host-name-in-lower-case",
        rewriting_call(|call| replace_flag_value(call, "--hostname", |name| name.to_lowercase())),
    ),
    (
        "host-name-with-a-suffix",
        rewriting_call(|call| replace_flag_value(call, "--hostname", |name| format!("{name}-1"))),
    ),
    ("host-name-made-up", rewriting_call(|call| name_machine(call, |_| "0-unnamed".to_owned()))),
    (
        "interrupt-leaves-up-running",
        agent_deviation(AgentDeviation {
            lingers: |call, interrupted| call.is_command("up") && interrupted,
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "down-leaves-up-running",
        agent_deviation(AgentDeviation {
            lingers: |call, interrupted| call.is_command("up") && !interrupted && call.exit_code == 0,
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "host-name-cut",
        rewriting_call(|call| {
            name_machine(call, |host| host.get(..host.len().div_ceil(2)).unwrap_or(host).to_owned());
        }),
    ),
    ("host-name-not-plain", rewriting_call(|call| name_machine(call, |host| format!("{host}-7f3a")))),
    (
        "up-from-state-ends-at-once",
        agent_deviation(AgentDeviation {
            ends_after: |_, line| line.starts_with("Already registered: "),
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "up-after-login-does-not-connect",
        agent_deviation(AgentDeviation {
            ends_after: |call, line| line.starts_with("Registered: ") && comes_up_without_key(call),
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "up-ends-once-connected",
        agent_deviation(AgentDeviation {
            ends_after: |_, line| line.starts_with("VPN started!"),
            ..UNCHANGED_AGENT
        }),
    ),
];

/// Names a machine that is given no name; `name` makes the name of the host's.
fn name_machine(call: &mut AgentCall, name: fn(&str) -> String) {
    let is_named = call.has_flag("--hostname") || std::env::var_os("ZTNA_HOSTNAME").is_some();
    if call.is_command("up") && !is_named {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().split('.').next().unwrap_or_default();
        call.words.extend(["--hostname".to_owned(), name(host)]);
    }
}

/// Removes the machine's registration from the agent's state.
fn forget_machine(call: &mut AgentCall) {
    if let Some(mut state) = read_state(call).filter(|state| state["machine"].is_object()) {
        state["machine"] = Value::Null;
        call.changed_files = fs::write(call.state_folder.join(STATE_FILE), state.to_string()).is_ok();
    }
}

fn has_machine(call: &AgentCall) -> bool {
    read_state(call).is_some_and(|state| state["machine"].is_object())
}
