//! The key that the agent registers with.

use crate::deviation::{AgentDeviation, Family, UNCHANGED_AGENT};

use super::call::remove_flag;
use super::constructors::{agent_deviation, rewriting_call, rewriting_output};

const WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.\n";

pub(super) const ALL: Family = &[
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
    (
        "empty-variable-is-a-key",
        rewriting_call(|call| {
            if call.is_command("up") && std::env::var_os("ZTNA_AUTH_KEY").is_some_and(|key| key.is_empty()) {
                call.environment.push(("ZTNA_AUTH_KEY".to_owned(), Some("none".to_owned())));
            }
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
        "not-authenticated-in-other-words",
        rewriting_output(|_, text| {
            text.replace("not authenticated. Run 'ztna login' first or use --auth-key", "no credentials")
        }),
    ),
    (
        "key-refusal-in-other-words",
        rewriting_output(|_, text| text.replace("auth key registration failed: ", "cannot register: ")),
    ),
    (
        "flag-warning-ends-it",
        agent_deviation(AgentDeviation {
            before_start: |call| {
                if call.is_command("up") && call.has_flag("--auth-key") {
                    // Nobody listens there: the machine is not registered before the agent ends.
                    call.environment.push(("ZTNA_SERVER".to_owned(), Some("http://127.0.0.1:9".to_owned())));
                }
            },
            ends_after: |call, line| call.has_flag("--auth-key") && line.starts_with("Starting QuickZTNA"),
            ..UNCHANGED_AGENT
        }),
    ),
    (
        "not-authenticated-is-a-success",
        agent_deviation(AgentDeviation {
            after_exit: |call| {
                if call.is_command("up") && call.printed.contains("not authenticated") {
                    call.exit_code = 0;
                }
            },
            ..UNCHANGED_AGENT
        }),
    ),
];
