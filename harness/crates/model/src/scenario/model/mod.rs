//! A parsed scenario. `scenarios/README.md` describes the TOML language that it is written in.

mod action;
mod capability;
mod check;
mod identity;
mod matcher;
mod template;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use crate::requirement::StatementId;
pub use crate::source::{Source, Span};
pub use action::{
    Act, Action, Authorisation, Body, Browse, Command, Initiator, Interruption, Login, Meeting, Passage,
    Request, ShellLine, WireAction, WireCommand,
};
pub use capability::Capability;
pub use check::{Check, Condition, ExitCode, Expectation, Quantity, RefusalPart, Stream, Subject};
pub use identity::{IDENTITIES, Identity, identity_name};
pub use matcher::{Kind, Matcher};
pub use template::Template;

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
    /// How long it waits on a target whose clock cannot be advanced, if it does not need such a clock.
    pub waits: Option<Duration>,
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

/// The longest wait that a run makes without being asked to (`--long-waits`).
pub const MAX_SHORT_WAIT: Duration = Duration::from_mins(6);

impl Scenario {
    /// Whether it waits so long that a run does so only if asked to.
    pub fn waits_long(&self) -> bool {
        self.waits.is_some_and(|waits| waits > MAX_SHORT_WAIT)
    }

    /// Whether a user logs in on a machine.
    pub fn logs_in(&self) -> bool {
        let in_step = |step: &Step| matches!(step.action, Action::Login(_));
        self.machines.iter().any(|machine| machine.login.is_some()) || self.steps.iter().any(in_step)
    }

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
    pub statements: Vec<StatementId>,
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

/// A step of a sub-test.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens, in the terms of the document.
    pub name: Template,
    pub action: Action,
    /// It is carried out only if all of them are met; evaluated for each row.
    pub when: Vec<Condition>,
    /// The step runs once for each row; once if empty.
    pub rows: Vec<Row>,
    /// The number of concurrent requests.
    pub race: Option<NonZeroU32>,
    /// How long a read is repeated until its checks pass.
    pub eventually: Option<Duration>,
    pub keep: Vec<Keep>,
    pub checks: Vec<Check>,
    pub uses: VariableUses,
    pub span: Span,
}

impl Step {
    /// Returns the variables that it assigns.
    pub fn assigned(&self) -> impl Iterator<Item = &str> {
        let set = match &self.action {
            Action::Set(values) => values.as_slice(),
            _ => &[],
        };
        let kept = self.keep.iter().map(|keep| keep.name.as_str());
        kept.chain(set.iter().map(|(name, _)| name.as_str()))
    }

    /// Returns which answers to a WireGuard peer its checks expect.
    pub fn awaited_answers(&self) -> AwaitedAnswers {
        let alternatives = self.checks.iter().flat_map(|check| &check.alternatives).flatten();
        let mut awaited = AwaitedAnswers { handshake: true, pong: true };
        for expectation in alternatives {
            match expectation.subject {
                Subject::Handshake(false) => awaited.handshake = false,
                Subject::Pong(false) => awaited.pong = false,
                _ => {}
            }
        }
        awaited
    }
}

/// The answers of a machine that a step waits for; silence in place of the others is proven by listening for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwaitedAnswers {
    pub handshake: bool,
    pub pong: bool,
}

/// The variables that the parts of a step refer to, besides its checks.
#[derive(Debug, Clone, Default)]
pub struct VariableUses {
    pub action: BTreeSet<String>,
    /// In the cells of its rows, and in its conditions.
    pub rows_and_conditions: BTreeSet<String>,
}

/// The variables of one row, in file order.
pub type Row = Vec<(String, Value)>;

/// A variable that takes its value from a response.
#[derive(Debug, Clone)]
pub struct Keep {
    pub name: String,
    pub from: Extraction,
    /// The value if the response has none there.
    pub fallback: Option<Value>,
    pub span: Span,
}

/// The part of a response that a variable takes its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extraction {
    /// A value in the JSON response, at a JSON pointer or `rows/…`.
    Pointer(String),
    /// The first ten characters of such a value: the date of a timestamp.
    Date(String),
    Status,
    Header(String),
    /// The first capture group of a regular expression on the output.
    Output(String),
    /// How many responses of a race had one of these statuses.
    Count(Vec<u16>),
}
