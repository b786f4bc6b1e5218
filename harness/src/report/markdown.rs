//! The `markdown` report, for a pull request or a step's summary.

use crate::report::headline;
use crate::report::results::Results;

/// What GitHub takes as a step's summary, in bytes.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// The report's text, of at most so many bytes.
pub fn render(results: &Results, limit: usize) -> String {
    let text = format!("# {}\n\n{}\n", headline::sentence(results), headline::counts(results));
    text.chars().take(limit).collect()
}
