//! A request, read.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::answer::Answer;

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) bearer: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// None if the body is not a JSON object.
    pub(crate) body: Option<Map<String, Value>>,
    /// The peer's address.
    pub(crate) address: IpAddr,
}

impl Request {
    pub(super) fn field(&self, field: &str) -> Option<&Value> {
        self.body.as_ref()?.get(field)
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.field(field)?.as_str()
    }

    /// A text that is not empty.
    pub(super) fn required(&self, field: &str) -> Result<String, Answer> {
        let given = self.text(field).filter(|text| !text.is_empty());
        given
            .map(str::to_owned)
            .ok_or_else(|| Answer::refusal(400, "MISSING_FIELDS", &format!("{field} required")))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the agent asks for lines instead of JSON.
    pub(super) fn wants_lines(&self) -> bool {
        self.header("accept") == Some("text/plain")
    }

    /// Whether the agent asks for rows without an envelope, to show them.
    pub(super) fn wants_bare_rows(&self) -> bool {
        self.header("accept").is_some_and(|accepted| accepted.ends_with("rows=bare"))
    }
}
