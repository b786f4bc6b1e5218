//! The `json` report: [`Results`] as they are.

use std::borrow::Cow;

use crate::results::Results;
use harness_model::number;
use harness_model::text::foreign::shown;

pub fn render(results: &Results) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&results.shown()).map(|text| text + "\n")
}

/// Returns JSON indented, and any other text unchanged.
pub(super) fn pretty(body: &str) -> Cow<'_, str> {
    let pretty = number::parse(body).map(|json| number::pretty_text(&json));
    pretty.map_or(Cow::Borrowed(body), |pretty| Cow::Owned(shown(&pretty).into_owned()))
}
