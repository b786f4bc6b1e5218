//! Compares the recorded results with the reproduced ones, as JSON.

use std::collections::BTreeSet;

use harness_model::text::truncated;
use harness_report::results::Results;
use serde_json::Value;

/// Fields that cannot be reproduced, because they depend on more than the recorded exchanges.
const NOT_REPRODUCIBLE: [&str; 7] =
    ["failures", "regressions", "diagnosis", "run_id", "retries", "waivers", "waiver"];
/// Fields that waivers or a baseline influence.
const INFLUENCED: [&str; 3] = ["verdict", "exit_code", "totals"];
/// Text fields, which another version of the kit may word differently.
const MESSAGES: [&str; 7] = ["expected", "actual", "message", "notes", "wire", "reason", "text"];

/// Characters shown of a differing value.
const MAX_VALUE_LEN: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) compares_messages: bool,
    /// Checks whose messages depend on secrets and are not compared.
    pub(super) secret_messages: BTreeSet<CheckPosition>,
}

/// A check by the position of its sub-test in the results, and its own position in the sub-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CheckPosition {
    pub(super) subtest: usize,
    pub(super) check: usize,
}

/// Returns every difference, one line each.
pub(super) fn differences(recorded: &Results, reproduced: &Results, scope: &Scope) -> Vec<String> {
    let is_influenced = !recorded.waivers.is_empty() || !recorded.regressions.is_empty();
    let comparable = |results: &Results| {
        let mut value = serde_json::to_value(results).unwrap_or_default();
        remove_run_fields(&mut value, is_influenced);
        remove_fields(&mut value, scope);
        remove_secret_messages(&mut value, scope);
        value
    };
    let mut found = Vec::new();
    compare("", &comparable(recorded), &comparable(reproduced), &mut found);
    found
}

fn remove_run_fields(results: &mut Value, is_influenced: bool) {
    let Some(fields) = results.as_object_mut() else { return };
    // Leftovers of the run as a whole are not recorded.
    fields.remove("leftovers");
    if is_influenced {
        fields.retain(|name, _| !INFLUENCED.contains(&name.as_str()));
    }
}

/// Removes fields that are not compared, and turns waived verdicts back into failures.
fn remove_fields(value: &mut Value, scope: &Scope) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                let name = name.as_str();
                !NOT_REPRODUCIBLE.contains(&name) && (scope.compares_messages || !MESSAGES.contains(&name))
            });
            for (name, field) in fields.iter_mut() {
                if name == "verdict" && field == "waived" {
                    *field = Value::from("fail");
                }
                remove_fields(field, scope);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove_fields(item, scope)),
        _ => {}
    }
}

fn remove_secret_messages(results: &mut Value, scope: &Scope) {
    for CheckPosition { subtest, check } in &scope.secret_messages {
        let Some(subtest) = results.pointer_mut(&format!("/subtests/{subtest}")) else { continue };
        if let Some(fields) = subtest.as_object_mut() {
            fields.remove("reason");
        }
        let check = subtest.pointer_mut(&format!("/checks/{check}")).and_then(Value::as_object_mut);
        if let Some(fields) = check {
            fields.retain(|name, _| !MESSAGES.contains(&name.as_str()));
        }
    }
}

fn compare(path: &str, recorded: &Value, reproduced: &Value, found: &mut Vec<String>) {
    match (recorded, reproduced) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let one = one.get(name).unwrap_or(&Value::Null);
                let other = other.get(name).unwrap_or(&Value::Null);
                compare(&format!("{path}/{name}"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{path}/{index}"), one, other, found);
            }
        }
        _ if recorded == reproduced => {}
        _ => found.push(format!(
            "{path} is recorded as {}, but re-evaluated as {}",
            abbreviated(recorded),
            abbreviated(reproduced)
        )),
    }
}

fn abbreviated(value: &Value) -> String {
    let text = match value {
        Value::Array(items) => format!("{} elements", items.len()),
        other => other.to_string(),
    };
    truncated(&text, MAX_VALUE_LEN).escape_debug().to_string().replace("\\\"", "\"")
}
