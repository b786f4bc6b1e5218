//! A TOML document with spans, and readers that collect all errors instead of stopping at the first.

mod diagnostics;
mod json;
mod table;
mod value;

use toml::Spanned;
use toml::de::DeTable;

pub use diagnostics::Diagnostics;
pub use json::json;
pub use table::{Entry, Table};
pub use value::{SpannedText, Value, string};

/// Parses TOML. Returns `None` after a syntax error: a partially recovered document would cause misleading
/// errors about missing keys.
pub fn parse<'i>(text: &'i str, report: &mut Diagnostics) -> Option<Spanned<DeTable<'i>>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(root);
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        report.error(span, format!("invalid TOML: {}", error.message()));
    }
    None
}
