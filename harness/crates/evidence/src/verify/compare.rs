//! The recorded results against those of the judgement made anew.

use std::collections::BTreeSet;

use serde_json::Value;

use harness_report::results::Results;

/// What a judgement made anew cannot bring: it depends on more than the exchanges.
const NOT_COMPARED: [&str; 7] =
    ["failures", "regressions", "diagnosis", "run_id", "retries", "waivers", "waiver"];

/// Words, which another version may choose otherwise.
const WORDS: [&str; 7] = ["expected", "actual", "message", "notes", "wire", "reason", "text"];

/// How strictly results are compared.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Whether words count: not if another version wrote them.
    pub(super) words: bool,
    /// The checks, by sub-test and position, whose words rest on secrets.
    pub(super) wordless: BTreeSet<(usize, usize)>,
}

/// Every place at which they differ.
pub(super) fn differences(recorded: &Results, again: &Results, terms: &Terms) -> Vec<String> {
    let value = |results: &Results| serde_json::to_value(results).unwrap_or_default();
    // Waivers and an earlier run decide together with the exchanges.
    let depends_on_more = !recorded.waivers.is_empty() || !recorded.regressions.is_empty();
    let (mut recorded, mut again) = (value(recorded), value(again));
    for results in [&mut recorded, &mut again] {
        if let Some(fields) = results.as_object_mut() {
            // What is left on the target and belongs to no sub-test is found out by asking it.
            fields.remove("leftovers");
            if depends_on_more {
                for depending in ["verdict", "exit_code", "totals"] {
                    fields.remove(depending);
                }
            }
        }
        prepare(results, terms);
        forget_words(results, terms);
    }
    let mut found = Vec::new();
    differ("", &recorded, &again, &mut found);
    found
}

/// Leaves out what is not compared. What was waived had failed.
fn prepare(value: &mut Value, terms: &Terms) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !NOT_COMPARED.contains(&name.as_str()) && (terms.words || !WORDS.contains(&name.as_str()))
            });
            for (name, field) in fields.iter_mut() {
                if name == "verdict" && field == "waived" {
                    *field = Value::from("fail");
                }
                prepare(field, terms);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prepare(item, terms)),
        _ => {}
    }
}

fn forget_words(results: &mut Value, terms: &Terms) {
    for (subtest, check) in &terms.wordless {
        let Some(subtest) = results.pointer_mut(&format!("/subtests/{subtest}")) else { continue };
        if let Some(fields) = subtest.as_object_mut() {
            fields.remove("reason");
        }
        let check = subtest.pointer_mut(&format!("/checks/{check}")).and_then(Value::as_object_mut);
        if let Some(fields) = check {
            fields.retain(|name, _| !WORDS.contains(&name.as_str()));
        }
    }
}

fn differ(at: &str, recorded: &Value, again: &Value, found: &mut Vec<String>) {
    match (recorded, again) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let missing = Value::Null;
                let (one, other) = (one.get(name).unwrap_or(&missing), other.get(name).unwrap_or(&missing));
                differ(&format!("{at}/{name}"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{at}/{index}"), one, other, found);
            }
        }
        _ if recorded == again => {}
        _ => found.push(format!("{at} is recorded as {} and comes out as {}", short(recorded), short(again))),
    }
}

fn short(value: &Value) -> String {
    const MOST: usize = 200;
    let text = match value {
        Value::Array(items) => format!("{} elements", items.len()),
        other => other.to_string(),
    };
    let cut: String = text.chars().take(MOST).collect();
    let cut = if cut.len() < text.len() { cut + "…" } else { cut };
    cut.escape_debug().to_string().replace("\\\"", "\"")
}
