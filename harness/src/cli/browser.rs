//! `--open`: shows a page in the user's browser.

use std::path::Path;

use super::console::Console;

/// Opens a page. That there is no browser changes no exit code.
pub(super) fn open(page: &Path, console: &Console) {
    if let Err(error) = open::that_detached(page) {
        console.warn(&format!("opening {} failed: {error}", page.display()));
    }
}
