use std::path::Path;
use std::sync::Arc;

use harness_model::library::Library;
use harness_model::plan::waiver::Waivers;
use harness_model::source::Source;
use harness_model::source::diagnostic::Sources;
use harness_model::source::unix_lines;
use time::Date;

use super::error::CliError;

/// Reads the waivers; `today` decides which ones are expired.
///
/// # Errors
/// The file is unreadable or has mistakes.
pub(super) fn read(path: &Path, library: &Library, today: Date) -> Result<Waivers, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| CliError::ReadWaivers { path: path.to_owned(), cause })?;
    let source = Arc::new(Source::new(path, unix_lines(text)));
    let scenarios = library.scenarios.iter().map(AsRef::as_ref);
    Waivers::read(&source, &library.registry, scenarios, today).map_err(|diagnostics| {
        let mut sources = Sources::default();
        sources.add(source);
        CliError::nothing_was_run(diagnostics, sources)
    })
}
