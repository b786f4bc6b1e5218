//! Where a shell would find a program.

use std::path::{Path, PathBuf};

/// Returns the file of that name in the first folder of `PATH` that has one.
pub fn find_in_path(program: impl AsRef<Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program.as_ref())).find(|file| file.is_file())
}
