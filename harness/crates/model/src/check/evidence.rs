//! The evidence of a step: what its checks evaluate, and what bundles store.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::duplicate;
use super::header::Header;
use crate::nanoseconds;
use crate::number;

/// The evidence of one execution of a step.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<Exchange>),
    Process(ProcessResult),
    /// The result of the kit's own WireGuard peer.
    Wire(WireResult),
    /// What the kit's browser saw of the dashboard.
    Page(Box<PageResult>),
    /// The step has no evidence.
    Nothing,
}

/// A request and its response. It may contain secrets, which are redacted where it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    pub method: String,
    pub url: String,
    /// In order.
    pub request_headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    pub status: u16,
    pub headers: Vec<Header>,
    /// When the response arrived by the kit's clock, in the form of a `Date` header: only if it has none, and the target's
    /// clock is never moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<String>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Whether the body's bytes were not JSON although its text is, because they were not UTF-8.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_json: bool,
    /// From the first byte sent to the last received.
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
    #[serde(skip)]
    pub parsed: ParsedBody,
}

/// The body as JSON, parsed when it is first needed. It follows from the exchange's other fields: comparisons ignore it, and
/// a clone parses again.
#[derive(Debug, Default)]
pub struct ParsedBody {
    json: OnceLock<Option<Value>>,
    repeated_members: OnceLock<Vec<String>>,
}

/// The result of a command of the agent, or of a `shell` step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessResult {
    /// The command line as a person would type it.
    pub command: String,
    /// Whether it is the line of a `shell` step.
    pub shell: bool,
    /// The exit code; `None` while it runs, or if a signal ended it.
    pub exit: Option<i32>,
    /// Whether it is still running in the background.
    pub running: bool,
    /// Whether the process that an earlier step left running on the machine has ended by itself; `None` if nothing was
    /// running, or if no check asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<bool>,
    pub stdout: String,
    pub stderr: String,
    /// What the kit waited for in vain before it ended the process: `waited 20s for a line with “x”`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by_kit: Option<String>,
    /// Its requests as `METHOD /path?query`, if the machine is observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<String>>,
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
}

/// The result of the kit's own WireGuard peer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireResult {
    /// What it did, such as `Probe: ping Linux-C`.
    pub command: String,
    /// When the handshake was completed, from the beginning.
    #[serde(default, rename = "handshake_ns", with = "nanoseconds::option")]
    pub handshake: Option<Duration>,
    /// The round-trip time of the first ping that was answered from the machine's own address through the tunnel.
    #[serde(default, rename = "pong_ns", with = "nanoseconds::option")]
    pub pong: Option<Duration>,
    /// Why the peer could not try. Without an attempt, silence says nothing about the machine.
    #[serde(default, rename = "untried", skip_serializing_if = "Option::is_none")]
    pub not_attempted: Option<String>,
    /// The observations for JSON pointers: addresses, times, the number of rejected packets.
    pub json: Value,
    /// The transcript, without keys.
    pub seen: Vec<String>,
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
}

/// What the kit's browser saw of the dashboard after the acts of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageResult {
    /// What was done, such as `admin: open /api-keys, click “Create API Key”`.
    pub command: String,
    /// Why not everything could be done, with what is there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The page's path and query.
    pub path: String,
    pub title: String,
    /// The accessible tree, in the order of the document.
    pub nodes: Vec<PageNode>,
    /// The requests that the page made during the step, in order.
    pub requests: Vec<PageRequest>,
    /// What the page keeps in Local Storage.
    pub storage: BTreeMap<String, String>,
    /// What the page printed on the console, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
    /// The target's own words for those of the documents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, String>,
    /// When the page was read, in the form of a `Date` header.
    pub at: String,
    /// A picture of the page (PNG, Base64), if the step failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(rename = "took_ns", with = "nanoseconds")]
    pub took: Duration,
}

/// An element or a text of a page, as assistive technology finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageNode {
    /// How many of the elements before it contain it.
    pub depth: usize,
    pub role: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What a field contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Such as `checked` or `disabled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
}

/// A request of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    pub method: String,
    /// The path and query on the dashboard's own host, otherwise the whole URL.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `None` if no response arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Exchange {
    /// Returns the first response header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value.as_str())
    }

    /// Returns the body as JSON, if it is JSON.
    pub fn json(&self) -> Option<&Value> {
        let parse = || if self.not_json { None } else { number::parse(&self.body).ok() };
        self.parsed.json.get_or_init(parse).as_ref()
    }

    /// Returns a note on each member that an object of the body has twice.
    pub(super) fn repeated_members(&self) -> &[String] {
        self.parsed.repeated_members.get_or_init(|| duplicate::notes(&self.body, self.json()))
    }

    /// Returns the code of a refusal for a message, wherever implementations usually have it. Checks read it where the
    /// target's profile says.
    pub fn refusal_code(&self) -> Option<&str> {
        let json = self.json()?;
        json.pointer("/error/code").or_else(|| json.get("code"))?.as_str()
    }

    /// Replaces the body by this JSON.
    pub fn set_json(&mut self, json: &Value) {
        self.body = number::json_text(json);
        self.not_json = false;
        self.parsed = ParsedBody::default();
    }
}

impl Clone for ParsedBody {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for ParsedBody {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies_are_parsed_unless_their_bytes_were_not_json() {
        let mut exchange = Exchange { body: r#"{"a":"�"}"#.to_owned(), ..Exchange::default() };
        assert_eq!(exchange.json(), Some(&json!({ "a": "\u{fffd}" })));
        exchange.set_json(&json!([1]));
        assert_eq!(exchange.json(), Some(&json!([1])));
        let binary = Exchange { not_json: true, ..exchange.clone() };
        let stored: Exchange = serde_json::from_str(&serde_json::to_string(&binary).unwrap()).unwrap();
        assert_eq!(stored, binary);
        assert_eq!(stored.json(), None);
    }
}
