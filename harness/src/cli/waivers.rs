//! Reads a waiver file and prints every mistake in it.

use std::path::Path;
use std::sync::Arc;

use time::Date;

use harness_model::plan::waiver::Waivers;
use harness_model::scenario::Library;
use harness_model::scenario::model::Source;
use harness_model::source::diagnostic::{Sources, render};
use harness_report::exit_code::USAGE;

use super::console::Console;
use super::library::severities;

/// Reads the waivers, of which `today` decides which ones are expired.
///
/// # Errors
/// The exit code, after every mistake was printed.
pub(super) fn read(path: &Path, library: &Library, today: Date, console: &Console) -> Result<Waivers, u8> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        console.complain(&format!("reading waivers {} failed: {error}", path.display()));
        USAGE
    })?;
    let source = Arc::new(Source { path: path.to_owned(), text });
    let scenarios = library.scenarios.iter().map(AsRef::as_ref);
    Waivers::read(&source, &library.registry, scenarios, today).map_err(|diagnostics| {
        let mut sources = Sources::default();
        sources.add(Arc::clone(&source));
        console.show(&render(&diagnostics, &sources, console.colors_errors(), console.width()));
        console.complain(&format!("{}; nothing was run", severities(&diagnostics)));
        USAGE
    })
}
