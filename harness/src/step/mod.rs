//! What a step does: one file a verb. `README.md` tells how to add one.

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

/// What the steps of one sub-test act on.
#[derive(Debug)]
pub struct Stage {
    /// The target, as this sub-test has it.
    pub place: Arc<Place>,
    /// The connections to it.
    pub clients: Clients,
    /// The agents, by name.
    pub machines: BTreeMap<String, Machine>,
    /// The WireGuard peers of the kit's own, by name.
    pub peers: BTreeMap<String, Peer>,
    /// What `${…}` stands for.
    pub bindings: Bindings,
}

/// Does what the step says, once.
///
/// # Errors
/// It could not be done, so that there is nothing to judge.
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

/// Why a step could not be carried out. None of these says anything about what the target answers.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A variable has no value, or a template makes no sense.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The target's surroundings failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No HTTP client can be made.
    #[error("no HTTP client can be made: {cause}; are the system's CA certificates installed?")]
    Client {
        /// What the library says.
        cause: String,
    },
    /// No whole answer came.
    #[error("{method} {url}: {cause}")]
    Exchange {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The step asks for a request that HTTP cannot express.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// The sub-test names a machine that it does not declare.
    #[error("there is no machine `{0}`: declare it in `machines`")]
    Machine(String),
    /// The agent cannot be started.
    #[error("`{program}` cannot be started on {machine}: {cause}; check the agent's command")]
    Start {
        /// The program.
        program: String,
        /// The machine.
        machine: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A machine could not be brought into the state the sub-test begins with.
    #[error("{machine} could not be prepared: {cause}")]
    Preparation {
        /// The machine.
        machine: String,
        /// What was tried and what came.
        cause: String,
    },
    /// The control plane does not keep what the capability `wire` declares.
    #[error("the WireGuard peer {peer}: {cause}")]
    Wire {
        /// The kit's peer.
        peer: String,
        /// What was asked and what came.
        cause: String,
    },
    /// A step before this one could not be done.
    #[error("not run: an earlier step could not be done")]
    Earlier,
    /// A folder or listener on the kit's own side failed.
    #[error("{what}: {cause}")]
    Local {
        /// What was tried.
        what: String,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// Who is to blame when nothing can be said about the target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The target could not be talked to, or what surrounds it failed.
    Environment,
    /// The kit failed.
    Kit,
    /// The run was cut short.
    Interruption,
}

impl StepError {
    /// Who is to blame.
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
