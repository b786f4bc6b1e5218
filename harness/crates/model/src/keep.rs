//! `keep`: extracts a value from a step's evidence.

use std::fmt;

use regex::Regex;
use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange, ProcessResult, WireResult};
use crate::check::pointer::resolve;
use crate::scenario::model::Extraction;

/// Why a step's evidence lacks a value that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractionError {
    #[error("the step has no evidence to keep a value from")]
    NoEvidence,
    #[error("{0}")]
    NoResponse(Responses),
    #[error("no {what}: {responses}")]
    NotInResponse { what: String, responses: Responses },
    #[error("standard output is not JSON: {0}")]
    NotJson(String),
    #[error("no `{0}` in standard output")]
    NotInOutput(String),
    #[error("`{0}` is not a date")]
    NotADate(String),
    #[error("no text in the output matches `{0}`")]
    NoMatch(String),
    #[error("a command has no status or headers")]
    NotOfCommand,
    #[error("only JSON pointers can be kept from a WireGuard peer")]
    NotOfPeer,
    #[error("no `{pointer}`: {reason}")]
    NotLearnt { pointer: String, reason: String },
}

/// The statuses of a step's responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responses(Vec<u16>);

/// Extracts the value. In a race it comes from the first response that has it.
pub fn extract(from: &Extraction, evidence: &Evidence) -> Result<Value, ExtractionError> {
    match evidence {
        Evidence::Http(exchanges) => from_http(from, exchanges),
        Evidence::Process(process) => from_process(from, process),
        Evidence::Wire(result) => from_wire(from, result),
        Evidence::Nothing => Err(ExtractionError::NoEvidence),
    }
}

impl fmt::Display for Responses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [status] => write!(formatter, "the response was {status}"),
            statuses => write!(formatter, "the responses were {statuses:?}"),
        }
    }
}

fn from_http(from: &Extraction, exchanges: &[Exchange]) -> Result<Value, ExtractionError> {
    let statuses: Vec<u16> = exchanges.iter().map(|exchange| exchange.status).collect();
    let responses = || Responses(statuses.clone());
    let first = |find: &dyn Fn(&Exchange) -> Option<Value>, what: String| {
        exchanges
            .iter()
            .find_map(find)
            .ok_or_else(|| ExtractionError::NotInResponse { what, responses: responses() })
    };
    match from {
        Extraction::Pointer(place) => first(&|exchange| in_json(exchange, place), format!("`{place}`")),
        Extraction::Date(place) => {
            first(&|exchange| in_json(exchange, place).as_ref().and_then(date), format!("date at `{place}`"))
        }
        Extraction::Status => statuses
            .first()
            .map(|status| Value::from(*status))
            .ok_or_else(|| ExtractionError::NoResponse(responses())),
        Extraction::Header(name) => {
            first(&|exchange| exchange.header(name).map(Value::from), format!("header `{name}`"))
        }
        Extraction::Output(pattern) => {
            first(&|exchange| group(pattern, &exchange.body), format!("text that matches `{pattern}`"))
        }
        Extraction::Count(wanted) => {
            Ok(statuses.iter().filter(|status| wanted.contains(status)).count().into())
        }
    }
}

fn from_process(from: &Extraction, process: &ProcessResult) -> Result<Value, ExtractionError> {
    let json = || {
        serde_json::from_str::<Value>(&process.stdout)
            .map_err(|error| ExtractionError::NotJson(error.to_string()))
    };
    let place = |place: &str| {
        resolve(&json()?, place).cloned().ok_or_else(|| ExtractionError::NotInOutput(place.to_owned()))
    };
    match from {
        Extraction::Pointer(pointer) => place(pointer),
        Extraction::Date(pointer) => {
            date(&place(pointer)?).ok_or_else(|| ExtractionError::NotADate(pointer.clone()))
        }
        Extraction::Output(pattern) => {
            let output = format!("{}{}", process.stdout, process.stderr);
            group(pattern, &output).ok_or_else(|| ExtractionError::NoMatch(pattern.clone()))
        }
        Extraction::Status | Extraction::Header(_) | Extraction::Count(_) => {
            Err(ExtractionError::NotOfCommand)
        }
    }
}

fn from_wire(from: &Extraction, result: &WireResult) -> Result<Value, ExtractionError> {
    let place = match from {
        Extraction::Pointer(place) => place,
        _ => return Err(ExtractionError::NotOfPeer),
    };
    let missing = || ExtractionError::NotLearnt {
        pointer: place.clone(),
        reason: result.not_attempted.clone().unwrap_or_else(|| "the peer did not learn it".to_owned()),
    };
    resolve(&result.json, place).filter(|value| !value.is_null()).cloned().ok_or_else(missing)
}

fn in_json(exchange: &Exchange, place: &str) -> Option<Value> {
    resolve(exchange.json()?, place).cloned()
}

fn date(value: &Value) -> Option<Value> {
    value.as_str().and_then(|text| text.get(..10)).map(Value::from)
}

fn group(pattern: &str, text: &str) -> Option<Value> {
    let captures = Regex::new(pattern).ok()?.captures(text)?;
    captures.get(1).or_else(|| captures.get(0)).map(|group| Value::from(group.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::header::Header;
    use serde_json::json;

    fn response(status: u16, json: &Value) -> Exchange {
        Exchange {
            method: "GET".to_owned(),
            url: "http://target/".to_owned(),
            status,
            headers: vec![Header::new("retry-after", "7")],
            body: json.to_string(),
            ..Exchange::default()
        }
    }

    #[test]
    fn extract_returns_the_value_or_what_is_missing() {
        let one = Evidence::Http(vec![response(201, &json!({"data": {"at": "2026-03-17T10:00:00Z"}}))]);
        let rows = Evidence::Http(vec![response(200, &json!([{"id": 7}]))]);
        let race = Evidence::Http([201, 401, 401].map(|status| response(status, &json!({}))).to_vec());
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
                Err("no `/public_key`: the peer did not learn it"),
            ),
            (Extraction::Pointer("/data/at".into()), &one, Ok(json!("2026-03-17T10:00:00Z"))),
            (Extraction::Date("/data/at".into()), &one, Ok(json!("2026-03-17"))),
            (Extraction::Status, &one, Ok(json!(201))),
            (Extraction::Header("Retry-After".into()), &one, Ok(json!("7"))),
            (Extraction::Pointer("/data/id".into()), &one, Err("no `/data/id`: the response was 201")),
            (Extraction::Pointer("rows/0/id".into()), &rows, Ok(json!(7))),
            (Extraction::Count(vec![401]), &race, Ok(json!(2))),
            (Extraction::Pointer("/machine/id".into()), &process, Ok(json!("m-1"))),
            (Extraction::Output("code: (\\S+)".into()), &process, Ok(json!("ABCD-1234"))),
            (Extraction::Status, &process, Err("a command has no status or headers")),
        ];
        for (from, evidence, wanted) in cases {
            assert_eq!(
                extract(&from, evidence).map_err(|error| error.to_string()),
                wanted.map_err(str::to_owned),
                "{from:?}"
            );
        }
    }
}
