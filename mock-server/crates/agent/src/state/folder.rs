//! The state folder on disk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{State, StateError};

/// The state folder, created with mode 0700 when something is first written.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

/// The lock held while `ztna up` runs. The system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct UpLock {
    _file: File,
}

impl StateFolder {
    /// Returns the folder at `path`, which need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state; an empty one if there is none yet.
    pub(crate) fn load(&self) -> Result<State, StateError> {
        if !self.check()? {
            return Ok(State::default());
        }
        let path = self.file();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            Err(cause) => return Err(StateError::Io { action: "read", path, cause }),
        };
        serde_json::from_slice(&text).map_err(|cause| StateError::Corrupt { path, cause: cause.to_string() })
    }

    /// Changes the state under a lock, so that no concurrent change is lost.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        self.create()?;
        let _writer = self.writer()?;
        let mut state = self.load()?;
        change(&mut state);
        self.write(&state)
    }

    /// Replaces the state, even an unreadable one.
    pub(crate) fn replace(&self, state: &State) -> Result<(), StateError> {
        if !self.check()? {
            return Ok(());
        }
        let _writer = self.writer()?;
        self.write(state)
    }

    /// Acquires the lock to run `ztna up` with this folder.
    ///
    /// # Errors
    /// [`StateError::InUse`] while another process holds it.
    pub(crate) fn lock_up(&self) -> Result<UpLock, StateError> {
        self.create()?;
        let file = self.lock_file("up.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(UpLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(cause)) => {
                Err(StateError::Io { action: "lock", path: self.path.join("up.lock"), cause })
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.path.join("state.json")
    }

    fn create(&self) -> Result<(), StateError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(|cause| {
            if cause.kind() == io::ErrorKind::AlreadyExists {
                StateError::NotAFolder { path: self.path.clone() }
            } else {
                self.failed("create the state folder", cause)
            }
        })?;
        self.check().map(drop)
    }

    /// Returns whether the folder exists. Refuses one that another user owns or can write to. Silently removes read
    /// permissions of others, who could not read the files anyway.
    fn check(&self) -> Result<bool, StateError> {
        let found = match fs::metadata(&self.path) {
            Ok(found) => found,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(self.failed("access the state folder", cause)),
        };
        let path = || self.path.clone();
        let (mode, user) = (found.mode() & 0o777, rustix::process::geteuid().as_raw());
        if !found.is_dir() {
            return Err(StateError::NotAFolder { path: path() });
        }
        if found.uid() != user {
            return Err(StateError::Foreign { path: path(), owner: found.uid(), user });
        }
        if mode & 0o022 != 0 {
            return Err(StateError::Writable { path: path(), mode });
        }
        if mode & 0o077 != 0 {
            fs::set_permissions(&self.path, Permissions::from_mode(0o700))
                .map_err(|cause| self.failed("restrict the permissions of the state folder", cause))?;
        }
        Ok(true)
    }

    fn writer(&self) -> Result<File, StateError> {
        let file = self.lock_file("state.lock")?;
        file.lock().map_err(|cause| StateError::Io {
            action: "lock",
            path: self.path.join("state.lock"),
            cause,
        })?;
        Ok(file)
    }

    fn lock_file(&self, name: &str) -> Result<File, StateError> {
        let path = self.path.join(name);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|cause| StateError::Io { action: "open", path, cause })
    }

    fn write(&self, state: &State) -> Result<(), StateError> {
        let path = self.file();
        let written = || -> io::Result<()> {
            // Created with mode 0600, in the same folder: a rename across file systems is not atomic.
            let mut file = tempfile::Builder::new().prefix(".state-").tempfile_in(&self.path)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            File::open(&self.path)?.sync_all()
        };
        written().map_err(|cause| StateError::Io { action: "write", path: self.file(), cause })
    }

    fn failed(&self, action: &'static str, cause: io::Error) -> StateError {
        StateError::Io { action, path: self.path.clone(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, StateFolder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = StateFolder::new(parent.path().join("deep").join("state"));
        (parent, folder)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn files_are_private_to_the_owner() {
        let (_parent, folder) = folder();
        assert!(folder.load().unwrap().server.is_none());
        assert!(!folder.path().exists(), "reading creates nothing");
        folder.update(|state| state.server = Some("http://a".into())).unwrap();
        let _lock = folder.lock_up().unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        for file in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
        assert_eq!(folder.load().unwrap().server.as_deref(), Some("http://a"));
    }

    #[test]
    fn permissions_of_others_are_refused_or_removed() {
        let (_parent, folder) = folder();
        folder.update(|_| ()).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(folder.load(), Err(StateError::Writable { mode: 0o770, .. })));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        folder.load().unwrap();
        assert_eq!(mode(folder.path()), 0o700);
    }

    #[test]
    fn corrupt_state_is_reported_and_can_be_replaced() {
        let (_parent, folder) = folder();
        folder.update(|_| ()).unwrap();
        fs::write(folder.file(), "{\"server\": ").unwrap();
        let message = folder.load().unwrap_err().to_string();
        assert!(message.contains("state.json") && message.contains("ztna logout"), "{message}");
        assert!(matches!(folder.update(|_| ()), Err(StateError::Corrupt { .. })));
        folder.replace(&State::default()).unwrap();
        folder.load().unwrap();
    }

    #[test]
    fn only_one_process_holds_the_up_lock() {
        let (_parent, folder) = folder();
        let held = folder.lock_up().unwrap();
        assert!(matches!(folder.lock_up(), Err(StateError::InUse { .. })));
        drop(held);
        folder.lock_up().unwrap();
    }

    #[test]
    fn path_of_a_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = StateFolder::new(file.path().to_owned());
        assert!(matches!(folder.load(), Err(StateError::NotAFolder { .. })));
        assert!(matches!(folder.lock_up(), Err(StateError::NotAFolder { .. })));
    }
}
