//! Where the bytes of a report go. A regular file is replaced at once, by renaming a new one over it; its links, mode and
//! owner stay. Everything else is written through: pipes, devices, and the standard streams of this process.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, OFlags, access, fchown, fcntl_getfl, fcntl_setfl};
use rustix::process::{Gid, Uid};
use tempfile::NamedTempFile;

/// How many links may lead to a file, as in the kernel.
const MAX_LINKS: usize = 40;
/// How long a pipe may have no reader before writing to it fails.
const READER_TIMEOUT: Duration = Duration::from_secs(10);
const READER_INTERVAL: Duration = Duration::from_millis(20);

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Place {
    /// A regular file, or one that does not exist yet; no part of the path is a link.
    File(PathBuf),
    /// A pipe or a device.
    Stream(PathBuf),
    /// An open file of this process, whose position moves with what is written.
    Descriptor(File),
}

impl Place {
    /// Follows the links of a path.
    ///
    /// # Errors
    /// It leads to a folder or a socket, in a circle, or through something that is not a folder.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_LINKS {
            let whole = absolute(&path)?;
            if let Some(stream) = standard_stream(&whole)? {
                return Ok(Self::Descriptor(stream));
            }
            let found = match whole.symlink_metadata() {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::File(whole)),
                Err(error) => return Err(error),
            };
            let kind = found.file_type();
            if is_descriptor(&whole) {
                return Ok(Self::Stream(whole));
            } else if kind.is_symlink() {
                let target = fs::read_link(&whole)?;
                path = whole.parent().unwrap_or(&whole).join(target);
            } else if kind.is_dir() {
                return Err(io::Error::other("is a directory"));
            } else if kind.is_socket() {
                return Err(io::Error::other("is a socket"));
            } else if kind.is_file() {
                return Ok(Self::File(whole));
            } else {
                return Ok(Self::Stream(whole));
            }
        }
        Err(io::Error::other("too many links"))
    }

    /// Creates the folder, and checks that the report can be written. Nothing is opened that somebody might notice.
    pub(super) fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Descriptor(_) => Ok(()),
            Self::Stream(path) => Ok(access(path, Access::WRITE_OK)?),
            Self::File(path) => {
                if path.exists() {
                    access(path, Access::WRITE_OK)?;
                    // Otherwise the file is written in place.
                    return Ok(());
                }
                fs::create_dir_all(folder(path))?;
                NamedTempFile::new_in(folder(path)).map(drop)
            }
        }
    }

    /// Writes the whole content.
    pub(super) fn write(self, content: &mut File) -> io::Result<()> {
        match self {
            Self::Descriptor(mut stream) => io::copy(content, &mut stream).map(drop),
            Self::Stream(path) => io::copy(content, &mut open_stream(&path)?).map(drop),
            Self::File(path) => match path.symlink_metadata() {
                // A name among several: the others would keep the old content.
                Ok(found) if found.nlink() > 1 => overwrite(&path, content),
                Ok(found) => replace(&path, Some(&found), content),
                Err(_) => replace(&path, None, content),
            },
        }
    }
}

/// Writes a new file and renames it over the old one, whose mode and owner it takes.
fn replace(path: &Path, old: Option<&Metadata>, content: &mut File) -> io::Result<()> {
    let mode = old.map_or(0o666, |old| old.permissions().mode() & 0o7777);
    // The permissions of a new file are those that the process's mask leaves.
    let builder =
        tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder(path));
    let mut file = match (builder, old) {
        (Ok(file), _) => file,
        // The file is writable, its folder is not.
        (Err(_), Some(_)) => return overwrite(path, content),
        (Err(error), None) => return Err(error),
    };
    io::copy(content, file.as_file_mut())?;
    if let Some(old) = old {
        // Only the superuser can keep a foreign owner.
        let _ = fchown(file.as_file(), Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid())));
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn overwrite(path: &Path, content: &mut File) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    io::copy(content, &mut file).map(drop)
}

