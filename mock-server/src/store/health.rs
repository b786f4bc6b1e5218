//! Whether the database's file is still the one that was opened, and sound.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{Condition, StoreError};

/// How every database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The health of a store, shared by its threads.
#[derive(Debug)]
pub(super) struct Health {
    /// The file, and its device and inode when it was opened; none in memory.
    file: Option<(PathBuf, (u64, u64))>,
    /// A job met damage. SQLite finds it only where it looks, so what it found counts until the next start.
    damaged: AtomicBool,
}

impl Health {
    pub(super) fn in_memory() -> Self {
        Self { file: None, damaged: AtomicBool::new(false) }
    }

    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = (path.to_owned(), identity(path)?);
        Ok(Self { file: Some(file), damaged: AtomicBool::new(false) })
    }

    /// Returns why the database cannot be used, as far as its file tells without SQLite, whose cache hides it.
    pub(super) fn problem(&self) -> Option<Condition> {
        if self.damaged.load(Ordering::Relaxed) {
            return Some(Condition::Damaged);
        }
        self.moved().or_else(|| {
            let (path, _) = self.file.as_ref()?;
            let mut begin = [0; MAGIC.len()];
            match File::open(path).and_then(|mut file| file.read_exact(&mut begin)) {
                Ok(()) if begin == *MAGIC => None,
                Ok(()) => Some(Condition::Damaged),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some(Condition::Damaged),
                Err(_) => Some(Condition::Failing),
            }
        })
    }

    /// Whether the file is gone or another one stands in its place: what is written would be lost with the last
    /// connection.
    pub(super) fn moved(&self) -> Option<Condition> {
        let (path, opened) = self.file.as_ref()?;
        (identity(path).ok() != Some(*opened)).then_some(Condition::Moved)
    }

    /// Remembers a failure that tells of damage.
    pub(super) fn note(&self, error: &StoreError) {
        if matches!(error, StoreError::Unavailable(Condition::Damaged)) {
            self.damaged.store(true, Ordering::Relaxed);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = path.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}
