//! `keep`: extracts a value from a step's evidence.

use std::fmt;

use regex::RegexBuilder;
use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange, PageResult, ProcessResult, WireResult};
use crate::check::page;
use crate::check::pointer::{explain_absence, resolve};
use crate::number;
use crate::scenario::model::Extraction;
use crate::text::plain::plain;

/// Bytes shown of a value that could not be kept.
const MAX_SHOWN_LEN: usize = 160;

/// Why a step's evidence lacks a value that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractionError {
    #[error("the step has no evidence to keep a value from")]
    NoEvidence,
    #[error("{0}")]
    NoResponse(Responses),
    /// `found` describes what there is instead, if it is known.
    #[error("no {what}: {responses}{}", .found.as_deref().map(|found| format!("; {found}")).unwrap_or_default())]
    NotInResponse { what: String, responses: Responses, found: Option<String> },
    #[error("standard output is not JSON: {0}")]
    NotJson(String),
    #[error("no `{pointer}` in standard output: {found}")]
    NotInOutput { pointer: String, found: String },
    #[error("`{pointer}` is no date: {value}")]
    NotADate { pointer: String, value: String },
    #[error("no text in the output matches `{pattern}`: {output}")]
    NoMatch { pattern: String, output: String },
    #[error("a command has no status or headers")]
    NotOfCommand,
    #[error("only JSON pointers and `@output` can be kept from a page")]
    NotOfPage,
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
        Evidence::Page(result) => from_page(from, result),
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
        let found = || exchanges.first().map(|exchange| instead(from, exchange));
        exchanges.iter().find_map(find).ok_or_else(|| ExtractionError::NotInResponse {
            what,
            responses: responses(),
            found: found(),
        })
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
            let arrived = |exchange: &Exchange| {
                exchange.arrived.clone().filter(|_| name.eq_ignore_ascii_case("date")).map(Value::from)
            };
            let header = |exchange: &Exchange| exchange.header(name).map(Value::from);
            first(&|exchange| header(exchange).or_else(|| arrived(exchange)), format!("header `{name}`"))
        }
        Extraction::Output(pattern) => {
            first(&|exchange| group(pattern, &exchange.body), format!("text that matches `{pattern}`"))
        }
        Extraction::Count(wanted) => {
            Ok(statuses.iter().filter(|status| wanted.contains(status)).count().into())
        }
    }
}

/// Describes what a response has where a value was to be kept.
fn instead(from: &Extraction, exchange: &Exchange) -> String {
    let body = || shown(&exchange.body);
    match (from, exchange.json()) {
        (Extraction::Pointer(place) | Extraction::Date(place), Some(json)) => match resolve(json, place) {
            Some(value) => format!("`{place}` is {}", shown(&number::json_text(value))),
            None => explain_absence(json, place),
        },
        (Extraction::Pointer(_) | Extraction::Date(_), None) => format!("it is not JSON: {}", body()),
        (Extraction::Output(_), _) => format!("its text is {}", body()),
        _ => {
            let names: Vec<&str> = exchange.headers.iter().map(|header| header.name.as_str()).collect();
            format!("its headers are {}", names.join(", "))
        }
    }
}

