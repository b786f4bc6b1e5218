//! Errors of commands.
//!
//! Messages follow the form of the documented ones: one line with what failed, then how to fix it.

use std::net::Ipv4Addr;

use thiserror::Error;

use super::control_client::ControlError;
use super::environment::InvalidVariable;
use super::host_name::HostNameError;
use super::local_socket::{SocketError, TunnelRequestError};
use super::state::StateError;
use super::tunnel::{DialError, TunnelError};

/// The error that a command prints to standard error before it exits with 1.
#[derive(Debug, Error)]
pub(crate) enum AgentError {
    /// `up` has no credential to register with (headless/ST2.4).
    #[error("not authenticated. Run 'ztna login' first or use --auth-key")]
    NotAuthenticated,
    /// An admin command has no credential.
    #[error("not authenticated. Run 'ztna login' first or set QZ_API_KEY")]
    NoSession,
    /// An admin command has no organisation (used-count/ST2.4).
    #[error("not connected to an organization. Run 'ztna up' first")]
    NoOrganisation,
    #[error("this machine is not registered. Run 'ztna up' first")]
    NotRegistered,
    /// `healthcheck` of an agent that is stopped, pending, quarantined or cut off.
    #[error("{}", if *.is_running { "not online. 'ztna status --json' shows the phase" } else { "not running. Run 'ztna up' first" })]
    Unhealthy { is_running: bool },
    /// A request that needs the tunnel failed.
    #[error(transparent)]
    TunnelRequest(#[from] TunnelRequestError),
    /// A connection could not be opened through the kernel.
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("cannot connect to port {port} of {machine}: {cause}")]
    Connect { machine: String, port: u16, cause: std::io::Error },
    /// A connection through the tunnel was lost before both sides had closed it.
    #[error("the connection to {machine} was lost; data may be missing")]
    ConnectionLost { machine: String },
    /// `--serve` with a TUN device.
    #[error(
        "--serve is for --userspace only: with a TUN device every service of this machine that listens on its tailnet address, or on all addresses, is already reachable"
    )]
    ServeWithoutUserspace,
    /// `--serve` names a port twice.
    #[error("--serve names port {0} more than once")]
    DuplicateService(u16),
    /// The control plane refused the auth key (used-count/ST4.2).
    #[error("auth key registration failed: {0}")]
    KeyRegistration(ControlError),
    /// The auth key is used, perhaps by this machine: an earlier request was not answered.
    #[error(
        "auth key registration failed: {cause}\nAn earlier attempt to register {name} was not answered and may have used the key. If {name} is listed and nobody uses it, delete it; then run 'ztna up' with a new key."
    )]
    KeyUsedUnanswered { name: String, cause: ControlError },
    /// The machine is registered, but its state could not be stored.
    #[error(
        "registered as {name} ({ip}), but {cause}\nRun 'ztna up' again within 24 hours, with the same key: the registration is then repeated without another use of the key."
    )]
    NotStored { name: String, ip: Ipv4Addr, cause: StateError },
    /// The control plane refused the session's machine.
    #[error("registration failed: {0}")]
    SessionRegistration(ControlError),
    /// `--timeout` has passed before the registration.
    #[error("not registered within {limit}: {last}")]
    Timeout { limit: humantime::FormattedDuration, last: String },
    /// `--timeout` has passed, after the registration.
    #[error("not connected within {limit}: {obstacle}")]
    NotConnected { limit: humantime::FormattedDuration, obstacle: String },
    /// The caller's role could not be looked up (used-count/ST5.4).
    #[error("error checking permissions: {0}")]
    PermissionCheck(String),
    /// The caller is not an admin (used-count/ST5.3).
    #[error("auth key listing requires admin role (your role: {role})")]
    AdminRequired { role: String },
    /// No key has this prefix.
    #[error("no auth key starts with '{typed}'. Run 'ztna auth-keys list' to see all keys")]
    NoSuchKey {
        /// The prefix, redacted in case it is a whole key.
        typed: String,
    },
    /// More than one key has this prefix.
    #[error("'{typed}' matches more than one auth key; type a longer prefix:\n{}", candidates.join("\n"))]
    AmbiguousKey {
        typed: String,
        /// Prefix and name of each matching key.
        candidates: Vec<String>,
    },
    /// No machine has this name.
    #[error("no machine named '{0}' in this organization")]
    NoSuchMachine(String),
    /// The login was denied or timed out.
    #[error("{0}. Run 'ztna login' again")]
    LoginEnded(&'static str),
    /// The control plane no longer knows the machine.
    #[error(
        "this machine was removed from the control plane, or registered again elsewhere. Run 'ztna up' to register it again"
    )]
    Removed,
    /// The stored credentials belong to another control plane and must not be sent to this one.
    #[error(
        "this agent is registered with {registered}, not with {asked}. Run 'ztna logout' first, or use another --state-dir"
    )]
    OtherServer {
        registered: String,
        /// The control plane that the command named.
        asked: String,
    },
    /// The control plane's address is invalid.
    #[error(
        "invalid control plane address '{address}': {reason}. Set --server (or ZTNA_SERVER) to https://HOST"
    )]
    ServerAddress { address: String, reason: String },
    #[error("{action} failed: {cause}")]
    Request {
        /// The failed action, as a noun phrase.
        action: &'static str,
        cause: ControlError,
    },
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
    /// The machine's name is invalid.
    #[error(transparent)]
    HostName(#[from] HostNameError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("cannot {action}: {cause}")]
    System {
        /// The failed action, as a verb phrase.
        action: &'static str,
        cause: std::io::Error,
    },
}

impl AgentError {
    /// Wraps the error of a request, for `map_err`.
    pub(crate) fn request(action: &'static str) -> impl Fn(ControlError) -> Self {
        move |cause| Self::Request { action, cause }
    }

    /// Returns whether a registration was refused without effect, so that the next one begins anew.
    pub(crate) fn ends_registration(&self) -> bool {
        match self {
            Self::KeyRegistration(cause) | Self::SessionRegistration(cause) => cause.is_definite(),
            Self::NotAuthenticated => true,
            _ => false,
        }
    }

    /// Wraps the error of a system call, for `map_err`.
    pub(crate) fn system(action: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |cause| Self::System { action, cause }
    }
}
