//! A parsed scenario. `scenarios/README.md` describes the TOML language that it is written in.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use crate::requirement::StatementId;
pub use crate::source::{Source, Span};

/// A documented sub-test.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `CHAPTER/FILE-STEM`, such as `used-count/ST4`.
    pub id: String,
    /// Such as `auth-keys`.
    pub suite: String,
    /// Such as `used-count`.
    pub chapter: String,
    /// What the sub-test proves, in one sentence.
    pub title: String,
    /// The capabilities a target must have: those declared in the file and those implied by its steps.
    pub needs: BTreeSet<Capability>,
    /// Set if no target can run it yet.
    pub skip: Option<Skip>,
    pub machines: Vec<Machine>,
    pub steps: Vec<Step>,
    /// Steps that always run at the end.
    pub cleanup: Vec<Step>,
    /// The names of all variables that its texts use, such as `token.admin`.
    pub variables: BTreeSet<String>,
    pub source: Arc<Source>,
    /// The folder of its snapshots, next to the file.
    pub snapshots: PathBuf,
}

impl Scenario {
    /// Returns the statements that its checks judge, or will judge once it can run. There may be duplicates.
    pub fn statements(&self) -> impl Iterator<Item = &StatementId> {
        let checked = self.steps.iter().flat_map(|step| &step.checks).flat_map(|check| &check.verifies);
        self.skip.iter().flat_map(|skip| &skip.statements).chain(checked)
    }
}

/// Why the kit cannot run a sub-test yet.
#[derive(Debug, Clone)]
pub struct Skip {
    pub reason: String,
    /// The statements left unverified.
    pub statements: Vec<StatementId>,
}

/// A feature of a target. A sub-test that needs one the target does not declare is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The target has an agent that the kit can start.
    Agent,
    /// The target has an installer, and the kit has `sh` and `curl` to run the documented command.
    Installer,
    /// The kit can advance the target's clock.
    Clock,
    /// Registering a machine returns a credential for `POST /api/heartbeat`.
    Heartbeat,
    /// The profile has a second organisation with an admin.
    Organisations,
    /// The kit can connect from more than one address.
    Addresses,
    /// The source address that the target sees is known, so `${address}` is correct.
    Cidr,
    /// The target has a dashboard, and the kit has a browser.
    Dashboard,
    /// The kit can exchange WireGuard packets with the agent.
    Wire,
    /// `ztna up` creates a TUN device.
    Tun,
    /// Each sub-test starts with an empty target.
    Fresh,
}

/// A machine of a sub-test: an agent with its own state folder, or one of the kit's WireGuard peers.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The name in the documents, and the host name.
    pub name: String,
    /// Who logs in before the first step.
    pub login: Option<Identity>,
    /// Whether `ztna up` runs before the first step.
    pub up: bool,
    /// Whether its requests to the target are recorded.
    pub observed: bool,
    /// Whether it is one of the kit's WireGuard peers instead of an agent.
    pub wire: bool,
    pub span: Span,
}

/// A user of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// An admin of the organisation under test.
    Admin,
    /// The owner of the organisation under test.
    Owner,
    /// A member without admin rights.
    Member,
    /// An admin of another organisation.
    Outsider,
}

/// All identities with their names in scenarios and profiles.
pub const IDENTITIES: [(Identity, &str); 4] = [
    (Identity::Admin, "admin"),
    (Identity::Owner, "owner"),
    (Identity::Member, "member"),
    (Identity::Outsider, "outsider"),
];

/// Returns the name of an identity in scenarios and profiles.
pub fn identity_name(identity: Identity) -> &'static str {
    IDENTITIES.iter().find(|(known, _)| *known == identity).map_or("nobody", |(_, name)| name)
}

/// A step of a sub-test.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens, in the terms of the document.
    pub name: Template,
    pub action: Action,
    /// The step runs once for each row; once if empty.
    pub rows: Vec<Row>,
    /// The number of concurrent requests.
    pub race: Option<NonZeroU32>,
    /// How long a read is repeated until its checks pass.
    pub eventually: Option<Duration>,
    pub keep: Vec<Keep>,
    pub checks: Vec<Check>,
    pub span: Span,
}

