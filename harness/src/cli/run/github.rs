//! GitHub Actions: annotations and the step summary.

use std::io::Write as _;
use std::path::Path;

use crate::cli::console::Console;
use harness_report::annotation::annotations;
use harness_report::markdown;
use harness_report::results::Results;

/// Whether the program runs in GitHub Actions.
pub(in crate::cli) fn is_active() -> bool {
    std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true")
}

/// Prints annotations and appends to the step summary.
pub(in crate::cli) fn annotate(results: &Results, console: &Console) {
    let here = std::env::current_dir().unwrap_or_default();
    let root = std::env::var_os("GITHUB_WORKSPACE").map_or_else(|| here.clone(), Into::into);
    for annotation in annotations(results, &root, &here) {
        console.print_verbatim(&(annotation + "\n"));
    }
    let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    if let Err(error) = add(results, Path::new(&summary)) {
        console.warn(&format!("writing step summary {} failed: {error}", summary.display()));
    }
}

/// Appends to the summary. The size limit includes what other commands of the step have written.
fn add(results: &Results, summary: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(summary)?;
    let used = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let text = markdown::render(results, markdown::SUMMARY_LIMIT.saturating_sub(used));
    file.write_all(text.as_bytes())
}
