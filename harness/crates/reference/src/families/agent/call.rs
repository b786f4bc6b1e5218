//! Reads and changes a call of the agent.

use std::fs;

use serde_json::Value;

use crate::deviation::AgentCall;

pub(super) const STATE_FILE: &str = "state.json";

pub(super) fn comes_up_without_key(call: &AgentCall) -> bool {
    call.is_command("up") && !call.has_flag("--auth-key") && std::env::var_os("ZTNA_AUTH_KEY").is_none()
}

/// The agent's state, if it has any.
pub(super) fn read_state(call: &AgentCall) -> Option<Value> {
    let text = fs::read(call.state_folder.join(STATE_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

pub(super) fn remove_flag(call: &mut AgentCall, flag: &str) {
    if let Some(position) = call.words.iter().position(|word| word == flag) {
        call.words.drain(position..(position + 2).min(call.words.len()));
    }
}

pub(super) fn set_flag_value(call: &mut AgentCall, flag: &str, value: &str) {
    replace_flag_value(call, flag, |_| value.to_owned());
}

pub(super) fn replace_flag_value(call: &mut AgentCall, flag: &str, other: impl Fn(&str) -> String) {
    let position = call.words.iter().position(|word| word == flag);
    if let Some(given) = position.and_then(|position| call.words.get_mut(position + 1)) {
        *given = other(given);
    }
}
