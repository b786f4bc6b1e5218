//! Why a command failed, in the words the documents use.

use std::sync::Arc;

use thiserror::Error;

use super::control_client::ControlError;
use super::host_name::HostNameError;
use super::local_socket::SocketError;
use super::state::StateError;
use super::tunnel::DeviceError;

/// The reason a command gives on standard error before it exits with 1.
#[derive(Debug, Error)]
pub(crate) enum AgentError {
    /// `up` has nothing to register with (headless/ST2.4).
    #[error("not authenticated. Run 'ztna login' first or use --auth-key")]
    NotAuthenticated,
    /// An admin command has nobody to speak for.
    #[error("not authenticated. Run 'ztna login' first or set QZ_API_KEY")]
    NoSession,
    /// An admin command does not know the organisation (used-count/ST2.4).
    #[error("not connected to an organization. Run 'ztna up' first")]
    NoOrganisation,
    /// The machine is not registered.
    #[error("this machine is not registered. Run 'ztna up' first")]
    NotRegistered,
    /// No `ztna up` runs whose tunnel could be used.
    #[error("QuickZTNA is not running. Run 'ztna up' first")]
    NotRunning,
    /// A ping was not answered; the reason comes from the running `ztna up`.
    #[error("{0}")]
    Ping(String),
    /// A connection through the tunnel came to nothing, or broke.
    #[error("{0}")]
    Connection(String),
    /// `--serve` with a TUN device.
    #[error(
        "--serve is for --userspace only: with a TUN device every service of this machine that listens on its tailnet address, or on all addresses, is reachable by itself"
    )]
    ServesByItself,
    /// `--serve` twice with one port.
    #[error("--serve names port {0} more than once")]
    ServedTwice(u16),
    /// The control plane gave an address no tunnel can have.
    #[error(
        "the control plane gave this machine the address '{0}', which is no IPv4 address. Check --server"
    )]
    TailnetAddress(String),
    /// The control plane refused the auth key (used-count/ST4.2).
    #[error("auth key registration failed: {0}")]
    KeyRegistration(ControlError),
    /// The control plane refused the session's machine.
    #[error("registration failed: {0}")]
    SessionRegistration(ControlError),
    /// `--timeout` has passed.
    #[error("not registered within {limit}: {last}")]
    Timeout {
        /// The limit.
        limit: humantime::FormattedDuration,
        /// What went wrong last.
        last: String,
    },
    /// `--timeout` has passed, after the registration.
    #[error("not connected within {limit}: {obstacle}")]
    NotConnected {
        /// The limit.
        limit: humantime::FormattedDuration,
        /// What was waited for.
        obstacle: String,
    },
    /// The caller's role could not be looked up (used-count/ST5.4).
    #[error("error checking permissions: {0}")]
    PermissionCheck(String),
    /// The caller's role is not enough (used-count/ST5.3).
    #[error("auth key listing requires admin role (your role: {role})")]
    AdminRequired {
        /// The role.
        role: String,
    },
    /// No key begins like this.
    #[error("no auth key starts with '{typed}'. 'ztna auth-keys list' shows those there are")]
    NoSuchKey {
        /// What was typed, at most as much as a list shows.
        typed: String,
    },
    /// More than one key begins like this.
    #[error("'{typed}' matches more than one auth key; type more of it:\n{}", candidates.join("\n"))]
    AmbiguousKey {
        /// What was typed.
        typed: String,
        /// Prefix and name of each.
        candidates: Vec<String>,
    },
    /// No machine of that name or id.
    #[error("no machine named '{0}' in this organization")]
    NoSuchMachine(String),
    /// The person did not approve the login.
    #[error("{0}. Run 'ztna login' again")]
    LoginEnded(&'static str),
    /// The control plane no longer knows the machine.
    #[error(
        "this machine was removed from the control plane, or registered anew elsewhere. Run 'ztna up' to register it again"
    )]
    Removed,
    /// The state belongs to another control plane, which alone may see its credentials.
    #[error(
        "this agent is registered with {registered}, not with {asked}. Run 'ztna logout' first, or use another --state-dir"
    )]
    OtherServer {
        /// Whose credentials the state holds.
        registered: String,
        /// Whom the command named.
        asked: String,
    },
    /// The server's address is none.
    #[error(
        "'{address}' is not the address of a control plane: {reason}. Set --server (or ZTNA_SERVER) to https://HOST"
    )]
    ServerAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another request failed.
    #[error("{action} failed: {cause}")]
    Request {
        /// What was tried, as a noun.
        action: &'static str,
        /// Why it came to nothing.
        cause: ControlError,
    },
    /// The host's name is no machine's name.
    #[error(transparent)]
    HostName(#[from] HostNameError),
    /// The state folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The TUN device.
    #[error("{0}")]
    Device(Arc<DeviceError>),
    /// The tunnel's task has died.
    #[error("the tunnel has ended for a fault of the agent's own. Run 'ztna up --log debug' to see more")]
    TunnelFault,
    /// The local socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The operating system.
    #[error("cannot {action}: {cause}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Its reason.
        cause: std::io::Error,
    },
}

impl AgentError {
    /// A request that came to nothing, for `map_err`.
    pub(crate) fn request(action: &'static str) -> impl Fn(ControlError) -> Self {
        move |cause| Self::Request { action, cause }
    }

    /// A system call that came to nothing, for `map_err`.
    pub(crate) fn system(action: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |cause| Self::System { action, cause }
    }
}

impl From<DeviceError> for AgentError {
    fn from(error: DeviceError) -> Self {
        Self::Device(Arc::new(error))
    }
}
