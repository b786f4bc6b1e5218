//! What `ztna up` and `ztna status` print.

use serde_json::{Value, json};

use crate::deviation::{AgentCall, Family};

use super::call::read_state;
use super::constructors::rewriting_output;

pub(super) const ALL: Family = &[
    (
        "node-key-not-shown",
        rewriting_output(
            |_, text| if text.starts_with("Node key: ") { String::new() } else { text.to_owned() },
        ),
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
        "status-without-machine-id",
        rewriting_output(|call, text| {
            each_status_line(call, text, |line| (!line.starts_with("Machine ID:")).then(|| line.to_owned()))
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
        "status-shows-another-node-key",
        rewriting_output(|call, text| match call.is_command("status") {
            true => each_node_key(call, text, |shown| {
                shown.replace(['0', '1', '2', '3', '4', '5', '6', '7'], "8")
            }),
            false => text.to_owned(),
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
    (
        "up-says-started-first",
        rewriting_output(|_, text| match text {
            "VPN started!\n" => String::new(),
            line if line.starts_with("Connected as ") => format!("VPN started!\n{line}"),
            line => line.to_owned(),
        }),
    ),
    (
        "node-key-shorter",
        rewriting_output(|call, text| {
            each_node_key(call, text, |shown| format!("{}...", shown.get(..8).unwrap_or_default()))
        }),
    ),
    (
        "private-key-shown",
        rewriting_output(|call, text| {
            let private =
                read_state(call).and_then(|state| Some(state["node_key"].as_str()?.get(..16)?.to_owned()));
            each_node_key(call, text, |shown| {
                private.as_ref().map_or(shown.to_owned(), |key| format!("{key}..."))
            })
        }),
    ),
    (
        "status-without-mode",
        rewriting_output(|call, text| {
            each_status_line(call, text, |line| (!line.starts_with("Mode:")).then(|| line.to_owned()))
        }),
    ),
    (
        "status-json-another-id",
        rewriting_output(|call, text| {
            let status =
                serde_json::from_str::<Value>(text).ok().filter(|_| call.is_command("status --json"));
            let Some(mut status) = status else { return text.to_owned() };
            if status["machine"].is_object() {
                status["machine"]["id"] = json!("00000000-0000-4000-8000-000000000000");
            }
            format!("{status:#}\n")
        }),
    ),
    (
        "status-always-authenticated",
        rewriting_output(|call, text| {
            each_status_line(call, text, |line| {
                Some(line.replace("Authenticated: false", "Authenticated: true"))
            })
        }),
    ),
];

/// Changes the lines of `ztna status`, or leaves them out.
fn each_status_line(call: &AgentCall, text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    match call.is_command("status") && !call.has_flag("--json") {
        true => text.lines().filter_map(change).map(|line| format!("{line}\n")).collect(),
        false => text.to_owned(),
    }
}

/// Changes the node key that `ztna up` and `ztna status` show.
fn each_node_key(call: &AgentCall, text: &str, change: impl Fn(&str) -> String) -> String {
    if call.has_flag("--json") {
        return text.to_owned();
    }
    let changed = |line: &str| match line.split_once(':') {
        Some((label, shown)) if label.eq_ignore_ascii_case("node key") => {
            let spaces = shown.len() - shown.trim_start().len();
            format!("{label}:{:spaces$}{}\n", "", change(shown.trim_start()))
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(changed).collect()
}
