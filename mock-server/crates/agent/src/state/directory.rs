//! An open state folder. Every file is reached through the folder's descriptor and never through a link, so that nothing
//! that others put in its way is read or written.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::StateError;

/// A larger state file was not written by the agent.
const MAX_FILE_LEN: u64 = 1 << 20;

/// Bytes reserved for a result that is not known yet, well above the length of any state.
const RESERVED_LEN: usize = 16 << 10;

/// Files that only the agent makes: a folder with one of them is a state folder.
const OWN_FILES: [&str; 3] = ["state.lock", "up.lock", "ztna.sock"];

/// What file systems and tools put into a new folder.
const HARMLESS_FILES: [&str; 3] = ["lost+found", ".gitkeep", ".keep"];

/// The last parts of the names of files that those who start the agent write beside its state, such as the installer's
/// up.log.
const HARMLESS_ENDINGS: [&str; 7] = ["log", "out", "err", "stdout", "stderr", "pid", "txt"];

/// The first part of the names of files that are not in place yet.
const TEMPORARY_PREFIX: &str = ".state-";

/// An existing folder of the current user.
#[derive(Debug)]
pub(super) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// A file whose space is allocated, to be filled and put in place later.
#[derive(Debug)]
pub(super) struct ReservedFile {
    file: File,
    name: String,
}

