//! Reads and writes snapshot files. The rest of the checks does no I/O.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

use crate::check::context::SnapshotMode;

/// A snapshot file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error("cannot read snapshot {}: {cause}", path.display())]
    Read { path: PathBuf, cause: Box<dyn std::error::Error> },
    #[error("{} is not a snapshot in insta's format; delete it: `harness --accept` writes it again", path.display())]
    Format { path: PathBuf },
    #[error("cannot write snapshot {}: {cause}; check that the folder is writable", path.display())]
    Write { path: PathBuf, cause: io::Error },
}

/// Returns the accepted text, or `None` if there is no such file.
///
/// # Errors
/// The file cannot be read or is not a snapshot.
pub(super) fn read(path: &Path) -> Result<Option<String>, SnapshotError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    // insta prints a warning about files in its older format, which would disturb the progress display.
    if !is_snapshot(&text) {
        return Err(SnapshotError::Format { path: path.to_owned() });
    }
    let snapshot = insta::Snapshot::from_file(path).map_err(|error| unreadable(path, error))?;
    Ok(snapshot.as_text().map(|text| text.to_string().replace("\r\n", "\n")))
}

/// Returns why a snapshot cannot be compared, read or replaced: it is not a file of its own. A file that does not exist
/// is no problem.
pub(crate) fn problem(folder: &Path, name: &str) -> Option<String> {
    let kind = |path: &Path| fs::symlink_metadata(path).ok().map(|found| found.file_type());
    match kind(folder) {
        None => return None,
        Some(kind) if kind.is_symlink() => return Some("its folder is a symbolic link".to_owned()),
        Some(kind) if !kind.is_dir() => return Some("its folder is not a folder".to_owned()),
        Some(_) => {}
    }
    let path = folder.join(format!("{name}.snap"));
    match kind(&path)? {
        kind if kind.is_symlink() => Some("it is a symbolic link".to_owned()),
        kind if !kind.is_file() => Some("it is not a file".to_owned()),
        _ => match read(&path) {
            Ok(_) => None,
            Err(SnapshotError::Format { .. }) => Some("it is not in insta's format".to_owned()),
            Err(SnapshotError::Read { cause, .. }) => Some(format!("it cannot be read: {cause}")),
            Err(error) => Some(error.to_string()),
        },
    }
}

fn is_snapshot(text: &str) -> bool {
    text.starts_with("---\n") || text.starts_with("---\r\n")
}

/// Writes an accepted snapshot and removes any `.snap.new` file.
pub(super) fn accept(path: &Path, name: &str, text: &str) -> Result<(), SnapshotError> {
    write(path, path, name, text)?;
    remove_new(path, SnapshotMode::Accept);
    Ok(())
}

/// Writes a `.snap.new` file next to the snapshot, for review.
pub(super) fn write_new(path: &Path, name: &str, text: &str) -> Result<(), SnapshotError> {
    write(&new_path(path), path, name, text)
}

/// Removes the `.snap.new` file, except in mode `Compare`, which writes nothing.
pub(super) fn remove_new(path: &Path, mode: SnapshotMode) {
    if mode != SnapshotMode::Compare {
        // The file may not exist, and a leftover file must not fail a check that passed.
        let _ = fs::remove_file(new_path(path));
    }
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("snap.new")
}

/// Writes atomically by renaming, because another sub-test may be reading the file.
fn write(to: &Path, snapshot: &Path, name: &str, text: &str) -> Result<(), SnapshotError> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = to.with_extension(format!("{}-{serial}.tmp", process::id()));
    let result = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&temporary, format!("{}{text}\n", header(snapshot, name))))
        .and_then(|()| fs::rename(&temporary, to));
    result.map_err(|cause| {
        let _ = fs::remove_file(&temporary);
        SnapshotError::Write { path: to.to_owned(), cause }
    })
}

fn unreadable(path: &Path, cause: impl Into<Box<dyn std::error::Error>>) -> SnapshotError {
    SnapshotError::Read { path: path.to_owned(), cause: cause.into() }
}

/// Returns insta's metadata. JSON strings are valid YAML.
fn header(snapshot: &Path, name: &str) -> String {
    let source = snapshot.parent().unwrap_or(snapshot).with_extension("toml");
    let parts: Vec<Component<'_>> = source.components().collect();
    let start = parts
        .iter()
        .rposition(|part| part.as_os_str() == "scenarios")
        .unwrap_or(parts.len().saturating_sub(1));
    let source: PathBuf = parts.into_iter().skip(start).collect();
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    format!("---\nsource: {}\nexpression: {}\n---\n", quoted(&source.to_string_lossy()), quoted(name))
}
