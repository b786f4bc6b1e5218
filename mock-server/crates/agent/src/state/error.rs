//! Errors of the state folder, each with a way to fix it.

use std::path::PathBuf;

use thiserror::Error;

/// The state could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    /// Neither `--state-dir`, `XDG_STATE_HOME` nor `HOME` is set.
    #[error("no folder for the agent's state: set --state-dir (or ZTNA_STATE_DIR), XDG_STATE_HOME or HOME")]
    NoFolder,
    /// The path exists but is not a folder.
    #[error("{} is not a folder: name another with --state-dir", path.display())]
    NotAFolder { path: PathBuf },
    /// The folder serves another purpose, such as /etc.
    #[error(
        "{path} is not a state folder: it holds other files and none of the agent's. Name another with --state-dir",
        path = path.display()
    )]
    OtherPurpose { path: PathBuf },
    /// The path is a link, or leads through another user's link.
    #[error(
        "{path} is a link, which could lead elsewhere: name the folder itself with --state-dir",
        path = path.display()
    )]
    Link { path: PathBuf },
    /// A link, folder or pipe is in the place of one of the agent's files.
    #[error(
        "{path} is not a regular file. Remove it, or name another folder with --state-dir",
        path = path.display()
    )]
    NotAFile { path: PathBuf },
    /// Other users could replace the folder's content.
    #[error(
        "the state folder {path} can be written by others (mode {mode:03o}); it holds the machine's keys. Run 'chmod 700 {path}' after checking its content, or name another with --state-dir",
        path = path.display()
    )]
    Writable { path: PathBuf, mode: u32 },
    /// Another user owns the folder.
    #[error(
        "the state folder {path} belongs to user {owner}, not to the current user {user}. Run as its owner, or name another with --state-dir",
        path = path.display()
    )]
    Foreign {
        path: PathBuf,
        owner: u32,
        /// The user who runs the command.
        user: u32,
    },
    /// The state file is invalid.
    #[error(
        "the state file {path} cannot be read ({cause}). Run 'ztna logout' to reset the state, or restore the file",
        path = path.display()
    )]
    Corrupt {
        path: PathBuf,
        /// The parser's message with its position.
        cause: String,
    },
    /// Another `ztna up` uses the folder.
    #[error(
        "'ztna up' is already running with the state folder {}. Stop it with 'ztna down', or use another --state-dir",
        path.display()
    )]
    InUse { path: PathBuf },
    /// A file system operation failed.
    #[error("cannot {action} {path}: {cause}. {}", way_out(cause), path = path.display())]
    Io { action: &'static str, path: PathBuf, cause: std::io::Error },
}

fn way_out(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "Free some space, or name another folder with --state-dir"
        }
        _ => "Give this user the right to use it, or name another folder with --state-dir",
    }
}
