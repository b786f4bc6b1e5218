//! The `json` report: [`Results`] as they are.

use std::borrow::Cow;

use crate::results::Results;

pub fn render(results: &Results) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(results).map(|text| text + "\n")
}

/// Returns JSON indented, and any other text unchanged.
pub(super) fn pretty(body: &str) -> Cow<'_, str> {
    let json = serde_json::from_str::<serde_json::Value>(body).ok();
    let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
    pretty.map_or(Cow::Borrowed(body), Cow::Owned)
}
