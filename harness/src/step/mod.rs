//! Executes the steps of scenarios: one file per verb. `README.md` explains how to add one.

pub mod bindings;
pub mod clock;
pub mod eventually;
pub mod exchange;
pub mod http;
pub mod keep;
mod leftover;
pub mod machine;
pub mod process;
pub mod race;
pub mod set;
pub mod shell;
pub mod wire;
pub mod ztna;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::evidence::Evidence;
use crate::scenario::model::{Action, Step};
use crate::scenario::template::TemplateError;
use crate::target::{Place, TargetError};

use bindings::Bindings;
use exchange::Clients;
use machine::Machine;
use wire::peer::Peer;

/// The mutable state that the steps of one sub-test share.
#[derive(Debug)]
pub struct Stage {
    pub place: Arc<Place>,
    pub clients: Clients,
    /// The agents' machines, by their names in the scenario.
    pub machines: BTreeMap<String, Machine>,
    /// The kit's own WireGuard peers, by their names in the scenario.
    pub peers: BTreeMap<String, Peer>,
    pub bindings: Bindings,
}

/// Executes a step once.
///
/// # Errors
/// The step could not be carried out, so there is nothing to judge.
pub async fn perform(step: &Step, stage: &mut Stage) -> Result<Evidence, StepError> {
    match (&step.action, step.race) {
        (Action::Http(request), Some(contestants)) => race::perform(request, contestants, stage).await,
        (Action::Http(request), None) => http::perform(request, stage).await,
        (Action::Ztna(command), _) => ztna::perform(command, stage).await,
        (Action::Shell(line), _) => shell::perform(line, stage).await,
        (Action::Wire(command), _) => wire::perform(command, stage).await,
        (Action::Advance(duration), _) => clock::perform(*duration, stage).await,
        (Action::Set(values), _) => set::perform(values, stage),
    }
}

/// Why a step could not be carried out. None of these is evidence for or against the target's conformance.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A variable has no value, or a template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(
        "failed to create an HTTP client: {cause}\ncheck that the system's CA certificates are installed"
    )]
    Client { cause: String },
    /// No complete response arrived.
    #[error("{method} {url}: {cause}")]
    Exchange { method: String, url: String, cause: String },
    /// The step describes a request that HTTP cannot express.
    #[error("invalid request: {0}")]
    Request(String),
    /// The step names a machine that the scenario does not declare.
    #[error("undeclared machine `{0}`\nadd it to `machines`")]
    Machine(String),
    /// The agent's program did not start.
    #[error("failed to start `{program}` on {machine}: {cause}\ncheck the agent's command")]
    Start { program: String, machine: String, cause: std::io::Error },
    /// A machine could not be brought into the state that the scenario declares.
    #[error("failed to prepare {machine}: {cause}")]
    Preparation { machine: String, cause: String },
    /// The control plane breaks the contract of the capability `wire`.
    #[error("WireGuard peer {peer}: {cause}")]
    Wire { peer: String, cause: String },
    /// An earlier step of the sub-test could not be carried out.
    #[error("not run: an earlier step could not be carried out")]
    Earlier,
    /// An operation on this host failed, such as creating a folder or opening a socket.
    #[error("{what}: {cause}")]
    Local {
        /// What failed, such as "failed to write line.sh".
        what: String,
        cause: std::io::Error,
    },
}

/// Where the fault lies when a sub-test ends without a verdict on the target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The target could not be reached, or its environment failed.
    Environment,
    /// The kit itself failed.
    Kit,
    /// The run was cut short.
    Interruption,
}

impl StepError {
    /// Returns where the fault lies.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Template(_) | Self::Request(_) | Self::Machine(_) => Fault::Kit,
            Self::Target(_)
            | Self::Client { .. }
            | Self::Exchange { .. }
            | Self::Start { .. }
            | Self::Preparation { .. }
            | Self::Wire { .. }
            | Self::Earlier
            | Self::Local { .. } => Fault::Environment,
        }
    }
}
