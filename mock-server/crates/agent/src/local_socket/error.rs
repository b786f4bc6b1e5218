//! Errors of requests to the running `ztna up`.

use std::io;
use std::path::Path;

use thiserror::Error;

/// The running `ztna up` does not answer.
#[derive(Debug, Error)]
#[error(
    "the running 'ztna up' of the state folder {folder} does not answer: {cause}. Stop its process, then try again"
)]
pub(crate) struct SocketError {
    folder: String,
    cause: io::Error,
}

impl SocketError {
    pub(super) fn new(folder: &Path, cause: io::Error) -> Self {
        Self { folder: folder.display().to_string(), cause }
    }
}

/// A request that needs the tunnel of the running `ztna up` failed.
#[derive(Debug, Error)]
pub(crate) enum TunnelRequestError {
    /// No `ztna up` is running, so there is no tunnel.
    #[error("QuickZTNA is not running. Run 'ztna up' first")]
    NotRunning,
    /// The running `ztna up` reports this reason.
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Socket(#[from] SocketError),
}
