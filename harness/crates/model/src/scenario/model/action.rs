use std::time::Duration;

use serde_json::Value;

use crate::source::Span;

use super::identity::Identity;
use super::template::Template;

#[derive(Debug, Clone)]
pub enum Action {
    Http(Request),
    Ztna(Command),
    Shell(ShellLine),
    Wire(WireCommand),
    Login(Login),
    Browse(Browse),
    /// Interrupts the `ztna up` that an earlier step left running.
    Interrupt(Interruption),
    /// Advances the target's clock.
    Advance(Passage),
    /// Advances the target's clock where it can be advanced, and waits elsewhere.
    Wait(Passage),
    Set(Vec<(String, Template)>),
}

impl Action {
    /// Returns the machine that it happens on, if it happens on one.
    pub fn machine(&self) -> Option<&str> {
        match self {
            Self::Ztna(command) => Some(&command.machine),
            Self::Shell(line) => Some(&line.machine),
            Self::Wire(command) => Some(&command.machine),
            Self::Login(login) => Some(&login.machine),
            Self::Interrupt(interruption) => Some(&interruption.machine),
            Self::Http(_) | Self::Browse(_) | Self::Advance(_) | Self::Wait(_) | Self::Set(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Login {
    pub machine: String,
    pub identity: Identity,
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct Interruption {
    pub machine: String,
    /// How long the interrupted process may take to end.
    pub timeout: Duration,
}

/// Time that passes for the target.
#[derive(Debug, Clone)]
pub struct Passage {
    pub duration: Duration,
    /// The credentials of machines that send heartbeats meanwhile.
    pub keeping: Vec<Template>,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The path below the base URL, with any query written there.
    pub path: Template,
    /// Further query parameters, not yet encoded.
    pub query: Vec<(String, Template)>,
    pub authorisation: Authorisation,
    pub headers: Vec<(String, Template)>,
    pub body: Body,
    /// The local address to connect from.
    pub from: Option<Template>,
}

#[derive(Debug, Clone)]
pub enum Authorisation {
    /// No `Authorization` header.
    Nobody,
    /// The session token of a user.
    Identity(Identity),
    /// A bearer token given in the file.
    Bearer(Template),
}

#[derive(Debug, Clone)]
pub enum Body {
    None,
    /// JSON whose strings may contain variables.
    Json {
        value: Value,
        span: Span,
    },
    /// Text that is sent unchanged.
    Text(Template),
}

#[derive(Debug, Clone)]
pub struct Command {
    pub machine: String,
    pub words: Vec<Template>,
    pub env: Vec<(String, Template)>,
    /// Output that shows the command is ready; it then continues in the background.
    pub until: Option<String>,
    /// Whether `up` is given the machine's name. Otherwise its host has that name.
    pub is_named: bool,
    /// Whether the machine cannot reach the target meanwhile.
    pub offline: bool,
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct ShellLine {
    pub machine: String,
    pub line: Template,
    pub env: Vec<(String, Template)>,
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct WireCommand {
    pub machine: String,
    pub action: WireAction,
    /// The time limit that the scenario names.
    pub timeout: Option<Duration>,
}

/// An operation of one of the kit's WireGuard peers.
#[derive(Debug, Clone)]
pub enum WireAction {
    /// Registers as a machine with a new key.
    Join { auth_key: Template },
    /// Completes a handshake with a machine and pings it through the tunnel.
    Meet(Meeting),
}

/// A handshake and a ping between a WireGuard peer and a machine.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub with: Template,
    pub initiator: Initiator,
    /// Whether the peer uses its key from before it joined again.
    pub with_old_key: bool,
    /// The machine's public key; that of the network map if `None`.
    pub their_key: Option<Template>,
    /// The source address of the ping inside the tunnel; the peer's own if `None`.
    pub source: Option<Template>,
}

/// Which side initiates a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    Peer,
    Agent,
}

/// What a user does in the dashboard, in the kit's browser.
#[derive(Debug, Clone)]
pub struct Browse {
    /// Who is signed in; whoever was before if `None`.
    pub identity: Option<Identity>,
    pub acts: Vec<Act>,
    /// How long the page may take for each act.
    pub timeout: Duration,
}

/// One act of a user in the dashboard.
#[derive(Debug, Clone)]
pub enum Act {
    /// Opens a path below the dashboard's base URL.
    Open(Template),
    /// Follows links, tabs or buttons by their names, to a page or a section of one.
    Go(Vec<Vec<Template>>),
    /// Clicks what has this name, in the row of a list if one is given.
    Click {
        name: Template,
        row: Option<Template>,
    },
    /// Brings the field with this label to a value, whatever kind of control it is.
    Fill {
        label: Template,
        value: Template,
    },
    /// Ticks or clears the checkbox with this label.
    Tick {
        label: Template,
        on: bool,
    },
    /// Confirms the question that the page asks, if it asks one.
    Confirm(Template),
    /// An act that is left out where the page has no such element.
    Optional(Box<Act>),
    Reload,
    Back,
}
