//! The state folder: what is read, written and locked, and by which commands.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

use super::directory::{Directory, ReservedFile};
use super::{State, StateError};

const STATE_FILE: &str = "state.json";

/// The first part of the names of states that were kept aside.
const KEPT_PREFIX: &str = "state-removed-";

/// The state folder. Reading never creates or changes it: [`StateFolder::lock_up`] and [`StateFolder::update`] create it,
/// with mode 0700.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

/// The lock held while `ztna up` runs. The system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct UpLock {
    _file: File,
}

/// Space in the folder for the result of a registration that was begun; see [`StateFolder::begin`]. It is given back when
/// this value is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    folder: Directory,
    /// `None` once it is used.
    file: Option<ReservedFile>,
}

impl StateFolder {
    /// Returns the folder at `path`, which need not exist.
    pub(crate) fn new(path: &Path) -> Self {
        // Without a trailing slash, which would follow a link.
        Self { path: path.components().collect() }
    }

    /// Returns the path. What is reached through it must be checked first, by [`StateFolder::load`] or
    /// [`StateFolder::check`].
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the folder, if it exists, is this user's state folder.
    pub(crate) fn check(&self) -> Result<(), StateError> {
        self.existing().map(drop)
    }

    /// Reads the state; an empty one if there is none yet.
    pub(crate) fn load(&self) -> Result<State, StateError> {
        match self.existing()? {
            Some(folder) => self.read(&folder),
            None => Ok(State::default()),
        }
    }

    /// Changes the state under a lock, so that no concurrent change is lost. Creates the folder.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        let folder = self.create()?;
        let _writer = writer(&folder, &self.path)?;
        let mut state = self.read(&folder)?;
        change(&mut state);
        if state.is_empty() { folder.remove(STATE_FILE) } else { folder.write(STATE_FILE, &encode(&state)) }
    }

    /// Changes the state before a registration, and reserves the space for its result: what can be registered can be
    /// stored.
    pub(crate) fn begin(&self, change: impl FnOnce(&mut State)) -> Result<Reservation, StateError> {
        let folder = self.create()?;
        {
            let _writer = writer(&folder, &self.path)?;
            folder.remove_leftovers()?;
        }
        let file = folder.reserve()?;
        let reservation = Reservation { folder, file: Some(file) };
        self.update(change)?;
        Ok(reservation)
    }

    /// Changes the state after a registration, in the reserved space.
    pub(crate) fn complete(
        &self,
        mut reservation: Reservation,
        change: impl FnOnce(&mut State),
    ) -> Result<(), StateError> {
        let Reservation { folder, file } = &mut reservation;
        let _writer = writer(folder, &self.path)?;
        let mut state = self.read(folder)?;
        change(&mut state);
        match file.take() {
            Some(file) => folder.persist(&file, STATE_FILE, &encode(&state)),
            None => folder.write(STATE_FILE, &encode(&state)),
        }
    }

    /// Stores a copy of the state beside it and returns the copy's path.
    pub(crate) fn keep_aside(&self, state: &State, now: OffsetDateTime) -> Result<PathBuf, StateError> {
        let folder = self.create()?;
        let time = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"));
        let name = format!("{KEPT_PREFIX}{}.json", time.unwrap_or_default());
        folder.write(&name, &encode(state))?;
        Ok(self.path.join(name))
    }

    /// Replaces an existing state, even an unreadable one, and removes those that were kept aside.
    pub(crate) fn reset(&self, state: &State) -> Result<(), StateError> {
        let Some(folder) = self.existing()? else { return Ok(()) };
        let kept = folder.names()?.into_iter().filter_map(|name| name.into_string().ok());
        for name in kept.filter(|name| name.starts_with(KEPT_PREFIX)) {
            folder.remove(&name)?;
        }
        if !folder.names()?.iter().any(|name| name == STATE_FILE) {
            return Ok(());
        }
        let _writer = writer(&folder, &self.path)?;
        folder.write(STATE_FILE, &encode(state))
    }

    /// Acquires the lock to run `ztna up` with this folder. Creates the folder.
    ///
    /// # Errors
    /// [`StateError::InUse`] while another process holds it.
    pub(crate) fn lock_up(&self) -> Result<UpLock, StateError> {
        let file = self.create()?.lock_file("up.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(UpLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(cause)) => {
                Err(StateError::Io { action: "lock", path: self.path.join("up.lock"), cause })
            }
        }
    }

    fn existing(&self) -> Result<Option<Directory>, StateError> {
        let Some(folder) = Directory::open(&self.path)? else { return Ok(None) };
        folder.refuse_other_purposes()?;
        Ok(Some(folder))
    }

    fn create(&self) -> Result<Directory, StateError> {
        if let Some(folder) = self.existing()? {
            return Ok(folder);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(|cause| {
            match cause.kind() {
                io::ErrorKind::AlreadyExists => StateError::NotAFolder { path: self.path.clone() },
                _ => StateError::Io { action: "create the state folder", path: self.path.clone(), cause },
            }
        })?;
        self.existing()?.ok_or_else(|| StateError::NotAFolder { path: self.path.clone() })
    }

    fn read(&self, folder: &Directory) -> Result<State, StateError> {
        let Some(text) = folder.read(STATE_FILE)? else { return Ok(State::default()) };
        let corrupt = |cause: serde_json::Error| StateError::Corrupt {
            path: self.path.join(STATE_FILE),
            cause: cause.to_string(),
        };
        State::parse(&text).map_err(corrupt)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            self.folder.discard(file);
        }
    }
}

/// Waits for the lock that serialises writers.
fn writer(folder: &Directory, path: &Path) -> Result<File, StateError> {
    let file = folder.lock_file("state.lock")?;
    let failed = |cause| StateError::Io { action: "lock", path: path.join("state.lock"), cause };
    file.lock().map_err(failed)?;
    Ok(file)
}

fn encode(state: &State) -> Vec<u8> {
    // Only text, numbers and times before the year 10000, which all have a representation in JSON.
    let mut text = serde_json::to_vec_pretty(state).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests;
