//! The `badge` report: the JSON that a shields.io endpoint badge reads.

use serde_json::json;

use crate::exit_code::Verdict;
use crate::headline;
use crate::level;
use crate::results::Results;

pub fn render(results: &Results) -> String {
    let results = &results.shown();
    let color = match results.verdict {
        Verdict::Conformant => "brightgreen",
        Verdict::Passed if results.extent.waivers > 0 => "yellow",
        // Nobody should take a part for the whole.
        Verdict::Passed if results.extent.selection || results.extent.deviating => "blue",
        Verdict::Passed => "green",
        Verdict::NonConformant | Verdict::StaleWaiver | Verdict::Worse => "red",
        _ => "lightgrey",
    };
    let claimed = level::claimed(&results.levels);
    let levels = if claimed.is_empty() { String::new() } else { format!("; levels {}", claimed.join(" ")) };
    let badge = json!({
        "schemaVersion": 1,
        "label": "conformance",
        "message": format!("{}{levels}", headline::badge(results)),
        "color": color,
        "isError": results.exit_code != 0,
    });
    format!("{badge:#}\n")
}
