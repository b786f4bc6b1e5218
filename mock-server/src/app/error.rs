//! Errors of starting a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use ztna_protocol::region::{Region, RegionError};

use super::healthcheck::HealthError;
use super::session_secret::SecretFileError;
use crate::store::{AddressError, StoreError};

/// The exit code of an invalid command line, the same as clap's.
const USAGE: u8 = 2;

/// The reason why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {source}\n{}", listen_hint(source))]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read the fixture {}: {source}\nChoose another file with --fixture.", path.display())]
    FixtureFile { path: PathBuf, source: std::io::Error },
    /// `origin` is the file, or "the built-in fixture".
    #[error("{origin}: {problem}")]
    Fixture { origin: String, problem: Box<FixtureProblem> },
    #[error("cannot write the ready file {}: {source}\nChoose another file with --ready-file.", path.display())]
    ReadyFile { path: PathBuf, source: std::io::Error },
    #[error("cannot serve the agent {}: {source}\nChoose another program with --agent.", path.display())]
    AgentProgram { path: PathBuf, source: std::io::Error },
    /// The system provides no threads, sockets or signal handlers.
    #[error("cannot start: {source}")]
    Runtime { source: std::io::Error },
    #[error(
        "ZTNA_RELAY_SECRET {0}\nSet it to the secret of at least 16 characters that the control plane shares with its relays."
    )]
    RelaySecret(SecretProblem),
    #[error(
        "ZTNA_TEST_CONTROL_TOKEN {0}\nSet it to at least 16 characters, or unset it for a random token in the ready file."
    )]
    TestControlToken(SecretProblem),
    #[error(transparent)]
    Unhealthy(#[from] HealthError),
    #[error("{0}")]
    Database(DatabaseProblem),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    SessionSecret(#[from] SecretFileError),
    #[error(
        "a database in memory has no session secret\nName a file with --session-secret or --database sqlite:PATH."
    )]
    NoSessionSecret,
}

/// A problem with a secret in the environment.
#[derive(Debug, thiserror::Error)]
pub enum SecretProblem {
    #[error("is not set")]
    Missing,
    #[error("is too short")]
    TooShort,
    #[error("is not UTF-8")]
    NotText,
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseProblem {
    #[error("unexpected options in --database sqlite:{0}\nRemove the '?' and everything after it.")]
    Options(String),
    #[error("invalid --database: expected sqlite::memory:, sqlite:PATH or postgres://…")]
    Unknown,
}

/// An error in a fixture.
#[derive(Debug, thiserror::Error)]
pub enum FixtureProblem {
    /// A TOML error that quotes no line with a password.
    #[error("{0}")]
    Syntax(String),
    #[error("invalid session.{field} {text:?}: {source}")]
    Duration { field: &'static str, text: String, source: humantime::DurationError },
    #[error("session.{field} {text:?} is shorter than a second")]
    TooShort { field: &'static str, text: String },
    /// `reason` speaks of the value as "it".
    #[error("invalid [[{table}]] {field} {value:?}: {reason}")]
    Name { table: &'static str, field: &'static str, value: String, reason: String },
    #[error("the password of {email} must have 1 to 1024 characters and no control characters")]
    Password { email: String },
    #[error("no [[organisation]]: at least one is required")]
    NoOrganisation,
    #[error("duplicate [[{table}]] {field} {value}")]
    Duplicate { table: &'static str, field: &'static str, value: String },
    #[error("{email} has a role in the unknown organisation {org_id}")]
    UnknownOrganisation { email: String, org_id: String },
    #[error("{email} has the unknown role {role:?} in {org_id}: expected \"owner\", \"admin\" or \"member\"")]
    UnknownRole { email: String, org_id: String, role: String },
    #[error(transparent)]
    Region(#[from] RegionError),
    #[error(
        "invalid url {url:?} of the region {region}: expected https://HOST[:PORT][/PATH] or the same with http://"
    )]
    RegionUrl { region: Region, url: String },
    #[error("more than one [[region]] without a url: this server can run the relay of only one region")]
    SeveralLocalRegions,
    #[error("invalid password_hash of {email}: expected $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")]
    PasswordHash { email: String },
    #[error("cannot hash a password: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("cannot hash a password: the thread panicked")]
    HashPanicked,
}

/// An invalid argument on the command line.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("expected REGION=URL, such as fra1=https://fra1.relay.example")]
    Relay,
    #[error("expected ADDRESS:PORT, such as 127.0.0.1:8740 or [::1]:8740, with a port of at most 65535")]
    Address,
    #[error("expected a network, such as 10.0.0.0/8 or 2001:db8::/32")]
    Network,
    #[error(transparent)]
    Region(#[from] RegionError),
    #[error("expected https://HOST[:PORT][/PATH] or the same with http://")]
    Url,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("unknown user {email}\nUse a user of the fixture.")]
    UnknownUser { email: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StartError {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Database(_)
            | Self::Address(_)
            | Self::RelaySecret(_)
            | Self::TestControlToken(_)
            | Self::NoSessionSecret => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }
}

fn listen_hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            "Stop the program that uses the port or choose another one with --listen."
        }
        std::io::ErrorKind::PermissionDenied => {
            "Ports below 1024 require privileges; choose another one with --listen."
        }
        _ => "Choose an address of this machine with --listen.",
    }
}
