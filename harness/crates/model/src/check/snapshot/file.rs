//! Snapshot files: the only place of the checks that touches a disk.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

use super::Mode;

/// The accepted text; none if there is no such file.
///
/// # Errors
/// The file cannot be read as a snapshot: which, why, and what to do.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let start = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("the snapshot {} cannot be read: {error}", path.display())),
    };
    // insta prints about files in its older format; nothing may be printed while a run is shown.
    if !start.starts_with("---\n") {
        let advice = "delete it and run with --accept";
        return Err(format!("{} is not a snapshot in insta's format; {advice}", path.display()));
    }
    let snapshot = insta::Snapshot::from_file(path)
        .map_err(|error| format!("the snapshot {} cannot be read: {error}", path.display()))?;
    Ok(snapshot.as_text().map(ToString::to_string))
}

/// Writes the text as accepted; one that waited for review is settled by it.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn accept(path: &Path, name: &str, text: &str) -> Result<(), String> {
    write(path, path, name, text)?;
    drop_new(path, Mode::Accept);
    Ok(())
}

/// Writes the text beside the snapshot for review.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write_new(path: &Path, name: &str, text: &str) -> Result<(), String> {
    write(&new_path(path), path, name, text)
}

/// Removes a text that waits for review, unless the run is only to look.
pub(super) fn drop_new(path: &Path, mode: Mode) {
    if mode != Mode::Compare {
        // What is not there need not go, and what cannot go is no reason to fail a check that holds.
        let _ = fs::remove_file(new_path(path));
    }
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("snap.new")
}

/// Renamed into place, as another sub-test of the same run may be reading it.
fn write(to: &Path, snapshot: &Path, name: &str, text: &str) -> Result<(), String> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = to.with_extension(format!("{}-{serial}.tmp", process::id()));
    let written = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&temporary, format!("{}{text}\n", header(snapshot, name))))
        .and_then(|()| fs::rename(&temporary, to));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        format!(
            "the snapshot {} cannot be written: {error}; is the scenarios' folder writable?",
            to.display()
        )
    })
}

/// insta's metadata; JSON strings are YAML.
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
