//! What `ztna auth-keys list` prints.

use serde_json::{Value, json};

use crate::deviation::Call;

use super::agent::saying;
use crate::deviation::Family;

pub(super) const ALL: Family = &[
    ("table-without-uses", saying(|call, text| rows(call, text, without_uses))),
    (
        "table-says-yes-and-no",
        saying(|call, text| {
            rows(call, text, |line| line.replace(" true ", " yes  ").replace(" false ", " no    "))
        }),
    ),
    (
        "table-without-rule",
        saying(|call, text| {
            rows(call, text, |line| if line.starts_with('─') { String::new() } else { line.to_owned() })
        }),
    ),
    (
        "table-misaligned",
        saying(|call, text| rows(call, text, |line| line.split_whitespace().collect::<Vec<_>>().join(" "))),
    ),
    (
        "table-dates-backwards",
        saying(|call, text| {
            rows(call, text, |line| {
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
        saying(|call, text| {
            keys(call, text, |key| {
                if let Some(fields) = key.as_object_mut() {
                    fields.remove("revoked");
                }
            })
        }),
    ),
    (
        "list-json-counts-as-text",
        saying(|call, text| keys(call, text, |key| key["used_count"] = json!(key["used_count"].to_string()))),
    ),
];

/// Bends the lines of the table.
fn rows(call: &Call, text: &str, bend: fn(&str) -> String) -> String {
    if !call.is("auth-keys list") || call.has("--json") {
        return text.to_owned();
    }
    text.lines().map(bend).filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// Bends the keys of the JSON list.
fn keys(call: &Call, text: &str, bend: fn(&mut Value)) -> String {
    let listed = serde_json::from_str::<Value>(text).ok().filter(|_| call.is("auth-keys list --json"));
    let Some(Value::Array(mut keys)) = listed else { return text.to_owned() };
    keys.iter_mut().for_each(bend);
    format!("{:#}\n", Value::Array(keys))
}

/// The fifth column of six, which begins after the fourth's `true` or `false`.
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