/// The variables of one row, in file order.
pub type Row = Vec<(String, Value)>;

/// A text with unexpanded `${variables}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub text: String,
    pub span: Span,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    Http(Request),
    Ztna(Command),
    Shell(ShellLine),
    Wire(WireCommand),
    /// Advances the target's clock.
    Advance(Duration),
    /// Assigns variables.
    Set(Vec<(String, Template)>),
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
    pub timeout: Duration,
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
    /// The kit's WireGuard peer.
    Peer,
    /// The agent.
    Agent,
}

/// A variable that takes its value from a response.
#[derive(Debug, Clone)]
pub struct Keep {
    pub name: String,
    pub from: Extraction,
    pub span: Span,
}

/// The part of a response that a variable takes its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extraction {
    /// A value in the JSON response, at a JSON pointer or `rows/…`.
    Pointer(String),
    /// The first ten characters of such a value: the date of a timestamp.
    Date(String),
    /// The HTTP status.
    Status,
    Header(String),
    /// The first capture group of a regular expression on the output.
    Output(String),
    /// How many responses of a race had one of these statuses.
    Count(Vec<u16>),
}

/// A check of a step.
#[derive(Debug, Clone)]
pub struct Check {
    /// The statements it judges; never empty.
    pub verifies: Vec<StatementId>,
    pub quantity: Quantity,
    /// The check passes if all expectations of at least one alternative are met.
    pub alternatives: Vec<Vec<Expectation>>,
    pub span: Span,
}

/// How many responses of a race must satisfy a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Each,
    Exactly(u32),
    AtLeast(u32),
    AtMost(u32),
}

/// A condition of a check.
#[derive(Debug, Clone)]
pub struct Expectation {
    pub subject: Subject,
    pub span: Span,
}

/// The observed property of an expectation, with the expected value.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The HTTP status, one of these.
    Status(Vec<u16>),
    /// A value in the JSON response or in JSON on standard output, at a JSON pointer or `rows/…`.
    Json(String, Matcher),
    Header(String, Matcher),
    Body(Matcher),
    Exit(ExitCode),
    Text(Stream, Matcher),
    Running(bool),
    /// Requests that the observed machine made during this step, as `METHOD /path?query`.
    Requests(Vec<Template>),
    Handshake(bool),
    /// Whether the machine's own address answered a ping through the tunnel.
    Pong(bool),
    Snapshot(String),
}

/// The accepted exit codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitCode {
    OneOf(Vec<i32>),
    /// Any code other than 0.
    Failure,
}

/// An output stream of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
    /// Standard output followed by standard error.
    Output,
}

/// A condition on a value. Its strings may contain variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Equal in value and type.
    Equals(Value),
    /// A string in which the regular expression finds a match.
    Matches(String),
    Type(Kind),
    OneOf(Vec<Value>),
    /// A string with this substring, or an array with this element.
    Contains(Value),
    /// The negation of `Contains`.
    Excludes(Value),
    /// An array, object or string of this length.
    Length(usize),
    /// An object with exactly these keys.
    Keys(Vec<String>),
    /// An object with at least these keys.
    HasKeys(Vec<String>),
    Above(f64),
    Below(f64),
    /// A time at most that far from another, such as `5m of ${created}+90d`.
    Within(String),
    Not(Box<Matcher>),
    /// A non-empty array in which every element matches at these JSON pointers.
    Every(Vec<(String, Matcher)>),
    /// An array in which at least one element matches at these JSON pointers.
    Some(Vec<(String, Matcher)>),
    /// No value exists there.
    Absent,
    /// Text with exactly this line.
    Line(String),
    /// Text with matching lines in this order, possibly with others in between.
    Lines(Vec<Matcher>),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string that is a hyphenated UUID.
    Uuid,
    String,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
    /// A string that is an RFC 3339 timestamp.
    DateTime,
}
