//! What can be wrong with the state folder, and the way out.

use std::path::PathBuf;

use thiserror::Error;

/// The state could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    /// Neither `--state-dir`, `XDG_STATE_HOME` nor `HOME` says where the state is.
    #[error("no folder for the agent's state: set --state-dir (or ZTNA_STATE_DIR), XDG_STATE_HOME or HOME")]
    NoPlace,
    /// Something else has the folder's name.
    #[error("{} is not a folder: name another with --state-dir", path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
    },
    /// Others could replace what is in the folder.
    #[error(
        "the state folder {path} can be written by others (mode {mode:03o}); it holds the machine's keys. Run 'chmod 700 {path}' after checking its content, or name another with --state-dir",
        path = path.display()
    )]
    Writable {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The folder is another user's.
    #[error(
        "the state folder {path} belongs to user {owner}, not to the user {user} who runs this. Run as its owner, or name another with --state-dir",
        path = path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who asks.
        user: u32,
    },
    /// The state is no state.
    #[error(
        "the state file {path} cannot be read ({cause}). Run 'ztna logout' to start afresh, or restore the file",
        path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        cause: String,
    },
    /// Another `ztna up` uses the folder.
    #[error(
        "ztna up is already running with the state folder {}. Stop it with 'ztna down', or use another --state-dir",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("cannot {action} {path}: {cause}. {}", way_out(cause), path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
}

fn way_out(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "Free some space, or name another folder with --state-dir"
        }
        _ => "Give this user the right to use it, or name another folder with --state-dir",
    }
}
