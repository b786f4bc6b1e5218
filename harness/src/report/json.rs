//! The `json` report: [`Results`] as they are.

use crate::report::results::Results;

/// The report's text.
///
/// # Errors
/// None that the types allow; the library's is passed on.
pub fn render(results: &Results) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(results).map(|text| text + "\n")
}
