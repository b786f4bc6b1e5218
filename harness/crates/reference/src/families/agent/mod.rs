//! What the agent does and prints.

mod commands;
mod installer;
mod keys;
mod lists;
mod state;
mod status;

use std::fs;

use serde_json::Value;

use crate::deviation::{
    AgentCall, AgentDeviation, Deviation, Family, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED,
    UNCHANGED_AGENT,
};

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("agent-keys", keys::ALL),
    ("agent-state", state::ALL),
    ("agent-status", status::ALL),
    ("agent-commands", commands::ALL),
    ("agent-lists", lists::ALL),
    ("installer", installer::ALL),
];

const STATE_FILE: &str = "state.json";

/// A deviation of the agent alone.
const fn agent_deviation(agent: AgentDeviation) -> Deviation {
    Deviation { agent: Some(agent), ..UNCHANGED }
}

/// The agent prints something else.
const fn rewriting_output(rewrite_output: fn(&AgentCall, &str) -> String) -> Deviation {
    agent_deviation(AgentDeviation { rewrite_output, ..UNCHANGED_AGENT })
}

/// The agent is called in another way.
const fn rewriting_call(before_start: fn(&mut AgentCall)) -> Deviation {
    agent_deviation(AgentDeviation { before_start, ..UNCHANGED_AGENT })
}

/// The agent asks the control plane for something else.
const fn requesting(
    on_request: fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>,
) -> Deviation {
    agent_deviation(AgentDeviation { on_request: Some(on_request), ..UNCHANGED_AGENT })
}

fn comes_up_without_key(call: &AgentCall) -> bool {
    call.is_command("up") && !call.has_flag("--auth-key") && std::env::var_os("ZTNA_AUTH_KEY").is_none()
}

/// The agent's state, if it has any.
fn read_state(call: &AgentCall) -> Option<Value> {
    let text = fs::read(call.state_folder.join(STATE_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn remove_flag(call: &mut AgentCall, flag: &str) {
    if let Some(position) = call.words.iter().position(|word| word == flag) {
        call.words.drain(position..(position + 2).min(call.words.len()));
    }
}

fn set_flag_value(call: &mut AgentCall, flag: &str, value: &str) {
    replace_flag_value(call, flag, |_| value.to_owned());
}

fn replace_flag_value(call: &mut AgentCall, flag: &str, other: impl Fn(&str) -> String) {
    let position = call.words.iter().position(|word| word == flag);
    if let Some(given) = position.and_then(|position| call.words.get_mut(position + 1)) {
        *given = other(given);
    }
}