impl Directory {
    /// Opens the folder without changing it; `None` if it does not exist.
    ///
    /// # Errors
    /// If it is a link or no folder, or if others own it or can write to it.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, StateError> {
        refuse_foreign_links(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(no_folder(path)),
            Err(cause) => return Err(failed("open the state folder", path, cause)),
        };
        let found =
            rustix::fs::fstat(&descriptor).map_err(|cause| failed("access the state folder", path, cause))?;
        let (mode, user) = (found.st_mode & 0o777, rustix::process::geteuid().as_raw());
        if found.st_uid != user {
            return Err(StateError::Foreign { path: path.to_owned(), owner: found.st_uid, user });
        }
        if mode & 0o022 != 0 {
            return Err(StateError::Writable { path: path.to_owned(), mode });
        }
        Ok(Some(Self { descriptor, path: path.to_owned() }))
    }

    /// Refuses a folder that holds other files and none of the agent's: it serves another purpose.
    pub(super) fn refuse_other_purposes(&self) -> Result<(), StateError> {
        let names = self.names()?;
        let is_own = |name: &OsString| OWN_FILES.iter().any(|own| name == *own);
        if names.iter().any(is_own) || names.iter().all(|name| is_harmless(name)) {
            return Ok(());
        }
        // A state file that was copied here, without the locks.
        match self.read("state.json")? {
            Some(text) if super::model::is_state(&text) => Ok(()),
            _ => Err(StateError::OtherPurpose { path: self.path.clone() }),
        }
    }

    /// Reads a file; `None` if there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        // Without NONBLOCK a named pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(self.file_error("read", name, cause)),
        };
        let file = self.regular(name, descriptor)?;
        let mut text = Vec::new();
        let failed = |cause| StateError::Io { action: "read", path: self.path.join(name), cause };
        file.take(MAX_FILE_LEN + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_FILE_LEN {
            let cause = "larger than 1 MiB".to_owned();
            return Err(StateError::Corrupt { path: self.path.join(name), cause });
        }
        Ok(Some(text))
    }

    /// Opens a lock file, created if it does not exist.
    pub(super) fn lock_file(&self, name: &str) -> Result<File, StateError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|cause| self.file_error("open", name, cause))?;
        self.regular(name, descriptor)
    }

    /// Replaces a file atomically: after a crash there is the old or the new one.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let file = self.new_file().map_err(|cause| self.write_error(name, cause))?;
        self.persist(&file, name, content)
    }

    /// Allocates the space for a later [`Directory::persist`], so that it does not fail on a full disk.
    pub(super) fn reserve(&self) -> Result<ReservedFile, StateError> {
        let reserved = || -> io::Result<ReservedFile> {
            let mut reserved = self.new_file()?;
            let written = reserved.file.write_all(&[b' '; RESERVED_LEN]);
            if let Err(cause) = written.and_then(|()| reserved.file.sync_all()) {
                self.discard(&reserved);
                return Err(cause);
            }
            Ok(reserved)
        };
        reserved().map_err(|cause| self.write_error("state.json", cause))
    }

    /// Fills a reserved file and puts it in the place of `name`.
    pub(super) fn persist(
        &self,
        reserved: &ReservedFile,
        name: &str,
        content: &[u8],
    ) -> Result<(), StateError> {
        self.put_in_place(reserved, name, content).map_err(|cause| {
            self.discard(reserved);
            self.write_error(name, cause)
        })
    }

    fn put_in_place(&self, reserved: &ReservedFile, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = &reserved.file;
        file.rewind()?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        file.sync_all()?;
        renameat(&self.descriptor, &reserved.name, &self.descriptor, name)?;
        Ok(rustix::fs::fsync(&self.descriptor)?)
    }

    /// Removes temporary files of killed processes. The caller holds the writers' lock.
    pub(super) fn remove_leftovers(&self) -> Result<(), StateError> {
        let names = self.names()?.into_iter().filter_map(|name| name.into_string().ok());
        names.filter(|name| name.starts_with(TEMPORARY_PREFIX)).try_for_each(|name| self.remove(&name))
    }

    pub(super) fn discard(&self, reserved: &ReservedFile) {
        let _ = unlinkat(&self.descriptor, &reserved.name, AtFlags::empty());
    }

    /// Removes a file if it exists.
    pub(super) fn remove(&self, name: &str) -> Result<(), StateError> {
        match unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(self.file_error("remove", name, cause)),
        }
    }

    /// Returns the names of the folder's entries, without `.` and `..`.
    pub(super) fn names(&self) -> Result<Vec<OsString>, StateError> {
        let list = || -> rustix::io::Result<Vec<OsString>> {
            let name = |name: &CStr| OsStr::from_bytes(name.to_bytes()).to_owned();
            let entries = Dir::read_from(&self.descriptor)?;
            let mut names = Vec::new();
            for entry in entries {
                names.push(name(entry?.file_name()));
            }
            names.retain(|name| name != "." && name != "..");
            Ok(names)
        };
        list().map_err(|cause| failed("list the state folder", &self.path, cause))
    }

    fn new_file(&self) -> io::Result<ReservedFile> {
        let name = format!("{TEMPORARY_PREFIX}{}", uuid::Uuid::from_u128(rand::random()).simple());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = openat(&self.descriptor, &name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(ReservedFile { file: descriptor.into(), name })
    }

    fn regular(&self, name: &str, descriptor: OwnedFd) -> Result<File, StateError> {
        let found = rustix::fs::fstat(&descriptor).map_err(|cause| self.file_error("access", name, cause))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(descriptor.into()),
            _ => Err(StateError::NotAFile { path: self.path.join(name) }),
        }
    }

    fn file_error(&self, action: &'static str, name: &str, cause: Errno) -> StateError {
        let path = self.path.join(name);
        match cause {
            // A link with NOFOLLOW; a named pipe without a reader; a folder.
            Errno::LOOP | Errno::NXIO | Errno::ISDIR => StateError::NotAFile { path },
            cause => StateError::Io { action, path, cause: cause.into() },
        }
    }

    fn write_error(&self, name: &str, cause: io::Error) -> StateError {
        StateError::Io { action: "write", path: self.path.join(name), cause }
    }
}

fn is_harmless(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let ending = name.rsplit('.').next().unwrap_or(name);
    HARMLESS_FILES.contains(&name) || HARMLESS_ENDINGS.contains(&ending)
}

/// Refuses a path that leads through another user's link, who could point it elsewhere.
fn refuse_foreign_links(path: &Path) -> Result<(), StateError> {
    let user = rustix::process::geteuid().as_raw();
    for ancestor in path.ancestors().skip(1).filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        let Ok(found) = rustix::fs::lstat(ancestor) else { continue };
        let is_link = FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
        if is_link && found.st_uid != user && found.st_uid != 0 {
            return Err(StateError::Link { path: ancestor.to_owned() });
        }
    }
    Ok(())
}

fn no_folder(path: &Path) -> StateError {
    let path = path.to_owned();
    match std::fs::symlink_metadata(&path) {
        Ok(found) if found.is_symlink() => StateError::Link { path },
        _ => StateError::NotAFolder { path },
    }
}

fn failed(action: &'static str, path: &Path, cause: Errno) -> StateError {
    StateError::Io { action, path: path.to_owned(), cause: cause.into() }
}
