//! What the agent does, and says.

use std::fs;

use serde_json::Value;

use crate::deviation::{Call, FAITHFUL, Wrapping};

use crate::deviation::{Deviation, Family, NONE};

const STATE: &str = "state.json";
const KEPT: &str = "state.before-logout";
const WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.\n";

pub(super) const ALL: Family = &[
    (
        "state-survives-logout",
        wrapped(Wrapping {
            before: |call| {
                if call.is("logout") {
                    // The agent must not find it, and forget its machine on the way.
                    let _ = fs::copy(call.state.join(STATE), call.state.join(KEPT));
                }
            },
            end: |call| {
                if call.is("logout") && fs::rename(call.state.join(KEPT), call.state.join(STATE)).is_ok() {
                    call.touched = true;
                }
            },
            ..FAITHFUL
        }),
    ),
    (
        "registers-without-need",
        wrapped(Wrapping {
            before: |call| {
                let path = call.state.join(STATE);
                let state = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
                if let Some(mut state) = state
                    && call.is("up")
                    && state["machine"].is_object()
                {
                    state["machine"] = Value::Null;
                    call.touched = fs::write(path, state.to_string()).is_ok();
                }
            },
            ..FAITHFUL
        }),
    ),
    ("flag-warning-missing", saying(|_, text| text.replace(WARNING, ""))),
    (
        "flag-warning-always",
        saying(|call, text| match call.has("--auth-key") {
            false => text.replace("Starting QuickZTNA...\n", &format!("{WARNING}Starting QuickZTNA...\n")),
            true => text.to_owned(),
        }),
    ),
    (
        "key-variable-ignored",
        calling(|call| {
            if call.is("up") && std::env::var_os("ZTNA_AUTH_KEY").is_some() {
                call.environment.push(("ZTNA_AUTH_KEY".to_owned(), None));
            }
        }),
    ),
    ("key-flag-ignored", calling(|call| without_flag(call, "--auth-key"))),
    ("host-name-ignored", calling(|call| with_value(call, "--hostname", "localhost"))),
    (
        "userspace-unknown",
        calling(|call| {
            for word in call.words.iter_mut().filter(|word| *word == "--userspace") {
                word.push_str("-mode");
            }
        }),
    ),
    (
        "list-asks-in-another-way",
        wrapped(Wrapping {
            ask: Some(|asked, _| {
                if asked.lists("auth_keys") {
                    asked.query.push(("revoked".to_owned(), "eq.false".to_owned()));
                }
                None
            }),
            ..FAITHFUL
        }),
    ),
    (
        "created-key-loses-its-tags",
        calling(|call| {
            if call.is("auth-key create") {
                without_flag(call, "--tags");
            }
        }),
    ),
    (
        "not-authenticated-in-other-words",
        saying(|_, text| {
            text.replace("not authenticated. Run 'ztna login' first or use --auth-key", "no credentials")
        }),
    ),
    (
        "key-refusal-in-other-words",
        saying(|_, text| text.replace("auth key registration failed: ", "cannot register: ")),
    ),
    ("no-keys-in-other-words", saying(|_, text| text.replace("No auth keys found.", "0 keys"))),
    (
        "no-organisation-in-other-words",
        saying(|_, text| text.replace("not connected to an organization", "no organization")),
    ),
    (
        "role-in-other-words",
        saying(|_, text| text.replace("requires admin role (your role: member)", "is for admins")),
    ),
    (
        "permission-check-in-other-words",
        saying(|_, text| text.replace("error checking permissions", "request failed")),
    ),
    ("revoked-in-other-words", saying(|_, text| text.replace("✓ Revoked — future", "Done: future"))),
    ("copy-hint-missing", saying(|_, text| text.replace("COPY THIS KEY NOW", "Note"))),
    (
        "node-key-not-shown",
        saying(|_, text| if text.starts_with("Node key: ") { String::new() } else { text.to_owned() }),
    ),
    (
        "status-without-machine-id",
        saying(|call, text| match call.is("status") {
            true => text
                .lines()
                .filter(|line| !line.starts_with("Machine ID:"))
                .map(|line| format!("{line}\n"))
                .collect(),
            false => text.to_owned(),
        }),
    ),
    (
        "status-json-without-id",
        saying(|call, text| {
            let status = serde_json::from_str::<Value>(text).ok().filter(|_| call.is("status --json"));
            let Some(mut status) = status else { return text.to_owned() };
            if let Some(machine) = status["machine"].as_object_mut() {
                machine.remove("id");
            }
            format!("{status:#}\n")
        }),
    ),
];

/// An agent that is wrapped.
pub(super) const fn wrapped(wrapping: Wrapping) -> Deviation {
    Deviation { agent: Some(wrapping), ..NONE }
}

/// An agent that says something else.
pub(super) const fn saying(text: fn(&Call, &str) -> String) -> Deviation {
    wrapped(Wrapping { text, ..FAITHFUL })
}

/// An agent that is called otherwise.
const fn calling(before: fn(&mut Call)) -> Deviation {
    wrapped(Wrapping { before, ..FAITHFUL })
}

fn without_flag(call: &mut Call, flag: &str) {
    if let Some(position) = call.words.iter().position(|word| word == flag) {
        call.words.drain(position..(position + 2).min(call.words.len()));
    }
}

fn with_value(call: &mut Call, flag: &str, value: &str) {
    let position = call.words.iter().position(|word| word == flag);
    if let Some(given) = position.and_then(|position| call.words.get_mut(position + 1)) {
        value.clone_into(given);
    }
}
