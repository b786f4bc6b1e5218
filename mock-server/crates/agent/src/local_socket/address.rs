//! The path of the socket.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const NAME: &str = "ztna.sock";

/// `sun_path` holds 108 bytes on Linux and 104 elsewhere, including the final NUL.
const MAX_PATH_LEN: usize = 100;

/// A path to the socket of a folder that fits into a socket address.
#[derive(Debug)]
pub(super) struct SocketAddress {
    path: PathBuf,
    _folder: Option<File>,
}

impl SocketAddress {
    /// Returns the address of the socket in `folder`, valid while this value lives: a folder with a long path is
    /// accessed through an open descriptor.
    pub(super) fn within(folder: &Path) -> io::Result<Self> {
        let direct = folder.join(NAME);
        if direct.as_os_str().as_bytes().len() <= MAX_PATH_LEN {
            return Ok(Self { path: direct, _folder: None });
        }
        let folder = File::open(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(NAME);
        Ok(Self { path, _folder: Some(folder) })
    }

    /// Returns the path to bind or connect to.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
