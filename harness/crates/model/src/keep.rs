//! `keep`: takes a value out of what a step saw.

use regex::Regex;
use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange, ProcessResult, WireResult};
use crate::check::place::resolve;
use crate::scenario::model::Extraction;

/// The value, or why there is none. Of a race, places are looked up in the first answer that has them.
///
/// # Errors
/// A line that says what is missing.
pub fn extract(from: &Extraction, evidence: &Evidence) -> Result<Value, String> {
    match evidence {
        Evidence::Http(exchanges) => from_http(from, exchanges),
        Evidence::Process(process) => from_process(from, process),
        Evidence::Wire(result) => from_wire(from, result),
        Evidence::Nothing => Err("the step brings nothing to keep".to_owned()),
    }
}

fn from_http(from: &Extraction, exchanges: &[Exchange]) -> Result<Value, String> {
    let statuses: Vec<u16> = exchanges.iter().map(|exchange| exchange.status).collect();
    let seen = || match statuses.as_slice() {
        [status] => format!("it answered {status}"),
        _ => format!("the answers were {statuses:?}"),
    };
    let first = |find: &dyn Fn(&Exchange) -> Option<Value>, what: String| {
        exchanges.iter().find_map(find).ok_or_else(|| format!("there is no {what}: {}", seen()))
    };
    match from {
        Extraction::Pointer(place) => first(&|exchange| in_json(exchange, place), format!("`{place}`")),
        Extraction::Date(place) => {
            first(&|exchange| in_json(exchange, place).as_ref().and_then(date), format!("date at `{place}`"))
        }
        Extraction::Status => statuses.first().map(|status| Value::from(*status)).ok_or_else(seen),
        Extraction::Header(name) => {
            first(&|exchange| header(exchange, name).map(Value::from), format!("header `{name}`"))
        }
        Extraction::Output(pattern) => {
            first(&|exchange| group(pattern, &exchange.body), format!("text that matches `{pattern}`"))
        }
        Extraction::Count(wanted) => {
            Ok(statuses.iter().filter(|status| wanted.contains(status)).count().into())
        }
    }
}

fn from_process(from: &Extraction, process: &ProcessResult) -> Result<Value, String> {
    let json = || {
        serde_json::from_str::<Value>(&process.stdout)
            .map_err(|error| format!("standard output is not JSON: {error}"))
    };
    let place = |place: &str| {
        resolve(&json()?, place).cloned().ok_or_else(|| format!("there is no `{place}` in standard output"))
    };
    match from {
        Extraction::Pointer(pointer) => place(pointer),
        Extraction::Date(pointer) => {
            date(&place(pointer)?).ok_or_else(|| format!("`{pointer}` is not a date"))
        }
        Extraction::Output(pattern) => {
            let output = format!("{}{}", process.stdout, process.stderr);
            group(pattern, &output).ok_or_else(|| format!("the output has nothing that matches `{pattern}`"))
        }
        Extraction::Status | Extraction::Header(_) | Extraction::Count(_) => {
            Err("a command has no status and no headers".to_owned())
        }
    }
}

fn from_wire(from: &Extraction, result: &WireResult) -> Result<Value, String> {
    let place = match from {
        Extraction::Pointer(place) => place,
        _ => return Err("of a WireGuard peer only places are kept".to_owned()),
    };
    let missing = || {
        let reason = result.untried.as_deref().unwrap_or("the peer did not learn it");
        format!("there is no `{place}`: {reason}")
    };
    resolve(&result.json, place).filter(|value| !value.is_null()).cloned().ok_or_else(missing)
}

fn in_json(exchange: &Exchange, place: &str) -> Option<Value> {
    resolve(exchange.json.as_ref()?, place).cloned()
}

fn date(value: &Value) -> Option<Value> {
    value.as_str().and_then(|text| text.get(..10)).map(Value::from)
}

fn header(exchange: &Exchange, name: &str) -> Option<String> {
    let found = exchange.headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

fn group(pattern: &str, text: &str) -> Option<Value> {
    let captures = Regex::new(pattern).ok()?.captures(text)?;
    captures.get(1).or_else(|| captures.get(0)).map(|group| Value::from(group.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn answer(status: u16, json: Value) -> Exchange {
        Exchange {
            method: "GET".to_owned(),
            url: "http://target/".to_owned(),
            request_headers: Vec::new(),
            request_body: None,
            status,
            headers: vec![("retry-after".to_owned(), "7".to_owned())],
            body: json.to_string(),
            json: Some(json),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn each_source_brings_its_value_or_says_what_is_missing() {
        let one = Evidence::Http(vec![answer(201, json!({"data": {"at": "2026-03-17T10:00:00Z"}}))]);
        let rows = Evidence::Http(vec![answer(200, json!([{"id": 7}]))]);
        let race = Evidence::Http([201, 401, 401].map(|status| answer(status, json!({}))).to_vec());
        let process = Evidence::Process(ProcessResult {
            stdout: r#"{"machine":{"id":"m-1"}}"#.to_owned(),
            stderr: "code: ABCD-1234\n".to_owned(),
            ..Default::default()
        });
        let wire = |json| Evidence::Wire(WireResult { json, ..Default::default() });
        let (met, unmet) = (wire(json!({ "public_key": "k" })), wire(json!({ "public_key": null })));
        let cases = [
            (Extraction::Pointer("/public_key".into()), &met, Ok(json!("k"))),
            (
                Extraction::Pointer("/public_key".into()),
                &unmet,
                Err("there is no `/public_key`: the peer did not learn it"),
            ),
            (Extraction::Pointer("/data/at".into()), &one, Ok(json!("2026-03-17T10:00:00Z"))),
            (Extraction::Date("/data/at".into()), &one, Ok(json!("2026-03-17"))),
            (Extraction::Status, &one, Ok(json!(201))),
            (Extraction::Header("Retry-After".into()), &one, Ok(json!("7"))),
            (Extraction::Pointer("/data/id".into()), &one, Err("there is no `/data/id`: it answered 201")),
            (Extraction::Pointer("rows/0/id".into()), &rows, Ok(json!(7))),
            (Extraction::Count(vec![401]), &race, Ok(json!(2))),
            (Extraction::Pointer("/machine/id".into()), &process, Ok(json!("m-1"))),
            (Extraction::Output("code: (\\S+)".into()), &process, Ok(json!("ABCD-1234"))),
            (Extraction::Status, &process, Err("a command has no status and no headers")),
        ];
        for (from, evidence, wanted) in cases {
            assert_eq!(extract(&from, evidence), wanted.map_err(str::to_owned), "{from:?}");
        }
    }
}
