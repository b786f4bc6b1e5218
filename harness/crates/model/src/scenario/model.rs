//! A scenario as it is after parsing: what each word of the TOML language means.
//! The language itself is described in `scenarios/README.md`.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use crate::requirement::StatementId;
pub use crate::source::{Source, Span};

/// One documented sub-test.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `CHAPTER/FILE-STEM`, such as `used-count/ST4`.
    pub id: String,
    /// The suite's folder, such as `auth-keys`.
    pub suite: String,
    /// The chapter's folder, such as `used-count`.
    pub chapter: String,
    /// What the sub-test proves, in one sentence.
    pub title: String,
    /// What a target must be able to do: declared in the file and shown by its steps.
    pub needs: BTreeSet<Capability>,
    /// Why it cannot run on any target yet, and what it will judge then.
    pub skip: Option<Skip>,
    /// The agents that it uses.
    pub machines: Vec<Machine>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is done in the end, whatever happened.
    pub cleanup: Vec<Step>,
    /// The file.
    pub source: Arc<Source>,
    /// The folder of its snapshots, beside the file.
    pub snapshots: PathBuf,
}

impl Scenario {
    /// The statements that its checks judge, or will judge once it runs; some more than once.
    pub fn statements(&self) -> impl Iterator<Item = &StatementId> {
        let checked = self.steps.iter().flat_map(|step| &step.checks).flat_map(|check| &check.verifies);
        self.skip.iter().flat_map(|skip| &skip.statements).chain(checked)
    }
}

/// A sub-test that waits for something the kit cannot do yet.
#[derive(Debug, Clone)]
pub struct Skip {
    /// Why.
    pub reason: String,
    /// The statements that stay unverified because of it.
    pub statements: Vec<StatementId>,
}

/// What a target may be able to do; a sub-test that needs more is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// There is an agent to run as a process.
    Agent,
    /// There is an installer, and what it takes to run its documented line.
    Installer,
    /// The target's clock can be advanced.
    Clock,
    /// A machine's credential is answered to its registration, and good for `POST /api/heartbeat`.
    Heartbeat,
    /// There is a second organisation, and an admin of it.
    Organisations,
    /// The kit can connect from more than one address.
    Addresses,
    /// It is known where the target sees the kit, so that `${address}` is right.
    Cidr,
    /// There is a dashboard, and a browser for it.
    Dashboard,
    /// WireGuard packets can be exchanged with the agent.
    Wire,
    /// Plain `ztna up` brings up a TUN device.
    Tun,
    /// Each sub-test finds the target empty.
    Fresh,
}

/// An agent with a state folder of its own.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its name in the documents, and its host name.
    pub name: String,
    /// Who logs in on it before the first step.
    pub login: Option<Identity>,
    /// Whether `ztna up` runs on it before the first step.
    pub up: bool,
    /// Whether its requests are recorded.
    pub observed: bool,
    /// Whether it is a WireGuard peer of the kit's own rather than an agent.
    pub wire: bool,
    /// Where it is declared.
    pub span: Span,
}

/// The people of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// An admin of the organisation.
    Admin,
    /// Its owner.
    Owner,
    /// A member without rights.
    Member,
    /// An admin of another organisation.
    Outsider,
}

/// Every identity and its name in scenarios and profiles.
pub const IDENTITIES: [(Identity, &str); 4] = [
    (Identity::Admin, "admin"),
    (Identity::Owner, "owner"),
    (Identity::Member, "member"),
    (Identity::Outsider, "outsider"),
];

/// Its name in scenarios and profiles.
pub fn identity_name(identity: Identity) -> &'static str {
    IDENTITIES.iter().find(|(known, _)| *known == identity).map_or("nobody", |(_, name)| name)
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens, in the words of the document.
    pub name: Template,
    /// What is done.
    pub action: Action,
    /// The rows that it is done for; empty: once.
    pub rows: Vec<Row>,
    /// How many do it at the same moment.
    pub race: Option<NonZeroU32>,
    /// For how long a read is repeated until its checks pass.
    pub eventually: Option<Duration>,
    /// What is kept of the answer.
    pub keep: Vec<Keep>,
    /// What must hold.
    pub checks: Vec<Check>,
    /// Where the step starts.
    pub span: Span,
}

/// Variables of one row, in the file's order.
pub type Row = Vec<(String, Value)>;

/// A text with `${variables}`, not yet filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// An HTTP exchange.
    Http(Request),
    /// A command of the agent.
    Ztna(Command),
    /// A line in a machine's shell.
    Shell(ShellLine),
    /// Something that the kit's own WireGuard peer does.
    Wire(WireCommand),
    /// The target's clock moves on.
    Advance(Duration),
    /// Values are named as they are now.
    Set(Vec<(String, Template)>),
}

/// An HTTP request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path below the base URL, with a query if it was written there.
    pub path: Template,
    /// More of the query, to be encoded.
    pub query: Vec<(String, Template)>,
    /// Whose request it is.
    pub authorisation: Authorisation,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// What is sent.
    pub body: Body,
    /// The local address to connect from.
    pub from: Option<Template>,
}

/// Whose request it is.
#[derive(Debug, Clone)]
pub enum Authorisation {
    /// No Authorization header.
    Nobody,
    /// That person's session.
    Identity(Identity),
    /// A bearer given as text.
    Bearer(Template),
}

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON; strings in it may hold variables.
    Json {
        /// The value.
        value: Value,
        /// Where it stands.
        span: Span,
    },
    /// Text as it stands.
    Text(Template),
}

