//! The `badge` report: the JSON that a shields.io endpoint badge reads.

use serde_json::json;

use crate::exit_code::Verdict;
use crate::headline;
use crate::results::Results;

pub fn render(results: &Results) -> String {
    let color = match (results.verdict, headline::count(&results.totals.subtests, "waived")) {
        (Verdict::Conformant, 0) => "brightgreen",
        (Verdict::Conformant, _) => "yellowgreen",
        (Verdict::NonConformant | Verdict::StaleWaiver | Verdict::Worse, _) => "red",
        _ => "lightgrey",
    };
    let badge = json!({
        "schemaVersion": 1,
        "label": "conformance",
        "message": headline::badge(results),
        "color": color,
        "isError": results.exit_code != 0,
    });
    format!("{badge:#}\n")
}
