//! What can be wrong with an archive.

use std::io;

/// The file is not a complete zip archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    #[error("not a zip archive")]
    NotAnArchive,
    #[error("truncated zip archive: its end is missing")]
    Truncated,
    #[error("invalid zip archive: {0} files")]
    TooManyMembers(usize),
    #[error("invalid zip archive: truncated central directory")]
    TruncatedDirectory,
    #[error("invalid zip archive: a file name is not valid UTF-8")]
    NameNotUtf8,
    #[error("invalid zip archive: a file name is too long")]
    NameTooLong,
    #[error("invalid zip archive: “{}” uses the unsupported compression method {method}", name.escape_debug())]
    UnsupportedMethod { name: String, method: u16 },
}

/// The first byte outside the members' contents that is not the canonical one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    #[error("the header of “{}” at byte {position} is not canonical", name.escape_debug())]
    Header { name: String, position: u64 },
    #[error("the central directory at byte {position} is not canonical")]
    Directory { position: u64 },
    #[error("{count} bytes follow the end of the archive")]
    TrailingBytes { count: u64 },
    #[error("the end record is not canonical")]
    EndRecord,
    #[error("it exceeds 4 GiB")]
    TooLong,
}