/// A command of the agent.
#[derive(Debug, Clone)]
pub struct Command {
    /// On which machine.
    pub machine: String,
    /// The words after `ztna`.
    pub words: Vec<Template>,
    /// More environment.
    pub env: Vec<(String, Template)>,
    /// The text that says that it may go on in the background.
    pub until: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A line in a machine's shell.
#[derive(Debug, Clone)]
pub struct ShellLine {
    /// On which machine.
    pub machine: String,
    /// The line.
    pub line: Template,
    /// More environment.
    pub env: Vec<(String, Template)>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Something that the kit's own WireGuard peer does.
#[derive(Debug, Clone)]
pub struct WireCommand {
    /// Which peer.
    pub machine: String,
    /// What.
    pub deed: WireDeed,
    /// How long it may take.
    pub timeout: Duration,
}

/// What a WireGuard peer can do.
#[derive(Debug, Clone)]
pub enum WireDeed {
    /// It registers as a machine, with a new key.
    Join {
        /// The auth key.
        auth_key: Template,
    },
    /// It shakes hands with a machine and pings it through the tunnel.
    Meet(Meeting),
}

/// A WireGuard peer and a machine.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// The machine.
    pub with: Template,
    /// Who begins the handshake.
    pub initiator: Initiator,
    /// Whether the peer shows the key that it had before it joined anew.
    pub with_old_key: bool,
    /// The key that it believes to be the machine's, in place of the network map's.
    pub their_key: Option<Template>,
    /// The inner address that its ping comes from, in place of its own.
    pub source: Option<Template>,
}

/// Who begins a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// The kit's peer.
    Peer,
    /// The agent.
    Agent,
}

/// A value kept under a name.
#[derive(Debug, Clone)]
pub struct Keep {
    /// The variable's name.
    pub name: String,
    /// Where the value comes from.
    pub from: Extraction,
    /// Where it stands.
    pub span: Span,
}

/// Where a kept value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extraction {
    /// A place in the JSON answer (a JSON pointer, or `rows/…`).
    Pointer(String),
    /// The first ten characters of such a place: its date.
    Date(String),
    /// The status.
    Status,
    /// A header.
    Header(String),
    /// The first group of a regular expression on the output.
    Output(String),
    /// How many answers of a race had one of these statuses.
    Count(Vec<u16>),
}

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// The statements that it judges; never empty.
    pub verifies: Vec<StatementId>,
    /// How many answers of a race must satisfy it.
    pub quantity: Quantity,
    /// At least one of these groups must hold as a whole.
    pub alternatives: Vec<Vec<Expectation>>,
    /// Where it stands.
    pub span: Span,
}

/// How many answers of a race must satisfy a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// All of them.
    Each,
    /// Exactly so many.
    Exactly(u32),
    /// So many or more.
    AtLeast(u32),
    /// So many or fewer.
    AtMost(u32),
}

/// One thing that must hold.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// What.
    pub subject: Subject,
    /// Where it stands.
    pub span: Span,
}

/// What an expectation looks at, and what it wants there.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The HTTP status is one of these.
    Status(Vec<u16>),
    /// A place in the JSON answer or in standard output (a JSON pointer, or `rows/…`).
    Json(String, Matcher),
    /// A header.
    Header(String, Matcher),
    /// The answer's text.
    Body(Matcher),
    /// The exit code.
    Exit(ExitCode),
    /// What the process wrote.
    Text(Stream, Matcher),
    /// Whether the process is still running.
    Running(bool),
    /// Requests that an observed machine made in this step, `METHOD /path?query`.
    Requests(Vec<Template>),
    /// Whether a WireGuard handshake was completed.
    Handshake(bool),
    /// Whether the machine's own address answered a ping through the tunnel.
    Pong(bool),
    /// A snapshot's name.
    Snapshot(String),
}

/// Exit codes that are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitCode {
    /// One of these.
    OneOf(Vec<i32>),
    /// Any but 0.
    Failure,
}

/// Where a process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both, standard output first.
    Output,
}

/// What a value must be like. Strings in it may hold variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// This value, types too.
    Equals(Value),
    /// Text that a regular expression finds.
    Matches(String),
    /// A value of this kind.
    Type(Kind),
    /// One of these values.
    OneOf(Vec<Value>),
    /// Text in text, an element in an array.
    Contains(Value),
    /// The opposite.
    Excludes(Value),
    /// An array, object or text of this length.
    Length(usize),
    /// An object with these keys and no other.
    Keys(Vec<String>),
    /// An object with at least these keys.
    HasKeys(Vec<String>),
    /// A number above this one.
    Above(f64),
    /// A number below this one.
    Below(f64),
    /// A time at most so far from another, such as `5m of ${created}+90d`.
    Within(String),
    /// Anything that does not match.
    Not(Box<Matcher>),
    /// An array whose every element (there is one at least) has matching places.
    Every(Vec<(String, Matcher)>),
    /// An array with an element that has matching places.
    Some(Vec<(String, Matcher)>),
    /// There is no such place.
    Absent,
    /// Text with a line that is exactly this.
    Line(String),
    /// Text with lines that match, in this order; others may stand between.
    Lines(Vec<Matcher>),
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID as text.
    Uuid,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
    /// null.
    Null,
    /// An array.
    Array,
    /// An object.
    Object,
    /// A date and time as RFC 3339 has it.
    DateTime,
}
