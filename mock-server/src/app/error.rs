//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::store::StoreError;

/// Why a server does not start; the words say what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; {}", hint(source))]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fixture cannot be read.
    #[error("cannot read the fixture {}: {source}", path.display())]
    FixtureFile {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The fixture says something that cannot be.
    #[error("{origin}: {reason}")]
    Fixture {
        /// The file, or "the built-in fixture".
        origin: String,
        /// What is wrong and where.
        reason: String,
    },
    /// The ready file cannot be written.
    #[error("cannot write the ready file {}: {source}", path.display())]
    ReadyFile {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The agent's program is no file.
    #[error("cannot serve the agent {}: {source}; name another program with --agent", path.display())]
    AgentProgram {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system has no threads, sockets or signals left to give.
    #[error("cannot start: {source}")]
    Runtime {
        /// What the system said.
        source: std::io::Error,
    },
    /// A relay and its control plane need a secret that they share.
    #[error(
        "ZTNA_RELAY_SECRET {0}: it has to hold the secret, of at least 16 characters, that control plane and relays share"
    )]
    RelaySecret(&'static str),
    /// The database on the command line is none that this version knows.
    #[error("{0}")]
    Database(String),
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody has that email.
    #[error("there is no user {email}; the fixture names those there are")]
    UnknownUser {
        /// The email asked for.
        email: String,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another program has the port: stop it, or name another with --listen"
        }
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privilege: name another with --listen",
        _ => "name an address of this machine with --listen",
    }
}
