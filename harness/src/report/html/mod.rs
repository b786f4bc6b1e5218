//! The `html` report: one page without anything to load.

use crate::report::headline;
use crate::report::results::Results;

/// The report's text.
pub fn render(results: &Results) -> String {
    maud::html! { (maud::DOCTYPE) title { "Conformance" } h1 { (headline::sentence(results)) } }.into_string()
}