/// Returns the first words of a text on one line. Words are never cut: a part of a secret would not be recognised.
fn shown(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > MAX_SHOWN_LEN {
            line.push_str(" …");
            break;
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    match line.trim_start() {
        "" => "empty".to_owned(),
        "…" => format!("{} characters", text.chars().count()),
        line => line.to_owned(),
    }
}

fn from_process(from: &Extraction, process: &ProcessResult) -> Result<Value, ExtractionError> {
    let json = || {
        number::parse(&process.stdout)
            .map_err(|error| ExtractionError::NotJson(format!("{error}: {}", shown(&process.stdout))))
    };
    let place = |place: &str| {
        let json = json()?;
        resolve(&json, place).cloned().ok_or_else(|| ExtractionError::NotInOutput {
            pointer: place.to_owned(),
            found: explain_absence(&json, place),
        })
    };
    match from {
        Extraction::Pointer(pointer) => place(pointer),
        Extraction::Date(pointer) => {
            let value = place(pointer)?;
            date(&value).ok_or_else(|| ExtractionError::NotADate {
                pointer: pointer.clone(),
                value: shown(&number::json_text(&value)),
            })
        }
        Extraction::Output(pattern) => {
            let output = format!("{}{}", plain(&process.stdout), plain(&process.stderr));
            group(pattern, &output)
                .ok_or_else(|| ExtractionError::NoMatch { pattern: pattern.clone(), output: shown(&output) })
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

fn from_page(from: &Extraction, result: &PageResult) -> Result<Value, ExtractionError> {
    match from {
        Extraction::Pointer(place) => {
            let json = page::json(result);
            resolve(&json, place).filter(|value| !value.is_null()).cloned().ok_or_else(|| {
                let reason = result.problem.clone().unwrap_or_else(|| explain_absence(&json, place));
                ExtractionError::NotLearnt { pointer: place.clone(), reason }
            })
        }
        Extraction::Output(pattern) => {
            let text = page::text(result);
            let output = result.problem.as_deref().unwrap_or(&text);
            group(pattern, &text)
                .ok_or_else(|| ExtractionError::NoMatch { pattern: pattern.clone(), output: shown(output) })
        }
        Extraction::Date(_) | Extraction::Status | Extraction::Header(_) | Extraction::Count(_) => {
            Err(ExtractionError::NotOfPage)
        }
    }
}

fn in_json(exchange: &Exchange, place: &str) -> Option<Value> {
    resolve(exchange.json()?, place).cloned()
}

fn date(value: &Value) -> Option<Value> {
    value.as_str().and_then(|text| text.get(..10)).map(Value::from)
}

fn group(pattern: &str, text: &str) -> Option<Value> {
    let captures = RegexBuilder::new(pattern).crlf(true).build().ok()?.captures(text)?;
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

    /// A part of a secret would not be recognised and concealed.
    #[test]
    fn shown_text_is_cut_between_words() {
        let long = "x".repeat(MAX_SHOWN_LEN + 1);
        assert_eq!(shown(&long), format!("{} characters", MAX_SHOWN_LEN + 1));
        assert_eq!(shown(&format!("error: {long}")), "error: …");
        assert_eq!((shown(" \n"), shown("a\n b")), ("empty".to_owned(), "a b".to_owned()));
    }

    #[test]
    fn extract_returns_the_value_or_what_is_missing() {
        let one =
            Evidence::Http(vec![response(201, &json!({"data": {"at": "2026-03-17T10:00:00Z", "n": 17}}))]);
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
            (
                Extraction::Pointer("/data/id".into()),
                &one,
                Err("no `/data/id`: the response was 201; no value (`/data` is an object with keys at, n)"),
            ),
            (Extraction::Pointer("rows/0/id".into()), &rows, Ok(json!(7))),
            (Extraction::Count(vec![401]), &race, Ok(json!(2))),
            (Extraction::Pointer("/machine/id".into()), &process, Ok(json!("m-1"))),
            (Extraction::Output("code: (\\S+)".into()), &process, Ok(json!("ABCD-1234"))),
            (
                Extraction::Date("/data/n".into()),
                &one,
                Err("no date at `/data/n`: the response was 201; `/data/n` is 17"),
            ),
            (
                Extraction::Output("code: (\\d+)".into()),
                &process,
                Err(
                    "no text in the output matches `code: (\\d+)`: {\"machine\":{\"id\":\"m-1\"}}code: ABCD-1234",
                ),
            ),
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

    #[test]
    fn the_kits_clock_stands_in_for_a_missing_date_alone() {
        let at = "Thu, 26 Nov 2026 14:30:00 +0000";
        let date = Extraction::Header("date".into());
        let arrived = Exchange { arrived: Some(at.to_owned()), ..response(201, &json!({})) };
        let of = |from: &Extraction, exchange: &Exchange| {
            extract(from, &Evidence::Http(vec![exchange.clone()])).ok()
        };
        assert_eq!(of(&date, &arrived), Some(json!(at)));
        assert_eq!(of(&Extraction::Header("retry-after-that".into()), &arrived), None);
        let told = Exchange { headers: vec![Header::new("date", "x")], ..arrived };
        assert_eq!(of(&date, &told), Some(json!("x")));
        assert_eq!(of(&date, &response(201, &json!({}))), None);
    }
}