/// Opens a pipe or a device. Opening a pipe without a reader would wait for ever, so it is tried for a while.
fn open_stream(path: &Path) -> io::Result<File> {
    let found = path.metadata()?;
    if found.is_file() {
        return OpenOptions::new().append(true).open(path);
    }
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let begun = Instant::now();
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            Ok(file) => {
                fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                if begun.elapsed() > READER_TIMEOUT {
                    return Err(io::Error::other("no process reads the pipe"));
                }
                std::thread::sleep(READER_INTERVAL);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns the path with all links in its folder followed.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("is a directory"))?;
    match folder(path).canonicalize() {
        Ok(folder) => Ok(folder.join(name)),
        // It is created before the report is written.
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path),
        Err(error) => Err(error),
    }
}

/// Returns standard output or standard error if the path is one of their names. What is written to it moves the position
/// of the stream, so that later output does not overwrite it.
fn standard_stream(path: &Path) -> io::Result<Option<File>> {
    if !is_descriptor(path) {
        return Ok(None);
    }
    Ok(match path.file_name().and_then(|name| name.to_str()) {
        Some("1") => Some(io::stdout().as_fd().try_clone_to_owned()?.into()),
        Some("2") => Some(io::stderr().as_fd().try_clone_to_owned()?.into()),
        _ => None,
    })
}

/// Whether the path names an open file of this process, as `/dev/stdout` does.
fn is_descriptor(path: &Path) -> bool {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let folder = folder(path);
    folder.starts_with(own) && folder.ends_with("fd")
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::unix::fs::symlink;

    use super::*;

    fn content(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        file
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let place = Place::of(path)?;
        place.prepare()?;
        Place::of(path)?.write(&mut content(text))
    }

    #[test]
    fn links_and_modes_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("old")).unwrap();
        fs::write(at("old/run.json"), "old").unwrap();
        fs::set_permissions(at("old/run.json"), Permissions::from_mode(0o640)).unwrap();
        symlink("old/run.json", at("latest")).unwrap();
        symlink("latest", at("latest-again")).unwrap();
        symlink("old", at("here")).unwrap();
        symlink("new.json", at("dangling")).unwrap();
        fs::hard_link(at("old/run.json"), at("other-name")).unwrap();
        for (path, real) in [
            ("latest", "old/run.json"),
            ("latest-again", "old/run.json"),
            ("here/run.json", "old/run.json"),
            ("other-name", "old/run.json"),
            ("dangling", "new.json"),
            ("deep/er/new.json", "deep/er/new.json"),
        ] {
            write(&at(path), path).unwrap();
            assert_eq!(fs::read_to_string(at(real)).unwrap(), path);
        }
        assert_eq!(fs::metadata(at("old/run.json")).unwrap().permissions().mode() & 0o777, 0o640);
        for link in ["latest", "latest-again", "dangling"] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        }
        assert_eq!(fs::read_to_string(at("other-name")).unwrap(), "other-name");
        // A report that replaces nothing has the mode of any new file.
        fs::remove_file(at("other-name")).unwrap();
        write(&at("old/run.json"), "alone").unwrap();
        assert_eq!(fs::metadata(at("old/run.json")).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_is_no_file_is_refused_or_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("circle", at("circle")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("file"), "").unwrap();
        for path in ["circle", "folder", "file/below"] {
            assert!(write(&at(path), "").is_err(), "{path}");
        }
        write(Path::new("/dev/null"), "gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        symlink("/dev/full", at("full")).unwrap();
        assert_eq!(write(&at("full"), "x").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(fs::symlink_metadata(at("full")).unwrap().is_symlink());
        assert!(matches!(Place::of(Path::new("/dev/stdout")).unwrap(), Place::Descriptor(_)));
        symlink("/dev/fd/2", at("errors")).unwrap();
        assert!(matches!(Place::of(&at("errors")).unwrap(), Place::Descriptor(_)));
    }

    #[test]
    fn a_pipe_gets_the_whole_report() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let text = "report ".repeat(20_000);
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                std::thread::sleep(Duration::from_millis(100));
                let mut read = String::new();
                File::open(pipe).unwrap().read_to_string(&mut read).map(|_| read)
            }
        });
        write(&pipe, &text).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), text);
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
