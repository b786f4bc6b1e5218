//! The output of `ztna auth-keys list`.

use serde_json::{Value, json};

use crate::deviation::{AgentCall, Family};

use super::agent::rewriting_output;

pub(super) const ALL: Family = &[
    ("table-without-uses", rewriting_output(|call, text| each_line(call, text, without_uses))),
    (
        "table-says-yes-and-no",
        rewriting_output(|call, text| {
            each_line(call, text, |line| line.replace(" true ", " yes  ").replace(" false ", " no    "))
        }),
    ),
    (
        "table-without-rule",
        rewriting_output(|call, text| {
            each_line(call, text, |line| if line.starts_with('─') { String::new() } else { line.to_owned() })
        }),
    ),
    (
        "table-misaligned",
        rewriting_output(|call, text| {
            each_line(call, text, |line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        }),
    ),
    (
        "table-dates-backwards",
        rewriting_output(|call, text| {
            each_line(call, text, |line| {
                let Some((before, date)) = line.rsplit_once(' ') else { return line.to_owned() };
                match date.splitn(3, '-').collect::<Vec<_>>().as_slice() {
                    [year, month, day] if year.len() == 4 => format!("{before} {day}.{month}.{year}"),
                    _ => line.to_owned(),
                }
            })
        }),
    ),
    (
        "list-json-without-revoked",
        rewriting_output(|call, text| {
            each_key(call, text, |key| {
                if let Some(fields) = key.as_object_mut() {
                    fields.remove("revoked");
                }
            })
        }),
    ),
    (
        "list-json-counts-as-text",
        rewriting_output(|call, text| {
            each_key(call, text, |key| key["used_count"] = json!(key["used_count"].to_string()))
        }),
    ),
];

/// Changes the lines of the table.
fn each_line(call: &AgentCall, text: &str, change: fn(&str) -> String) -> String {
    if !call.is_command("auth-keys list") || call.has_flag("--json") {
        return text.to_owned();
    }
    text.lines().map(change).filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// Changes the keys of the JSON list.
fn each_key(call: &AgentCall, text: &str, change: fn(&mut Value)) -> String {
    let listed =
        serde_json::from_str::<Value>(text).ok().filter(|_| call.is_command("auth-keys list --json"));
    let Some(Value::Array(mut keys)) = listed else { return text.to_owned() };
    keys.iter_mut().for_each(change);
    format!("{:#}\n", Value::Array(keys))
}

/// Removes the fifth column of six, USES.
fn without_uses(line: &str) -> String {
    if let Some(header) = line.strip_suffix("EXPIRES") {
        return header.replace("USES", "").trim_end().to_owned() + "  EXPIRES";
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [before @ .., ephemeral, _, date] if date.contains('-') => {
            format!("{}  {ephemeral}  {date}", before.join("  "))
        }
        _ => line.to_owned(),
    }
}
