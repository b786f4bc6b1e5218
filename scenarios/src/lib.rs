//! The kit's content, embedded, so that an installed harness needs no checkout.

use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, File, include_dir};

static CONTENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR");

/// Whether a path, relative to this folder, is content rather than the crate that carries it.
fn is_content(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml" || extension == "snap")
        && path != Path::new("Cargo.toml")
}

/// The embedded files, by path relative to the scenarios' folder.
pub fn files() -> Vec<(&'static Path, &'static [u8])> {
    let mut files = Vec::new();
    collect(&CONTENT, &mut files);
    files.sort_by_key(|(path, _)| *path);
    files
}

/// The folder that the files were embedded from, if it is still there: snapshots are accepted into it. An optimised program
/// never looks there: it may be installed, and older than the folder.
pub fn directory() -> Option<&'static Path> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("requirements.toml").is_file().then_some(folder)
}

/// Writes the embedded files below `to`, which is made if it is missing.
///
/// # Errors
/// A folder or file cannot be written; the error names it.
pub fn extract(to: &Path) -> io::Result<()> {
    for (path, content) in files() {
        let target: PathBuf = to.join(path);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", target.display()));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(named)?;
        }
        std::fs::write(&target, content).map_err(named)?;
    }
    Ok(())
}

fn collect(folder: &'static Dir<'static>, files: &mut Vec<(&'static Path, &'static [u8])>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => collect(inner, files),
            DirEntry::File(file) => files.extend(content(file)),
        }
    }
}

fn content(file: &'static File<'static>) -> Option<(&'static Path, &'static [u8])> {
    is_content(file.path()).then(|| (file.path(), file.contents()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extracted_copy_is_the_folder_itself() {
        let folder = tempfile::tempdir().unwrap();
        extract(folder.path()).unwrap();
        let origin = directory().expect("the checkout is there while tests run");
        assert!(!folder.path().join("Cargo.toml").exists());
        for (path, content) in files() {
            assert_eq!(std::fs::read(folder.path().join(path)).unwrap(), content);
            assert_eq!(std::fs::read(origin.join(path)).unwrap(), content);
        }
        assert!(files().iter().any(|(path, _)| *path == Path::new("requirements.toml")));
    }
}
